"""One HTTP request and its way to a resource: Twisted's, with a bound for its body, a look at what
its target is, and answers to methods that nobody has (RFC 9110 §9, RFC 9112 §3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from twisted.logger import Logger
from twisted.python.reflect import prefixedMethodNames
from twisted.web.error import UnsupportedMethod
from twisted.web.http import NOT_ALLOWED, NOT_IMPLEMENTED, OK
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Request

from sipapp.transport.webchannel import HOST, BodyTooLarge, NoRoom
from sipapp.transport.webcounters import WEB_METHODS

__all__ = ["LimitedRequest"]

_log = Logger()

_absolute = re.compile(rb"https?://(?:[^/?#@]*@)?(" + HOST + rb"+)(?=[/?]|\Z)", re.IGNORECASE).match
_target = re.compile(rb"/[\x21-\x7e]*\Z|\*\Z").match


class LimitedRequest(Request):
    """A request whose body has a bound even when it comes in chunks, without a length.

    @ivar uri: path and query, also if it came with the authority before them, as proxies ask: then
        that is what Host says, whatever it has said (RFC 9112 §3.2.2).
    @ivar isStream: whether the answer goes on until somebody ends it, so that how long it has taken
        means nothing.
    """

    isStream = False
    _size = 0
    _came = 0.0

    def handleContentChunk(self, data: bytes) -> None:
        self._size += len(data)
        channel: Any = self.channel
        if self._size > channel.bounds.bodySize:
            raise BodyTooLarge
        try:
            super().handleContentChunk(data)
        except OSError as error:
            _log.error("A body has no room: {error}", error=error)
            raise NoRoom from error

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        self._came = self._now()
        authority = _absolute(path)
        if authority is not None:
            self.requestHeaders.setRawHeaders(b"Host", [authority[1]])
            path = path[authority.end() :]
            path = path if path[:1] == b"/" else b"/" + path
        if _target(path) is None:
            channel: Any = self.channel
            channel._respondToBadRequestAndDisconnect()
        else:
            super().requestReceived(command, path, version)

    def render(self, resrc: Any) -> None:
        super().render(_Addressed(resrc))

    def finish(self) -> None:
        """Who is not there any more gets no answer, and that is no error."""
        if not self._disconnected:
            channel: Any = self.channel
            took = None if self.isStream else self._now() - self._came
            channel.site.counters.answered(self.path, self.method, self.code, took)
            super().finish()

    def _now(self) -> float:
        channel: Any = self.channel
        now: float = channel.site.reactor.seconds()
        return now


class _Addressed:
    """The resource that a request has come to, and what is said to a method that it has not."""

    def __init__(self, resource: Any) -> None:
        self._resource = resource

    def render(self, request: Any) -> Any:
        """
        @return: as of any C{twisted.web.resource.IResource}.
        """
        try:
            body = self._answer(request)
        except UnsupportedMethod as error:
            if request.method == b"HEAD" and b"GET" in error.allowedMethods:
                # Twisted asks again, for GET.
                raise
            return _without(request, error.allowedMethods)
        if body is NOT_DONE_YET:
            return body
        if not isinstance(body, bytes):
            raise TypeError(f"{self._resource!r} gives {type(body)} for a page")
        if request.method == b"HEAD" and body:
            request.setHeader(b"Content-Length", b"%d" % len(body))
            return b""
        return body

    def _answer(self, request: Any) -> Any:
        resource = self._resource
        if request.method == b"HEAD" and _hasNothingToGet(resource):
            names = prefixedMethodNames(type(resource), "render_")
            raise UnsupportedMethod([name.encode("ascii") for name in names])
        return resource.render(request)


def _hasNothingToGet(resource: Any) -> bool:
    """Whether a resource has only Twisted's idea of HEAD, which is that there is a GET."""
    kind = type(resource)
    return (
        getattr(kind, "render", None) is Resource.render
        and getattr(kind, "render_HEAD", None) is Resource.render_HEAD
        and not hasattr(resource, "render_GET")
    )


def _without(request: Any, methods: Iterable[bytes]) -> bytes:
    """Answer a request whose method the resource has not got.

    @param methods: those that it has.
    """
    allowed = {b"OPTIONS", *methods}
    if b"GET" in allowed:
        allowed.add(b"HEAD")
    else:
        allowed.discard(b"HEAD")
    if request.method in WEB_METHODS:
        request.setHeader(b"Allow", b", ".join(sorted(allowed)))
        request.setResponseCode(OK if request.method == b"OPTIONS" else NOT_ALLOWED)
    else:
        request.setResponseCode(NOT_IMPLEMENTED)
    return b""
