"""One request to the XCAP server, and what is answered (RFC 4825 §8).

::

    method --> who asks, and may he --> is it there --> conditions --> the change --> its usage
     405          401, 403                 404           412, 304        409            409
"""

from __future__ import annotations

import re
from typing import Any

from twisted.web.http import CREATED, NO_CONTENT, OK

from sipapp.resources.xcap.access import Access
from sipapp.resources.xcap.answer import Answer
from sipapp.resources.xcap.settings import XCAPSettings
from sipapp.storage.documentaccess import carryOut, lookUp
from sipapp.xcap.conditions import Conditions
from sipapp.xcap.errors import NotUTF8, UnsupportedType, XCAPError
from sipapp.xcap.operations import Change, Target
from sipapp.xcap.root import XCAPRoot

__all__ = ["respond"]

_charset = re.compile(r""";\s*charset\s*=\s*["']?([^\s"';]*)""", re.IGNORECASE).search


async def respond(
    request: Any, target: Target, root: XCAPRoot, access: Access, settings: XCAPSettings
) -> Answer:
    """Do what a request asks for.

    @param request: a C{twisted.web.server.Request}, all of which has come.
    @return: what to answer.
    @raise XCAPError: if it cannot be done.
    @raise sipapp.xcap.conditions.NotModified: if nothing need be sent.
    @raise sipapp.resources.xcap.access.Unauthenticated: if it has to be known first who asks.
    """
    method = request.method.decode("latin-1")
    target.checkMethod(method)
    await access.check(request, target)
    if method == "OPTIONS":
        return Answer(NO_CONTENT, allow=target.methods)
    fields = request.requestHeaders.getRawHeaders
    conditions = Conditions(fields(b"If-Match", ()), fields(b"If-None-Match", ()))
    if method in ("GET", "HEAD"):
        found = await lookUp(target, root, conditions)
        return Answer(OK, found.content, target.mimeType, found.etag)
    content = _content(request, target) if method == "PUT" else None
    change = Change(target, content, conditions, settings.documentSize)
    stored = await carryOut(change, root, settings.documentsPerUser)
    return Answer(CREATED if change.created else OK, etag=None if stored is None else stored.etag)


def _content(request: Any, target: Target) -> bytes:
    """
    @return: what is to be put.
    @raise XCAPError: if it does not say that it is what belongs there (RFC 4825 §8.2.2), all of it,
        and in the form in which it is kept.
    """
    if request.getHeader(b"Content-Range") is not None:
        # It would be taken for the whole (RFC 9110 §14.5).
        raise XCAPError("a part of a document is put by its node selector, not by Content-Range")
    coding = request.getHeader(b"Content-Encoding")
    if coding is not None and coding.lower() != b"identity":
        raise UnsupportedType("there may be no Content-Encoding")
    said = (request.getHeader(b"Content-Type") or b"").decode("latin-1")
    if said.partition(";")[0].strip().lower() != target.mimeType:
        raise UnsupportedType(f"the Content-Type is to be {target.mimeType}")
    charset = _charset(said)
    if charset is not None and charset[1].lower() not in ("utf-8", "us-ascii"):
        raise NotUTF8(f"the charset is to be UTF-8, and not {charset[1]}")
    content: bytes = request.content.read()
    return content
