"""Reads and changes documents of XCAP where they are, whoever else does so at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipapp.storage.document import (
    ClaimTaken,
    DocumentChanged,
    StoredDocument,
    TooManyDocuments,
    entityTag,
)
from sipapp.xcap.errors import ConstraintFailure
from sipapp.xcap.operations import read

if TYPE_CHECKING:
    from sipapp.xcap.conditions import Conditions
    from sipapp.xcap.operations import Change, Found, Target
    from sipapp.xcap.root import XCAPRoot

__all__ = ["carryOut", "lookUp"]

_ATTEMPTS = 100
"""How often somebody else may be faster. Each time one of those who want a document changed is
done, so it takes as many who go on for as long."""


async def lookUp(target: Target, root: XCAPRoot, conditions: Conditions) -> Found:
    """Look something up, in the store or in what is made at this moment.

    @raise sipapp.xcap.errors.XCAPError: if it is not there, or a condition does not hold.
    @raise sipapp.xcap.conditions.NotModified: if it need not be sent.
    """
    usage, name = target.usage, target.name
    if usage.isReadOnly(name):
        body = await usage.generated(name, root)
        return read(target, body, None if body is None else entityTag(body), conditions)
    present = await root.documents.get(name) if usage.accepts(name) else None
    if present is None:
        return read(target, None, None, conditions)
    return read(target, present.body, present.etag, conditions)


async def carryOut(
    change: Change, root: XCAPRoot, limit: int | None = None
) -> StoredDocument | None:
    """Make a change of what is there, and anew of what is there then if that is something else by
    now. Its conditions are looked at each time, so one that has any undoes nothing of others.

    @param limit: how many documents a user may have. Those of the global tree are nobody's.
    @return: what is there now.
    @raise sipapp.xcap.errors.XCAPError: if it cannot be made.
    @raise DocumentChanged: if somebody else is faster each time.
    """
    name = change.target.name
    if name.isGlobal:
        limit = None
    attempt = 0
    while True:
        attempt += 1
        present = await root.documents.get(name)
        body, etag = (None, None) if present is None else (present.body, present.etag)
        made = change.of(body, etag)
        claims = made.claims
        for claim in filter(root.isUser, claims):
            # What it has had before there was such a user stays.
            if await root.documents.holder(name.auid, claim) != name:
                raise made.claimTaken(claim)
        try:
            return await root.documents.replace(name, etag, made.body, made.patch, claims, limit)
        except DocumentChanged:
            if attempt == _ATTEMPTS:
                raise
        except ClaimTaken as taken:
            raise made.claimTaken(taken.claim) from None
        except TooManyDocuments as error:
            raise ConstraintFailure(f"a user may have {error.limit} documents") from None
