"""Reads the XML of a call: elements and text, and nothing of what XML-RPC has no use for."""

from __future__ import annotations

from typing import NoReturn
from xml.parsers.expat import ExpatError, ParserCreate

from sipapp.rpc.bounds import MAX_DEPTH, MAX_VALUES, tooMuch
from sipapp.rpc.fault import InvalidRequest, NotWellFormed

__all__ = ["Element", "readElements"]

_ELEMENTS_PER_LEVEL = 3
"""C{value}, C{struct} and C{member}; or C{value}, C{array} and C{data}."""

_ELEMENTS_AROUND = 5
"""Above and below those: C{methodCall}, C{params}, C{param}; C{value} and its type."""

_ELEMENTS_PER_VALUE = 5
"""Of a C{member}: itself, C{name}, C{value}, and what the value is and holds."""


def readElements(body: bytes) -> Element:
    """
    @return: the root of a document.
    @raise sipapp.rpc.fault.Fault: if it has none, or too much in it, or a DOCTYPE.
    """
    return _Reader().read(body)


class Element:
    """One that has been read."""

    __slots__ = ("elements", "name", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.text = ""
        self.elements: list[Element] = []

    def fail(self) -> NoReturn:
        raise InvalidRequest(f"this is no XML-RPC: look at <{self.name[:40]}>")

    def inside(self, first: str) -> list[Element]:
        """
        @return: the elements in it: one of the name C{first}, and perhaps others.
        """
        if not self.elements or self.elements[0].name != first or self.text.strip():
            self.fail()
        return self.elements

    def only(self, name: str) -> Element:
        """
        @return: the one element in it.
        """
        found = self.inside(name)
        if len(found) > 1:
            self.fail()
        return found[0]

    def all(self, name: str, inner: str) -> list[Element]:
        """
        @return: the elements in it, which are all of one name.
        """
        if (
            self.name != name
            or self.text.strip()
            or any(each.name != inner for each in self.elements)
        ):
            self.fail()
        return self.elements


class _Reader:
    """Reads a document into elements. There is nothing in it of what XML-RPC has no use for, and
    little enough of the rest."""

    def __init__(self) -> None:
        self._parser = parser = ParserCreate("utf-8")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._started
        parser.EndElementHandler = self._ended
        parser.CharacterDataHandler = self._characters
        self._open = [Element("")]
        # What each of them has said up to now: to put it together each time would take ever longer.
        self._said: list[list[str]] = [[]]
        self._left = MAX_VALUES * _ELEMENTS_PER_VALUE

    def read(self, body: bytes) -> Element:
        """
        @return: the root.
        @raise Fault: if there is none.
        """
        try:
            self._parser.Parse(body, True)
        except ExpatError as error:
            raise NotWellFormed(f"this is not XML: {error}") from None
        return self._open[0].elements[0]

    def _declared(self, version: str, encoding: str | None, standalone: int) -> None:
        if encoding is not None and encoding.lower() not in ("utf-8", "us-ascii"):
            raise NotWellFormed(f"the encoding is to be UTF-8, and not {encoding[:40]}")

    def _doctype(self, *said: object) -> None:
        raise NotWellFormed("there may be no DOCTYPE")

    def _started(self, name: str, attributes: object) -> None:
        self._left -= 1
        if self._left < 0 or len(self._open) > MAX_DEPTH * _ELEMENTS_PER_LEVEL + _ELEMENTS_AROUND:
            raise tooMuch()
        element = Element(name)
        self._open[-1].elements.append(element)
        self._open.append(element)
        self._said.append([])

    def _ended(self, name: str) -> None:
        self._open.pop().text = "".join(self._said.pop())

    def _characters(self, text: str) -> None:
        self._said[-1].append(text)
