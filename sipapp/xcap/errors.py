"""What can be wrong with an XCAP request, and the status that it deserves. Conflicts write the
document that says which rule a change would have broken (RFC 4825 §11)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar
from xml.sax.saxutils import escape, quoteattr

from sipapp.xcap.xmlgrammar import NOT_A_CHARACTER

__all__ = [
    "NAMESPACE",
    "BadSelector",
    "CannotDelete",
    "CannotInsert",
    "Conflict",
    "ConstraintFailure",
    "Extension",
    "NoParent",
    "NoSuchMethod",
    "NotAllowed",
    "NotFound",
    "NotUTF8",
    "NotWellFormed",
    "NotXMLAttributeValue",
    "NotXMLFragment",
    "SchemaValidationError",
    "TooLarge",
    "URITooLong",
    "UniquenessFailure",
    "UnsupportedType",
    "XCAPError",
]

NAMESPACE = "urn:ietf:params:xml:ns:xcap-error"
_notCharacter = re.compile(NOT_A_CHARACTER)


class XCAPError(Exception):
    """
    Something that a request did wrong.

    @cvar status: the status code of the response that it deserves.
    @ivar detail: what is wrong, in a few words for whoever sent it. It may hold text of the
        request.
    """

    status: ClassVar[int] = 400

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.status} {type(self).__name__}: {self.detail}"


class BadSelector(XCAPError):
    """A URI that breaks the grammar of selectors (RFC 4825 §6), or uses a prefix that it does not
    bind."""


class NotAllowed(XCAPError):
    """A change or a look that the usage does not grant to who asks (RFC 4825 §5.7)."""

    status = 403


class NotFound(XCAPError):
    """A URI that selects nothing, or more than one thing (RFC 4825 §6.3)."""

    status = 404


class NoSuchMethod(XCAPError):
    """A method that is not for this kind of resource, such as PUT of namespace bindings (RFC 4825
    §6.3).

    @ivar allow: the methods that are.
    """

    status = 405

    def __init__(self, allow: Sequence[str], detail: str = "") -> None:
        super().__init__(detail)
        self.allow = tuple(allow)


class TooLarge(XCAPError):
    """A body, or a document that it would make, beyond the bounds of the server."""

    status = 413


class URITooLong(XCAPError):
    """A selector beyond the bounds of the server."""

    status = 414


class UnsupportedType(XCAPError):
    """A body whose media type is not the one of what it is put to (RFC 4825 §8.2.2)."""

    status = 415


class Conflict(XCAPError):
    """
    A change that would leave something that is not a valid document, or that would not be what
    the request says (RFC 4825 §11).

    @cvar contentType: the media type of what L{toXML} writes.
    @cvar element: the name of the error element.
    @ivar detail: its C{phrase}, for people.
    """

    status = 409
    contentType: ClassVar[bytes] = b"application/xcap-error+xml"
    element: ClassVar[str]

    def toXML(self) -> bytes:
        """
        @return: the C{xcap-error} document.
        """
        phrase = f" phrase={quoteattr(_clean(self.detail))}" if self.detail else ""
        content = self._content()
        end = f">{content}</{self.element}>" if content else "/>"
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<xcap-error xmlns="{NAMESPACE}"><{self.element}{phrase}{end}</xcap-error>\n'
        ).encode()

    def _content(self) -> str:
        """
        @return: what stands in the error element, as XML.
        """
        return ""


class NotWellFormed(Conflict):
    """A body that is no well-formed document (or has a DOCTYPE, which nothing here reads)."""

    element = "not-well-formed"


class NotXMLFragment(Conflict):
    """A body that is not one balanced element."""

    element = "not-xml-frag"


class NoParent(Conflict):
    """
    A node or document whose parent does not exist.

    @ivar ancestor: the closest ancestor that does exist. As L{sipapp.xcap.edit} raises it, this is
        what L{NodeSelector.toReference} says of it, and empty if it is the document itself;
        C{None} where nothing is known of one.
    """

    element = "no-parent"

    def __init__(self, ancestor: str | None = None, detail: str = "") -> None:
        super().__init__(detail)
        self.ancestor = ancestor

    def below(self, document: str) -> NoParent:
        """
        @param document: the absolute URI of the document.
        @return: the same with the whole URI of the ancestor, as the client is to read it.
        """
        ancestor = f"{document}/~~/{self.ancestor}" if self.ancestor else document
        return NoParent(ancestor, self.detail)

    def _content(self) -> str:
        return "" if self.ancestor is None else _textElement("ancestor", self.ancestor)


class SchemaValidationError(Conflict):
    """A document that its schema does not allow."""

    element = "schema-validation-error"


class NotXMLAttributeValue(Conflict):
    """A body that cannot stand between the quotes of an attribute."""

    element = "not-xml-att-value"


class CannotInsert(Conflict):
    """A body that the URI would not select once it is put: GET would not return it."""

    element = "cannot-insert"


class CannotDelete(Conflict):
    """A node in whose place the URI would select another one: GET would find that."""

    element = "cannot-delete"


class UniquenessFailure(Conflict):
    """
    Values that the usage wants to be unique, and that are not.

    @ivar fields: for each the node selector of the element or attribute, as it stands in a URI,
        relative to the document (with its query if it uses prefixes), and values that could be
        used instead.
    """

    element = "uniqueness-failure"

    def __init__(self, fields: Sequence[tuple[str, Sequence[str]]], detail: str = "") -> None:
        """
        @param fields: at least one.
        """
        super().__init__(detail)
        self.fields = tuple((field, tuple(alternatives)) for field, alternatives in fields)

    def _content(self) -> str:
        return "".join(
            f"<exists field={quoteattr(_clean(field))}>"
            + "".join(_textElement("alt-value", each) for each in alternatives)
            + "</exists>"
            for field, alternatives in self.fields
        )


class ConstraintFailure(Conflict):
    """A document that breaks a constraint of its usage that no schema can tell."""

    element = "constraint-failure"


class Extension(Conflict):
    """
    A conflict that a usage has described itself.

    @ivar content: its elements, well-formed, in a namespace of theirs.
    """

    element = "extension"

    def __init__(self, content: str) -> None:
        # The only one whose element has no phrase.
        super().__init__()
        self.content = content

    def _content(self) -> str:
        return self.content


class NotUTF8(Conflict):
    """A body in another encoding than UTF-8."""

    element = "not-utf-8"


def _textElement(name: str, text: str) -> str:
    return f"<{name}>{escape(_clean(text))}</{name}>"


def _clean(text: str) -> str:
    """
    @return: the text without the characters that cannot be in any XML document.
    """
    return _notCharacter.sub("\ufffd", text)
