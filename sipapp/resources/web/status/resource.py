"""The status page as a web resource: C{/status/}, and all that it is made of.

Nothing is loaded from elsewhere, and the browser is told to allow nothing else. All of it, also
what is no secret, is behind the same door: one rule is enough.
"""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import Any, NamedTuple

from twisted.web.http import NOT_FOUND, PERMANENT_REDIRECT, SERVICE_UNAVAILABLE
from twisted.web.resource import Resource
from zope.interface import implementer

from sipapp.interfaces import IWebResource
from sipapp.resources.web.access import Access
from sipapp.resources.web.later import answerLater
from sipapp.resources.web.settings import StatusSettings
from sipapp.resources.web.status.feed import Feed

__all__ = ["Status"]

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

_EVENTS = "events"

_TYPES = {
    "index.html": "text/html; charset=utf-8",
    "status.css": "text/css; charset=utf-8",
    "status.js": "text/javascript; charset=utf-8",
    "plot.js": "text/javascript; charset=utf-8",
    "tables.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


class _File(NamedTuple):
    """A part of the page."""

    content: bytes
    mimeType: str
    etag: bytes


def _load(name: str, mimeType: str) -> _File:
    content = files(__package__).joinpath("page", name).read_bytes()
    return _File(content, mimeType, b'"%b"' % sha256(content).hexdigest()[:16].encode("ascii"))


class _Page(Resource):
    """All below the path."""

    isLeaf = True

    def __init__(self, access: Access, feed: Feed) -> None:
        super().__init__()
        self._access = access
        self._feed = feed
        self._files = {name: _load(name, mimeType) for name, mimeType in _TYPES.items()}

    def render_GET(self, request: Any) -> int:
        return answerLater(request, self._answer(request))

    async def _answer(self, request: Any) -> bytes | None:
        if await self._access.admit(request, "viewer", "web") is None:
            return None
        if not request.postpath:
            # What the page names is beside it.
            request.setResponseCode(PERMANENT_REDIRECT)
            request.setHeader(b"Location", request.prepath[-1] + b"/")
            return b""
        name = b"/".join(request.postpath).decode("latin-1") or "index.html"
        if name == _EVENTS:
            return self._watch(request)
        file = self._files.get(name)
        if file is None:
            return _text(request, NOT_FOUND, b"There is nothing here.\n")
        for header, value in (
            ("Content-Type", file.mimeType),
            ("Content-Security-Policy", _POLICY),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("Cache-Control", "no-cache"),
        ):
            request.responseHeaders.setRawHeaders(header, [value])
        # Of the answer to HEAD, or to who has it already, no more than the length is sent.
        request.setETag(file.etag)
        return file.content

    def _watch(self, request: Any) -> bytes | None:
        headers = request.responseHeaders
        if self._feed.isFull:
            headers.setRawHeaders("Retry-After", ["10"])
            return _text(request, SERVICE_UNAVAILABLE, b"too many watch already\n")
        headers.setRawHeaders("Content-Type", ["text/event-stream"])
        headers.setRawHeaders("Cache-Control", ["no-store"])
        # A proxy that gathers an answer before it passes it on would wait for ever.
        headers.setRawHeaders("X-Accel-Buffering", ["no"])
        if request.method == b"HEAD":
            return b""
        self._feed.watch(request)
        return None


def _text(request: Any, status: int, body: bytes) -> bytes:
    request.setResponseCode(status)
    request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
    return body


@implementer(IWebResource)
class Status:
    """Shows viewers how the server is."""

    def __init__(self, settings: StatusSettings, worker: Any) -> None:
        """
        @param worker: the L{sipapp.interfaces.IWorker}.
        @raise ValueError: if nobody could log in.
        """
        self.path = settings.path
        self._feed = Feed(worker)
        self._page = _Page(Access(settings, worker), self._feed)

    def start(self) -> None:
        pass

    def stop(self) -> None:
        self._feed.stop()

    def webResource(self) -> Resource:
        return self._page
