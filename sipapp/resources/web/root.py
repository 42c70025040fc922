"""The root of an HTTP endpoint: its resources side by side, by the first segment of the path."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from twisted.web.http import NOT_FOUND
from twisted.web.resource import Resource

if TYPE_CHECKING:
    from sipapp.interfaces import IWebResource

__all__ = ["Root"]


class _Nothing(Resource):
    """What is not there. The page says nothing of what was asked for."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        request.setResponseCode(NOT_FOUND)
        request.setHeader(b"Content-Type", b"text/plain; charset=utf-8")
        return b"There is nothing here.\n"


class Root(Resource):
    """What an endpoint serves. A resource whose path is empty has all that no other has."""

    def __init__(self, resources: Iterable[IWebResource]) -> None:
        """
        @raise ValueError: if two of them want the same part, or one more than a segment names.
        """
        super().__init__()
        for each in resources:
            path = each.path.encode("utf-8")
            if b"/" in path:
                raise ValueError(f"path: {each.path!r} is more than one segment")
            if path in self.children:
                raise ValueError(f"path: two resources of an endpoint serve {each.path!r}")
            self.putChild(path, each.webResource())
        self._rest: Any = self.children.pop(b"", None)

    def getChild(self, path: bytes, request: Any) -> Any:
        """Twisted asks for what has no name here."""
        if self._rest is None:
            return _Nothing()
        # It stands where the root stands, and finds its way from there.
        request.postpath.insert(0, request.prepath.pop())
        return self._rest
