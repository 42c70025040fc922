"""What a request does with a document: it reads it or a part of it, or makes another one of it.

This is the same over HTTP and by C{sipappctl}. Whose request it is, and that two of them at once
do not undo each other, is for others to see to: see L{sipapp.storage.documentaccess}.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

from sipapp.xcap import edit
from sipapp.xcap.diff import patchFor
from sipapp.xcap.document import Document
from sipapp.xcap.errors import (
    ConstraintFailure,
    NoParent,
    NoSuchMethod,
    NotFound,
    TooLarge,
)
from sipapp.xcap.nodeselector import NAMESPACE

if TYPE_CHECKING:
    from sipapp.interfaces import IApplicationUsage
    from sipapp.xcap.conditions import Conditions
    from sipapp.xcap.errors import XCAPError
    from sipapp.xcap.names import DocumentName
    from sipapp.xcap.nodeselector import NodeSelector
    from sipapp.xcap.root import XCAPRoot
    from sipapp.xcap.selector import Selector

__all__ = ["Change", "Found", "Made", "Target", "read"]

_ALL = ("GET", "HEAD", "PUT", "DELETE", "OPTIONS")


class Target(NamedTuple):
    """What a request is for.

    @ivar node: C{None} for the document as a whole.
    """

    usage: IApplicationUsage
    name: DocumentName
    node: NodeSelector | None

    @classmethod
    def of(cls, selector: Selector, root: XCAPRoot, domain: str) -> Target:
        """
        @param domain: the one of users that are called by their name alone.
        @raise XCAPError: if there is no such usage, or no user can be called so.
        """
        usage = root.usages.get(selector.document.auid)
        if usage is None:
            raise NotFound("there is no such application usage here")
        node = None if selector.node is None else selector.node.resolved(usage.namespace)
        return cls(usage, selector.document.canonical(domain), node)

    @property
    def mimeType(self) -> str:
        """What its representation is (RFC 4825 §7.1, §7.4, §7.7, §7.10)."""
        if self.node is None:
            whole: str = self.usage.mimeType
            return whole
        terminal = self.node.terminal
        kind = "el" if terminal is None else "ns" if terminal is NAMESPACE else "att"
        return f"application/xcap-{kind}+xml"

    @property
    def methods(self) -> tuple[str, ...]:
        """What can be done with it. Namespace bindings are only read (RFC 4825 §7.10)."""
        isBinding = self.node is not None and self.node.terminal is NAMESPACE
        return edit.READING if isBinding or self.usage.isReadOnly(self.name) else _ALL

    def checkMethod(self, method: str) -> None:
        """
        @raise NoSuchMethod: if this is none of L{methods}.
        """
        if method not in self.methods:
            raise NoSuchMethod(self.methods, f"this is for {', '.join(self.methods)} alone")


class Found(NamedTuple):
    """What was asked for.

    @ivar content: of L{Target.mimeType}. @ivar etag: that of its document.
    """

    content: bytes
    etag: str


def read(target: Target, body: bytes | None, etag: str | None, conditions: Conditions) -> Found:
    """Find something in a document.

    @param body: the document. @param etag: its entity tag. Both are C{None} if there is none.
    @raise XCAPError: if it is not there, or a condition does not hold.
    @raise sipapp.xcap.conditions.NotModified: if it need not be sent.
    """
    if body is None or etag is None:
        raise NotFound("there is no such document")
    content = body if target.node is None else edit.get(Document(body), target.node)
    conditions.check(etag, True)
    return Found(content, etag)


class Made(NamedTuple):
    """What is to take the place of a document.

    @ivar document: C{None} for nothing.
    @ivar patch: what makes the one from the other, if that can be said (RFC 5874).
    """

    target: Target
    document: Document | None
    patch: str | None = None

    @property
    def body(self) -> bytes | None:
        """What to store."""
        return None if self.document is None else self.document.body

    @property
    def claims(self) -> Collection[str]:
        """What no other document of its usage may have for its own."""
        if self.document is None:
            return ()
        return self.target.usage.claims(self.document, self.target.name)

    def claimTaken(self, claim: str) -> XCAPError:
        """
        @return: what to say if another document, or a user, has a claim.
        """
        assert self.document is not None
        return self.target.usage.claimTaken(claim, self.document, self.target.name)


class Change:
    """A PUT or DELETE. It may have to be made several times, as long as others are faster.

    @ivar target: what it is for.
    @ivar created: whether it has made, when made last, something that was not there.
    """

    def __init__(
        self, target: Target, content: bytes | None, conditions: Conditions, documentSize: int
    ) -> None:
        """
        @param content: what to put; C{None} to delete.
        @param conditions: what has to be so for that.
        @param documentSize: the most bytes that a document may grow to.
        @raise XCAPError: if nothing of this kind can be changed so.
        """
        target.checkMethod("DELETE" if content is None else "PUT")
        if not target.usage.accepts(target.name):
            if content is None:
                raise NotFound("there is no such document")
            if target.node is not None or "/" in target.name.path:
                # RFC 4825 §8.2.1: what it is to be put in, a document or a directory, is not there.
                raise NoParent(detail="there is no such document or directory")
            raise ConstraintFailure("the usage has no document of this name")
        if content is not None and len(content) > documentSize:
            raise TooLarge(_tooLarge(documentSize))
        self.target = target
        self.created = False
        self._content = content
        self._conditions = conditions
        self._documentSize = documentSize

    def of(self, body: bytes | None, etag: str | None) -> Made:
        """Say what is to become of a document.

        @param body: the one that is there. @param etag: its entity tag. Both are C{None} if there
            is none.
        @raise XCAPError: if this cannot be made of it, or a condition does not hold.
        """
        usage, name, node = self.target
        if self._content is None:
            # What is not there is not found, whatever the conditions say (RFC 9110 §13.2.1).
            old, new = self._deleted(body)
            self._conditions.check(etag, False)
        else:
            self._conditions.check(etag, False)
            old, new = self._put(body, self._content)
        if new is None:
            return Made(self.target, None)
        # Who has a larger one from before can still make it smaller.
        if len(new.body) > max(self._documentSize, len(body or b"")):
            raise TooLarge(_tooLarge(self._documentSize))
        usage.validate(new, name)
        patch = None if old is None or node is None else patchFor(old, new, node)
        return Made(self.target, new, patch)

    # As a whole a document may be replaced or deleted whatever it is, so that nobody looks into it.

    def _put(self, body: bytes | None, content: bytes) -> tuple[Document | None, Document]:
        """
        @return: the document that a part was put into, if it was a part, and what comes of it.
        """
        node = self.target.node
        if node is None:
            self.created = body is None
            return None, Document(content)
        if body is None:
            raise NoParent(detail="there is no such document")
        old = Document(body)
        new, self.created = edit.put(old, node, content)
        return old, new

    def _deleted(self, body: bytes | None) -> tuple[Document | None, Document | None]:
        """
        @return: the document that a part was taken out of, and what remains; nothing of both for
            the whole.
        """
        if body is None:
            raise NotFound("there is no such document")
        node = self.target.node
        if node is None:
            return None, None
        old = Document(body)
        return old, edit.delete(old, node)


def _tooLarge(documentSize: int) -> str:
    return f"a document may have {documentSize} bytes"
