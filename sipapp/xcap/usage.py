"""Application usages without surprises: what RFC 4825 §5 says unless a usage says otherwise."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from twisted.plugin import IPlugin
from zope.interface import implementer

from sipapp.interfaces import IApplicationUsage
from sipapp.xcap.errors import UniquenessFailure, XCAPError

if TYPE_CHECKING:
    from sipapp.xcap.document import Document
    from sipapp.xcap.names import DocumentName
    from sipapp.xcap.root import XCAPRoot
    from sipapp.xcap.validation import Element, Schema

__all__ = ["ApplicationUsage"]


@implementer(IPlugin, IApplicationUsage)
class ApplicationUsage:
    """An L{IApplicationUsage} to derive from.

    Users read and change their own documents, all users read the global ones, and a document may
    have any name, in either tree (§5.7). There are no directories in a user's home (§6.2).
    """

    auid: str
    mimeType: str
    namespace: str
    extensions: tuple[str, ...] = ()
    schema: Schema | None = None
    """What documents are validated against; C{None} for nothing."""

    @property
    def namespaces(self) -> tuple[str, ...]:
        return (self.namespace,)

    def accepts(self, name: DocumentName) -> bool:
        return "/" not in name.path

    def isReadOnly(self, name: DocumentName) -> bool:
        return False

    def mayRead(self, user: str | None, name: DocumentName) -> bool:
        return user is not None and (name.isGlobal or user == name.xui)

    def mayWrite(self, user: str | None, name: DocumentName) -> bool:
        return user is not None and not name.isGlobal and user == name.xui

    def validate(self, document: Document, name: DocumentName) -> None:
        if self.schema is not None:
            self.constrain(self.schema.validate(document.body), name)

    def constrain(self, root: Element, name: DocumentName) -> None:
        """Check what no schema can say: first what has to be unique, then the rest.

        @param root: of a document that is valid, an C{lxml.etree._Element}.
        @raise sipapp.xcap.errors.XCAPError: C{UniquenessFailure} or C{ConstraintFailure}.
        """

    def claims(self, document: Document, name: DocumentName) -> Collection[str]:
        return ()

    def claimTaken(self, claim: str, document: Document, name: DocumentName) -> XCAPError:
        return UniquenessFailure([(claim, ())], f"{claim} is in another document")

    async def generated(self, name: DocumentName, root: XCAPRoot) -> bytes | None:
        return None
