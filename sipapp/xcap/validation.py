"""XML Schemas: whether a document is what its application usage says (RFC 4825 §5.2, §8.2.5).

This is the only place that gives documents to libxml2. They have been read by then: one that has a
DOCTYPE, or is too deep, never comes here (L{sipapp.xcap.document}); and libxml2 is told to expand,
load and fetch nothing.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from lxml import etree

from sipapp.xcap.errors import NotWellFormed, SchemaValidationError

__all__ = ["Element", "Schema", "parse"]

_PUBLISHED = Path(__file__).parent / "schemas"
_LONGEST_PHRASE = 400

Element = Any
"""An C{lxml.etree._Element}; lxml has no types."""


def _parser() -> Any:
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


_PARSER = _parser()


def parse(body: bytes) -> Element:
    """
    @param body: a document, or what was taken for one.
    @return: its root, without comments and processing instructions.
    @raise NotWellFormed: for what expat lets pass and libxml2 does not.
    """
    try:
        return etree.fromstring(body, _PARSER)
    except etree.XMLSyntaxError as error:
        raise NotWellFormed(_clipped(str(error))) from None


class Schema:
    """The schema of an application usage. Compiled when it is first needed, and once."""

    def __init__(self, root: str, path: str) -> None:
        """
        @param root: the name of the root element, C{{namespace}name}. Schemas do not say which of
            their elements that is.
        @param path: of the schema, absolute or in the package. What it imports and includes is
            taken from its own directory or, by the last part of its location, from those that
            are published here; never from anywhere else.
        """
        self._root = root
        self._path = _PUBLISHED / path

    @cached_property
    def _compiled(self) -> Any:
        parser = _parser()
        parser.resolvers.add(_Neighbours(self._path.parent))
        return etree.XMLSchema(etree.parse(str(self._path), parser))

    def validate(self, body: bytes) -> Element:
        """
        @param body: a document.
        @return: its root.
        @raise SchemaValidationError: if it is not valid.
        """
        root = parse(body)
        if root.tag != self._root:
            raise SchemaValidationError(_clipped(f"the root is {root.tag}, not {self._root}"))
        if not self._compiled.validate(root):
            error = self._compiled.error_log[0]
            raise SchemaValidationError(_clipped(f"line {error.line}: {error.message}"))
        return root


class _Neighbours(etree.Resolver):  # type: ignore[misc]  # lxml has no types
    """Finds the schemas that one refers to."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory

    def resolve(self, url: str, public: str | None, context: Any) -> Any:
        name = url.rpartition("/")[2]
        for directory in (self._directory, _PUBLISHED):
            if (directory / name).is_file():
                return self.resolve_filename(str(directory / name), context)
        raise FileNotFoundError(f"there is no schema {name}")


def _clipped(text: str) -> str:
    """
    @return: the beginning of what libxml2 says, which may repeat a long value.
    """
    return text if len(text) <= _LONGEST_PHRASE else f"{text[: _LONGEST_PHRASE - 1]}…"
