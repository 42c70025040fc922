"""A document that a user keeps here (RFC 4825): what the stores of documents give and take."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Collection
from hashlib import sha256

import msgspec

from sipapp.xcap.names import DocumentName

__all__ = [
    "ClaimTaken",
    "DocumentChange",
    "DocumentChanged",
    "DocumentEntry",
    "DocumentsUnavailable",
    "Replacement",
    "StoredDocument",
    "TooManyDocuments",
    "entityTag",
]

_TAG_SIZE = 16


def entityTag(body: bytes) -> str:
    """
    @return: what stands for this body and no other one (RFC 4825 §7.11), without quotes. It says
        nothing of when the body was put: after a change and a change back it is the same again.
    """
    return urlsafe_b64encode(sha256(body).digest()[:_TAG_SIZE]).rstrip(b"=").decode("ascii")


class StoredDocument(msgspec.Struct, frozen=True):
    """A document as it is kept.

    @ivar body: byte for byte what was put.
    @ivar etag: its C{entityTag}.
    @ivar modified: when it was put, in seconds since the epoch.
    """

    body: bytes
    etag: str
    modified: float


class DocumentEntry(msgspec.Struct, frozen=True, order=True):
    """A document in a listing.

    @ivar size: of the body, in bytes. @ivar modified: in seconds since the epoch.
    """

    name: DocumentName
    etag: str
    size: int
    modified: float


class DocumentChange(msgspec.Struct, frozen=True):
    """A document has become another one.

    @ivar sequence: of changes, the later ones have the higher numbers.
    @ivar previous: the C{entityTag} before; C{None} if there was no document.
    @ivar etag: the one since; C{None} if there is none any more.
    @ivar patch: what makes the one from the other, as whoever has changed it has said (the
        C{xcap-diff} of RFC 5874); C{None} if that was not said.
    """

    sequence: int
    name: DocumentName
    previous: str | None
    etag: str | None
    patch: str | None = None


class Replacement(msgspec.Struct, frozen=True):
    """A change that somebody wants: see L{sipapp.interfaces.IDocumentStore.replace}."""

    name: DocumentName
    expected: str | None
    body: bytes | None
    patch: str | None = None
    claims: Collection[str] = ()
    limit: int | None = None


class DocumentChanged(Exception):
    """What was to be replaced is not what is there.

    @ivar etag: of what is there; C{None} for nothing.
    """

    def __init__(self, name: DocumentName, etag: str | None) -> None:
        super().__init__(f"{name.toPath()} is {etag or 'nothing'} by now")
        self.etag = etag


class DocumentsUnavailable(Exception):
    """Documents cannot be read or changed now: the disk is full, for example."""


class TooManyDocuments(Exception):
    """A user has as many documents as may be."""

    def __init__(self, name: DocumentName, limit: int) -> None:
        super().__init__(f"{name.toPath()}: there are {limit} documents of {name.xui!r} already")
        self.limit = limit


class ClaimTaken(Exception):
    """Another document has what a document claims for itself.

    @ivar claim: what both want. @ivar holder: the name of the document that has it.
    """

    def __init__(self, claim: str, holder: DocumentName) -> None:
        super().__init__(f"{claim!r} belongs to {holder.toPath()}")
        self.claim = claim
        self.holder = holder
