"""The two requests that a client transaction makes by itself: ACK and CANCEL.

Both go where the INVITE went, so they have its Request-URI and Route, and nothing but the topmost
Via of the INVITE, with the same branch. Header lines are copied as they are, however odd, since a
peer that compares them has to find what it has sent.
"""

from __future__ import annotations

from collections.abc import Iterable

from sipapp.sip import Message, Request, Response

_COPIED = frozenset(("from", "call-id", "route"))


def ackFor(invite: Request, response: Response) -> Request:
    """
    @return: the ACK to a final response other than 2xx (RFC 3261 §17.1.1.3). Its To is that of
        the response, tag included.
    """
    return _like(invite, "ACK", response)


def cancelFor(invite: Request, reasons: Iterable[str] = ()) -> Request:
    """
    @param reasons: the values of Reason (RFC 3326).
    @return: the CANCEL of an INVITE (RFC 3261 §9.1). It asks for no extensions, since it must
        have neither Require nor Proxy-Require.
    @raise ValueError: if a reason could break out of its line.
    """
    cancel = _like(invite, "CANCEL", invite)
    for reason in reasons:
        cancel.append("Reason", reason)
    return cancel


def _like(invite: Request, method: str, addressee: Message) -> Request:
    """
    @param addressee: the message whose To is copied.
    """
    lines = [f"Via: {invite.via}", "Max-Forwards: 70"]
    names = ["via", "max-forwards"]
    for name, line in _of(invite, _COPIED):
        names.append(name)
        lines.append(line)
    for name, line in _of(addressee, ("to",)):
        names.append(name)
        lines.append(line)
    lines += (f"CSeq: {invite.cseq.number} {method}", "Content-Length: 0")
    names += ("cseq", "content-length")
    return Request(method, invite.requestURI, "SIP/2.0", lines, names, b"")


def _of(message: Message, wanted: Iterable[str]) -> list[tuple[str, str]]:
    """
    @return: name and line of the header fields that are wanted, in their order.
    """
    return [pair for pair in zip(message.names, message.lines, strict=True) if pair[0] in wanted]
