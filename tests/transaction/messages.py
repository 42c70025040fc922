"""Messages for the tests of the transaction room, parsed from bytes as they would arrive."""

from __future__ import annotations

from sipapp.sip import Request, Response, parseMessage

BRANCH = "z9hG4bK74bf9"
VIA = f"SIP/2.0/UDP client.example.com:5060;branch={BRANCH}"


def request(
    method: str = "INVITE",
    *,
    uri: str = "sip:bob@example.com",
    via: str | list[str] = VIA,
    fromTag: str = "9fxced76sl",
    toTag: str | None = None,
    callID: str = "3848276298220188511@client.example.com",
    cseq: int = 1,
    more: str = "",
) -> Request:
    """
    @param via: one value, or several of which the first is the topmost.
    @param more: further header lines, each with its CRLF.
    """
    vias = [via] if isinstance(via, str) else via
    text = (
        f"{method} {uri} SIP/2.0\r\n"
        + "".join(f"Via: {value}\r\n" for value in vias)
        + "Max-Forwards: 70\r\n"
        + f"From: Alice <sip:alice@example.com>;tag={fromTag}\r\n"
        + f"To: Bob <sip:bob@example.com>{'' if toTag is None else f';tag={toTag}'}\r\n"
        + f"Call-ID: {callID}\r\n"
        + f"CSeq: {cseq} {method}\r\n"
        + more
        + "Content-Length: 0\r\n\r\n"
    )
    message = parseMessage(text.encode("utf-8", "surrogateescape"))
    assert isinstance(message, Request)
    return message


def response(to: Request | bytes, status: int, toTag: str | None = "8321234356") -> Response:
    """
    @param to: the request that is answered.
    """
    if isinstance(to, bytes):
        to = parsedRequest(to)
    return parsedResponse(to.respond(status, toTag=toTag).toBytes())


def parsedRequest(data: bytes) -> Request:
    message = parseMessage(data)
    assert isinstance(message, Request)
    return message


def parsedResponse(data: bytes) -> Response:
    message = parseMessage(data)
    assert isinstance(message, Response)
    return message
