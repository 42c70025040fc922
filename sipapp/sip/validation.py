"""The checks that every element makes before it looks closer (RFC 3261 §8.2, §16.3, §8.1.3, §18.3).

Only the header fields that a registrar or proxy works with are looked at: a proxy forwards what is
wrong in others (RFC 3261 §16.3 step 1).
"""

from __future__ import annotations

from collections.abc import Container

from sipapp.sip.errors import MalformedHeader, SIPError
from sipapp.sip.message import Message
from sipapp.sip.plain import isPlainRoute
from sipapp.sip.request import Request
from sipapp.sip.response import Response
from sipapp.sip.sipuri import SIPURI

__all__ = ["SCHEMES", "unsupportedExtensions", "validateRequest", "validateResponse"]

SCHEMES = frozenset(("sip", "sips"))
"""The schemes of Request-URIs that a server can do something with unless it says otherwise."""


def validateRequest(request: Request, schemes: Container[str] = SCHEMES) -> SIPError | None:
    """Find the first thing that is wrong with a request: syntax (400, or 505 for the version of
    the protocol), then the scheme of the Request-URI (416).

    Method, Max-Forwards, loops, Require and Proxy-Require come later in §8.2 and §16.3 and depend
    on what the element is: they are not checked here, apart from their syntax.

    @param schemes: the schemes that are understood in a Request-URI.
    @return: the error to respond with, or C{None}.
    """
    try:
        _checkHead(request)
        if request.cseq.method != request.method:
            return MalformedHeader("not the method of the request", "CSeq")
        # Read for their errors alone.
        _ = request.maxForwards
        if "route" in request.names and not _isPlainlyRouted(request):
            _ = request.routes
        if request.method == "REGISTER":
            _ = request.contacts
            _ = request.expires
        uri = request.uri
    except SIPError as error:
        # Its traceback would keep the frame of the caller, which keeps the error.
        return error.with_traceback(None)
    if uri.scheme not in schemes:
        return SIPError(416, f"scheme {uri.scheme[:30]!a}")
    if isinstance(uri, SIPURI) and uri.headers:
        # RFC 3261 §19.1.1 has no headers in a Request-URI.
        return SIPError(400, "headers in the Request-URI", None, "Headers in Request-URI")
    return None


def _isPlainlyRouted(request: Request) -> bool:
    """Whether there is one Route that is in good order at first sight, as in most requests of a
    dialog."""
    names = request.names
    return names.count("route") == 1 and isPlainRoute(request.lines[names.index("route")])


def validateResponse(response: Response) -> str | None:
    """Find the first reason to drop a response: nobody can be told about what is wrong with it.

    @return: the reason, for a counter or a log, or C{None}.
    """
    try:
        _checkHead(response)
        _ = response.cseq
    except SIPError as error:
        return str(error)
    return None


def _checkHead(message: Message) -> None:
    """Look at what requests and responses share.

    @raise SIPError: the first error.
    """
    if message.defect is not None:
        raise message.defect.again()
    if message.takePlain():
        return
    _ = message.via
    _ = message.fromHeader
    _ = message.to
    _ = message.callID
    length = message.contentLength
    if length is not None and length > len(message.body):
        # RFC 3261 §18.3. What is too much was dropped when the message was indexed.
        raise MalformedHeader("longer than the body", "Content-Length")


def unsupportedExtensions(
    request: Request, known: Container[str], proxy: bool = False
) -> list[str]:
    """Tell which of the extensions that a request requires are not supported: if any, it deserves
    420 with an Unsupported of them (RFC 3261 §8.2.2.3, §16.3 step 5).

    @param known: the option tags that are supported, in lower case.
    @param proxy: whether Proxy-Require is meant rather than Require.
    @return: option tags as the request has them. None for ACK and CANCEL, where both header
        fields are to be ignored.
    @raise MalformedHeader: if the header field is malformed.
    """
    if request.method in ("ACK", "CANCEL"):
        return []
    tags = request.proxyRequire if proxy else request.require
    return [tag for tag in tags if tag.lower() not in known]
