"""XML Schemas: whether a document is what its application usage says (RFC 4825 §5.3, §8.2.5).

This is the only place that gives documents to libxml2. They have been read by then: one that has a
DOCTYPE, or is too deep, never comes here (L{sipapp.xcap.document}); and libxml2 is told to expand,
load and fetch nothing.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from lxml import etree

from sipapp.xcap.errors import NotWellFormed, SchemaValidationError, XCAPError
from sipapp.xcap.vocabulary import PUBLISHED, Vocabulary, neighbour

__all__ = ["Element", "Schema", "parse"]

_LONGEST_PHRASE = 400

Element = Any
"""An C{lxml.etree._Element}; lxml has no types."""


def _parser(schema: Any = None) -> Any:
    return etree.XMLParser(
        schema=schema,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def parse(body: bytes) -> Element:
    """
    @param body: a document, or what was taken for one.
    @return: its root, without comments and processing instructions.
    @raise NotWellFormed: for what expat lets pass and libxml2 does not.
    """
    try:
        return etree.fromstring(body, _parser())
    except etree.XMLSyntaxError as error:
        raise NotWellFormed(_clipped(str(error))) from None


class Schema:
    """The schema of an application usage. Compiled when it is first needed, and once.

    Documents are validated while they are parsed, and not as a tree: there libxml2 looks for all
    faults, and lxml goes through all siblings of an element to name one. So nothing sees to it
    that values of type C{xs:ID} are unique: that is for the usage.
    """

    def __init__(self, root: str, path: str) -> None:
        """
        @param root: the name of the root element, C{{namespace}name}. Schemas do not say which of
            their elements that is.
        @param path: of the schema, absolute or in the package. What it imports and includes is
            taken from its own directory or, by the last part of its location, from those that
            are published here; never from anywhere else.
        """
        self._root = root
        self._path = PUBLISHED / path

    @cached_property
    def _compiled(self) -> Any:
        parser = _parser()
        parser.resolvers.add(_Neighbours(self._path.parent))
        return etree.XMLSchema(etree.parse(str(self._path), parser))

    @cached_property
    def _vocabulary(self) -> Vocabulary:
        return Vocabulary(self._path)

    def validate(self, body: bytes) -> Element:
        """
        @param body: a document.
        @return: its root, without comments and processing instructions.
        @raise SchemaValidationError: if it is not valid, or has something in a namespace that is
            known here and has no such thing (L{sipapp.xcap.vocabulary}).
        """
        try:
            root = etree.fromstring(body, _parser(self._compiled))
        except etree.XMLSyntaxError:
            raise self._firstFault(body) from None
        if root.tag != self._root:
            raise SchemaValidationError(_clipped(f"the root is {root.tag}, not {self._root}"))
        stranger = self._vocabulary.stranger(root)
        if stranger is not None:
            element, name = stranger
            raise SchemaValidationError(
                _clipped(f"line {element.sourceline}: the schema of its namespace has no {name}")
            )
        return root

    def _firstFault(self, body: bytes) -> XCAPError:
        """
        @param body: a document that is not valid.
        @return: what to say of it, with the line: the parser is given one after the other, since
            it does not know in which one it has found something.
        """
        parser = _parser(self._compiled)
        try:
            # After the last tag the parser waits for whatever follows it.
            for number, line in enumerate((body + b"\n").splitlines(keepends=True), 1):
                parser.feed(line)
                faults = parser.feed_error_log.filter_from_errors()
                if faults:
                    return _fault(number, faults[0])
            parser.close()
        except etree.XMLSyntaxError as error:
            return NotWellFormed(_clipped(str(error)))
        finally:
            # What it has been fed is never freed unless it is told that there is no more.
            with suppress(etree.XMLSyntaxError):
                parser.close()
        raise AssertionError("a document is valid line by line, but not as a whole")


def _fault(line: int, entry: Any) -> XCAPError:
    """
    @param entry: of lxml's error log.
    """
    isOfSchema = entry.domain == etree.ErrorDomains.SCHEMASV
    kind = SchemaValidationError if isOfSchema else NotWellFormed
    return kind(_clipped(f"line {line}: {entry.message}"))


class _Neighbours(etree.Resolver):  # type: ignore[misc]  # lxml has no types
    """Finds the schemas that one refers to."""

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory

    def resolve(self, url: str, public: str | None, context: Any) -> Any:
        return self.resolve_filename(str(neighbour(self._directory, url)), context)


def _clipped(text: str) -> str:
    """
    @return: the beginning of what libxml2 says, which may repeat a long value.
    """
    return text if len(text) <= _LONGEST_PHRASE else f"{text[: _LONGEST_PHRASE - 1]}…"
