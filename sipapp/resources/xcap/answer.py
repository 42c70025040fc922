"""What is said in answer to a request, and how that is written."""

from __future__ import annotations

from typing import Any, NamedTuple

from twisted.web import http

from sipapp.xcap.errors import Conflict, NoParent, NoSuchMethod, XCAPError

__all__ = ["Answer", "refusal"]

_TEXT = "text/plain; charset=utf-8"


class Answer(NamedTuple):
    """
    @ivar status: C{None} leaves the one that is set already.
    @ivar body: of a response to GET; for one to HEAD, what is not sent of it.
    @ivar mimeType: of the body.
    @ivar etag: that of the document, without quotes.
    @ivar allow: the methods that may be used.
    @ivar retryAfter: seconds after which the client may try again.
    """

    status: int | None
    body: bytes = b""
    mimeType: str | None = None
    etag: str | None = None
    allow: tuple[str, ...] = ()
    retryAfter: int | None = None

    @classmethod
    def text(cls, status: int | None, text: str, **more: Any) -> Answer:
        """
        @param text: a few words for people.
        """
        return cls(status, f"{text}\n".encode("utf-8", "replace"), _TEXT, **more)

    def write(self, request: Any) -> None:
        """Send it, which ends the request.

        @param request: a C{twisted.web.server.Request}.
        """
        if self.status is not None:
            request.setResponseCode(self.status)
        headers = request.responseHeaders
        # Users may put any XML there, and a browser that shows it is logged in as somebody else.
        headers.setRawHeaders("Content-Security-Policy", ["default-src 'none'; sandbox"])
        headers.setRawHeaders("X-Content-Type-Options", ["nosniff"])
        # A change of one URI changes others, which no cache on the way knows of (RFC 4825 §9).
        headers.setRawHeaders("Cache-Control", ["no-cache"])
        if self.etag is not None:
            headers.setRawHeaders("ETag", [f'"{self.etag}"'])
        if self.allow:
            headers.setRawHeaders("Allow", [", ".join(self.allow)])
        if self.retryAfter is not None:
            headers.setRawHeaders("Retry-After", [str(self.retryAfter)])
        if self.status not in (http.NO_CONTENT, http.NOT_MODIFIED):
            headers.setRawHeaders("Content-Length", [str(len(self.body))])
        if self.mimeType is not None:
            headers.setRawHeaders("Content-Type", [self.mimeType])
        if self.body:
            request.write(self.body)
        request.finish()


def refusal(error: XCAPError, document: str) -> Answer:
    """
    @param document: the absolute URI of the document that the request is about.
    @return: what to answer to a request that cannot be granted.
    """
    if isinstance(error, NoParent) and error.ancestor is not None:
        error = error.below(document)
    if isinstance(error, Conflict):
        return Answer(error.status, error.toXML(), error.contentType.decode("ascii"))
    allow = error.allow if isinstance(error, NoSuchMethod) else ()
    return Answer.text(
        error.status, error.detail or http.RESPONSES[error.status].decode(), allow=allow
    )
