"""One request with calls in it, and what is answered: XML-RPC, or JSON-RPC 2.0.

::

type --> who asks --> calls --> who has to ask --> each call --> answers
415      401, 403     fault     401                fault         200, 204
"""

from __future__ import annotations

import re
from typing import Any, Literal

from twisted.web.http import NO_CONTENT, UNSUPPORTED_MEDIA_TYPE

from sipapp.resources.web.access import Access
from sipapp.resources.xmlrpc.catalogue import Catalogue
from sipapp.rpc import ROLES, Caller, Fault, Role, jsonrpc, xmlrpc

__all__ = ["respond"]

_Door = Literal["xmlrpc", "jsonrpc"]

_DOORS: dict[str, _Door] = {
    "text/xml": "xmlrpc",
    "application/xml": "xmlrpc",
    "application/json": "jsonrpc",
    "application/json-rpc": "jsonrpc",
}
"""None of them is a type that a browser posts for a page from elsewhere without asking first: so no
page can have its reader, whose password the browser knows, change something."""

_TYPES = {"xmlrpc": "text/xml; charset=utf-8", "jsonrpc": "application/json"}

_charset = re.compile(r""";\s*charset\s*=\s*["']?([^\s"';]*)""", re.IGNORECASE).search


async def respond(request: Any, catalogue: Catalogue, access: Access) -> bytes | None:
    """Do what a request asks for.

    @param request: a C{twisted.web.server.Request}, all of which has come.
    @return: the body of the answer; C{None} if it has been answered already.
    """
    door = _door(request)
    if door is None:
        request.setResponseCode(UNSUPPORTED_MEDIA_TYPE)
        _describe(request, "text/plain; charset=utf-8")
        return b"Calls are text/xml, or application/json, in UTF-8.\n"
    caller = await access.admit(request, "viewer", door)
    if caller is None:
        return None
    exchange = _Exchange(request, caller, catalogue, access)
    body: bytes = request.content.read()
    if not body and not await exchange.isEnough("admin"):
        # Such as curl, which wants to be challenged before it says what it has to say.
        return None
    answer = await (exchange.xml(body) if door == "xmlrpc" else exchange.json(body))
    if answer is None:
        return None
    if answer:
        _describe(request, _TYPES[door])
    else:
        request.setResponseCode(NO_CONTENT)
    return answer


class _Exchange:
    """The calls of one request. What is C{None} has been answered already."""

    def __init__(self, request: Any, caller: Caller, catalogue: Catalogue, access: Access) -> None:
        self._request = request
        self._caller = caller
        self._catalogue = catalogue
        self._access = access

    async def xml(self, body: bytes) -> bytes | None:
        try:
            name, parameters = xmlrpc.decodeCall(body)
            if not await self._mayCall([(name, parameters)]):
                return None
            return xmlrpc.encodeResult(await self._call(name, parameters))
        except Fault as fault:
            return xmlrpc.encodeFault(fault)

    async def json(self, body: bytes) -> bytes | None:
        try:
            calls, isBatch = jsonrpc.decodeRequests(body)
        except Fault as fault:
            return jsonrpc.encodeFault(None, fault)
        named = [each for each in calls if isinstance(each, jsonrpc.Call)]
        if not await self._mayCall([(each.method, each.parameters) for each in named]):
            return None
        outcomes = [await self._outcome(each) for each in calls]
        answers = [each for each in outcomes if each]
        return jsonrpc.encodeBatch(answers) if isBatch and answers else b"".join(answers)

    async def _outcome(self, call: jsonrpc.Call | jsonrpc.Refused) -> bytes:
        """
        @return: the answer to a call; empty for a notification.
        """
        if isinstance(call, jsonrpc.Refused):
            return jsonrpc.encodeFault(call.id, call.fault)
        try:
            result = await self._call(call.method, call.parameters)
        except Fault as fault:
            return b"" if call.isNotification else jsonrpc.encodeFault(call.id, fault)
        return b"" if call.isNotification else jsonrpc.encodeResult(call.id, result)

    async def _call(self, name: str, parameters: Any) -> Any:
        return await self._catalogue.call(self._caller, name, parameters)

    async def isEnough(self, least: Role) -> bool:
        """Ask somebody who has come in without a name for it, if he wants more than a viewer.

        @param least: the role that it takes.
        @return: whether to go on.
        """
        if self._caller.name or least == "viewer":
            return True
        return await self._access.admit(self._request, least, self._caller.door) is not None

    async def _mayCall(self, calls: list[tuple[str, Any]]) -> bool:
        roles = [self._catalogue.roleFor(name, parameters) for name, parameters in calls]
        return await self.isEnough(max(roles, key=ROLES.index, default="viewer"))


def _door(request: Any) -> _Door | None:
    """
    @return: what is spoken in a request; C{None} if it is something else, or cannot be read.
    """
    if (request.getHeader(b"Content-Encoding") or b"identity").lower() != b"identity":
        return None
    said = (request.getHeader(b"Content-Type") or b"").decode("latin-1")
    charset = _charset(said)
    if charset is not None and charset[1].lower() not in ("utf-8", "us-ascii"):
        return None
    return _DOORS.get(said.partition(";")[0].strip().lower())


def _describe(request: Any, mimeType: str) -> None:
    headers = request.responseHeaders
    headers.setRawHeaders("Content-Type", [mimeType])
    headers.setRawHeaders("Cache-Control", ["no-store"])
    headers.setRawHeaders("X-Content-Type-Options", ["nosniff"])
