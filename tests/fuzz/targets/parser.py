"""The parser: whatever comes, it is refused in words fit for a log, or it is a message that says
the same each time, is written as it was read, and can be answered."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from sipapp.sip import (
    SIPURI,
    MalformedMessage,
    Request,
    Response,
    SIPError,
    Via,
    parseMessage,
    parseURI,
    validateRequest,
    validateResponse,
)
from tests.fuzz.messages import messages
from tests.fuzz.mutation import Mutation
from tests.fuzz.target import Target, torture

_ASKED = (
    *("via", "vias", "fromHeader", "to", "callID", "cseq", "contacts", "isWildcardContact"),
    *("routes", "recordRoutes", "path", "serviceRoute", "maxForwards", "expires", "minExpires"),
    *("contentLength", "contentType", "require", "proxyRequire", "supported", "unsupported"),
    *("allow", "startLine"),
)
_PLAIN = ("via", "fromHeader", "to", "callID", "cseq", "maxForwards", "contentLength")
_OURS = Via("UDP", "192.0.2.1", 5060, {"branch": "z9hG4bKours"})


def check(data: bytes) -> None:
    """Give bytes to the parser, and to all that looks at a message before a resource does."""
    try:
        message = parseMessage(data)
    except MalformedMessage as error:
        checkError(error)
        return
    for name in _ASKED:
        asked = outcome(message, name)
        assert asked == outcome(message, name), f"{name} changes"
    checkPlain(data)
    checkWritten(message)
    checkEdited(message)
    if isinstance(message, Request):
        checkURI(message)
        fault = validateRequest(message)
        if fault is not None:
            checkError(fault)
        checkAnswered(message, fault)
    else:
        reason = validateResponse(message)
        assert reason is None or isPrintable(reason)


def isPrintable(text: str) -> bool:
    """Tell whether a text may stand in a log or on a terminal."""
    return text.isascii() and text.isprintable()


def checkError(error: SIPError) -> None:
    assert isPrintable(str(error)), f"unescaped: {error!a}"
    assert len(str(error)) < 1000
    assert 400 <= error.status <= 699


def outcome(message: Request | Response, name: str) -> tuple[Any, ...]:
    """
    @return: what a property of the message gives, comparable, be it a value or an error.
    """
    try:
        value = getattr(message, name)
    except SIPError as error:
        checkError(error)
        return ("error", error.status, str(error))
    return ("value", value)


def checkPlain(data: bytes) -> None:
    """The one pattern for plain heads finds what the parsers of the header fields find."""
    slowly, quickly = parseMessage(data), parseMessage(data)
    if quickly.defect is None and quickly.takePlain():
        for name in _PLAIN:
            kind, value = outcome(quickly, name)[:2]
            assert (kind, value) == outcome(slowly, name)[:2], name
            assert kind == "value" or name == "maxForwards", name
        via, other = quickly.via, slowly.via
        assert (via.params, via.sentBy, via.port) == (other.params, other.sentBy, other.port)


def checkWritten(message: Request | Response) -> None:
    again = parseMessage(message.toBytes())
    assert again.__class__ is message.__class__
    if message.defect is None:
        assert again.defect is None
        assert again.startLine == message.startLine
        assert (again.names, again.lines) == (message.names, message.lines)
        assert again.body == message.body


def checkEdited(message: Request | Response) -> None:
    """What is put on top can be taken off again, and is all that a copy differs by."""
    lines = list(message.lines)
    copy = message.copy()
    copy.pushVia(_OURS)
    assert message.lines == lines
    assert copy.via is _OURS
    assert len(copy.lines) == len(lines) + 1
    assert copy.popFirst("via") == str(_OURS)
    assert copy.lines == lines
    if outcome(message, "vias")[0] == "value" and message.defect is None:
        copy.noteSource("203.0.113.9", 4711)
        again = parseMessage(copy.toBytes())
        assert (again.via.received, again.via.rport) == ("203.0.113.9", "4711")
        assert again.vias[1:] == message.vias[1:]
        assert again.via.sentBy == message.via.sentBy
        assert again.via.branch == message.via.branch


def checkURI(request: Request) -> None:
    """A SIP URI that is taken apart and put together again is the same, and so is its AOR."""
    try:
        uri = request.uri
    except SIPError:
        return
    if isinstance(uri, SIPURI):
        rewritten = parseURI(str(uri.replace()))
        assert uri.equivalent(uri)
        assert isinstance(rewritten, SIPURI)
        assert rewritten.equivalent(uri)
        assert rewritten.params == uri.params
        assert rewritten.aor() == uri.aor()


def checkAnswered(request: Request, error: SIPError | None) -> None:
    """The answer is one message, without a fault of the request's in it."""
    made = request.respond(200, toTag="ours") if error is None else request.refuse(error, "ours")
    data = made.toBytes()
    response = parseMessage(data)
    assert isinstance(response, Response)
    assert response.status == (200 if error is None else error.status)
    assert response.defect is None, response.defect
    assert data.index(b"\r\n\r\n") == len(data) - 4
    assert (response.names, response.lines) == (made.names, made.lines)
    assert set(response.names) <= {"via", "from", "to", "call-id", "cseq", "content-length"}
    if error is None:
        assert outcome(response, "vias") == outcome(request, "vias")
        assert response.to.tag == (request.to.tag or "ours")
        assert response.cseq == request.cseq


def mutateMessage(others: list[bytes]) -> Callable[[bytes, Random], bytes]:
    """
    @return: what changes a message with lines of others.
    """
    return lambda data, random: Mutation(random, others).apply(data)


TARGET = Target(
    what="any bytes are refused, or a message that is read and written the same each time",
    check=check,
    seeds=torture(),
    inputs=messages,
    mutate=mutateMessage(torture()),
)
