"""Which elements and attributes there are in the namespaces that have a schema here.

A schema may let in elements of other namespaces. Those of an unknown one may be anything. But in a
namespace that has a schema there is nothing that the schema does not have (RFC 4825 §8.2.5): it is
a slip of the pen, which XML Schema alone would let pass for something that it has never heard of.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lxml import etree

from sipapp.xcap.namespaces import XML

__all__ = ["PUBLISHED", "Vocabulary", "neighbour"]

PUBLISHED = Path(__file__).parent / "schemas"
"""The directory of the schemas that everybody may refer to."""

_XS = "{http://www.w3.org/2001/XMLSchema}"


def neighbour(directory: Path, location: str) -> Path:
    """
    @param directory: of the schema that refers to another one.
    @param location: where it says that the other one is; only the last part of it counts.
    @return: the file, from the same directory or L{PUBLISHED}.
    @raise FileNotFoundError: if it is in neither.
    """
    name = location.rpartition("/")[2]
    for each in (directory, PUBLISHED):
        if (each / name).is_file():
            return each / name
    raise FileNotFoundError(f"there is no schema {name}")


class Vocabulary:
    """What is declared in a schema and those that it refers to, and in all of L{PUBLISHED}."""

    def __init__(self, path: Path) -> None:
        """
        @param path: of the schema.
        """
        self._namespaces: set[str] = set()
        self._elements: set[str] = set()
        self._attributes: set[str] = set()
        self._read: set[tuple[Path, str | None]] = set()
        for each in (path, *PUBLISHED.glob("*.xsd")):
            self._take(each, None)

    def _take(self, path: Path, around: str | None) -> None:
        """
        @param around: the namespace of the schema that includes this one, which is its own too
            unless it says another.
        """
        schema = etree.parse(str(path)).getroot()
        namespace = schema.get("targetNamespace", around)
        if (path, namespace) in self._read:
            return
        self._read.add((path, namespace))
        for each in schema.iterchildren(f"{_XS}include", f"{_XS}import"):
            location = each.get("schemaLocation")
            if location is not None:
                included = namespace if each.tag == f"{_XS}include" else None
                self._take(neighbour(path.parent, location), included)
        # Of the namespace that is there without a schema too.
        if namespace is None or namespace == XML:
            return
        self._namespaces.add(namespace)
        for each in schema.iter(f"{_XS}element"):
            self._elements.add(f"{{{namespace}}}{each.get('name')}")
        for each in schema.iterchildren(f"{_XS}attribute"):
            self._attributes.add(f"{{{namespace}}}{each.get('name')}")

    def stranger(self, root: Any) -> tuple[Any, str] | None:
        """Look for what is in a namespace that is known, and is not known there.

        @param root: of a document, an C{lxml.etree._Element}.
        @return: the first element that is it or has it, and the name; C{None} if there is none.
        """
        for element in root.iter():
            if element.tag not in self._elements and self._isKnown(element.tag):
                return element, element.tag
            for name in element.keys():  # noqa: SIM118  # it is no dict
                if name[0] == "{" and name not in self._attributes and self._isKnown(name):
                    return element, name
        return None

    def _isKnown(self, name: str) -> bool:
        """
        @return: whether the namespace of a name is.
        """
        return name[1:].partition("}")[0] in self._namespaces
