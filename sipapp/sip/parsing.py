"""From the bytes of one message to its index."""

from __future__ import annotations

import re

from sipapp.sip.errors import (
    AmbiguousLines,
    MalformedHeader,
    MalformedMessage,
    SIPError,
    clip,
)
from sipapp.sip.grammar import QUOTED, WHITESPACE, isToken
from sipapp.sip.headers import KNOWN, canonical
from sipapp.sip.message import Message
from sipapp.sip.request import Request
from sipapp.sip.response import Response

__all__ = ["parseMessage"]

_isVersion = re.compile(r"[sS][iI][pP]/[0-9]++\.[0-9]++\Z").match
_isStatus = re.compile(r"[1-6][0-9][0-9]\Z").match
_quoted = re.compile(QUOTED).match
_fold = re.compile(r"\r\n[ \t]").sub

_COMMON_METHODS = "INVITE ACK BYE CANCEL REGISTER OPTIONS PRACK UPDATE INFO SUBSCRIBE NOTIFY"
_METHODS = frozenset(_COMMON_METHODS.split())


def parseMessage(data: bytes | memoryview) -> Request | Response:
    """Index a message.

    Empty lines before it are skipped (RFC 3261 §7.5), and bytes beyond its Content-Length are
    dropped (§18.3). Whatever else is wrong with it as a whole is noted as its C{defect}.

    @param data: a datagram, or a message that was cut out of a stream.
    @raise MalformedMessage: if there is no start line that says what it is, so that nothing can
        be done with it.
    """
    if data.__class__ is not bytes:
        data = bytes(data)
    if data[:1] in (b"\r", b"\n"):
        data = data.lstrip(b"\r\n")
    end = data.find(b"\r\n\r\n")
    if end < 0:
        head, body = data.removesuffix(b"\r\n").decode("utf-8", "surrogateescape"), b""
    else:
        head, body = data[:end].decode("utf-8", "surrogateescape"), data[end + 4 :]
    lines = head.split("\r\n")
    text = "".join(lines)
    start = lines.pop(0)
    parts = start.split(" ")
    message: Request | Response
    if (
        len(parts) == 3
        and parts[2] == "SIP/2.0"
        and parts[1]
        and (parts[0] in _METHODS or isToken(parts[0]))
    ):
        message = Request(parts[0], parts[1], "SIP/2.0", lines, [], body)
    elif len(parts) > 2 and parts[0] == "SIP/2.0" and _isStatus(parts[1]) is not None:
        message = Response(int(parts[1]), start[12:], "SIP/2.0", lines, [], body)
    else:
        message = _unusual(start, lines, body)
    known = KNOWN.get
    names = message.names
    for line in lines:
        name, colon, _ = line.partition(":")
        names.append(known(name, "") if colon else "")
    if "" in names:
        # Only such a line may begin with the white space that folds it to the one before.
        if "\r\n " in head or "\r\n\t" in head:
            _unfold(message)
        _nameOthers(message)
    if "\n" in text or "\r" in text or "\0" in text:
        _findStrays(message)
    if end < 0:
        _flaw(message, "no empty line after the header fields")
    if body and lines[-1:] != [f"Content-Length: {len(body)}"]:
        _trim(message)
    return message


def _flaw(message: Message, detail: str) -> None:
    if message.defect is None:
        message.defect = SIPError(400, detail)


def _doubt(message: Message, detail: str) -> None:
    """The same for what is worse than any flaw."""
    if message.defect.__class__ is not AmbiguousLines:
        message.defect = AmbiguousLines(detail)


def _unusual(start: str, lines: list[str], body: bytes) -> Request | Response:
    """Take a start line that is not the common form of a request line."""
    first, _, rest = start.partition(" ")
    if _isVersion(first):
        return _response(start, first, rest, lines, body)
    # Only one space belongs between the parts of a request line and none around them; RFC 4475
    # §3.1.2.8 to §3.1.2.10 let an element refuse what has more. What has it is taken apart
    # nevertheless, to be refused with a response.
    stripped = start.strip(WHITESPACE)
    rest, _, version = stripped.rpartition(" ")
    method, _, uri = rest.partition(" ")
    uri = uri.strip(WHITESPACE)
    if not (uri and isToken(method) and _isVersion(version)):
        raise MalformedMessage(f"no start line: {clip(start)}")
    request = Request(method, uri, version.upper(), lines, [], body, start)
    if version.upper() != "SIP/2.0":
        request.defect = SIPError(505, f"version {clip(version)}")
    elif f"{method} {uri} {version}" != start or " " in uri or "\t" in uri:
        _flaw(request, "white space in the request line")
    return request


def _response(start: str, version: str, rest: str, lines: list[str], body: bytes) -> Response:
    code, space, reason = rest.partition(" ")
    if _isStatus(code) is None:
        raise MalformedMessage(f"no status code: {clip(start)}")
    # Some leave out the space where there is no phrase.
    odd = None if space and version == "SIP/2.0" else start
    response = Response(int(code), reason, version.upper(), lines, [], body, odd)
    if response.version != "SIP/2.0":
        response.defect = SIPError(505, f"version {clip(version)}")
    return response


def _unfold(message: Message) -> None:
    """Join the lines of folded header fields (RFC 3261 §7.3.1), CRLF and all."""
    folded: list[list[str]] = []
    for line in message.lines:
        if line[:1] not in (" ", "\t"):
            folded.append([line])
        elif folded:
            folded[-1].append(line)
        else:
            folded.append([line])
            _doubt(message, "the first header line is a continuation")
    message.lines = ["\r\n".join(parts) for parts in folded]
    message.names = [""] * len(folded)


def _nameOthers(message: Message) -> None:
    """Find the names of lines that do not begin with a well-known one and its colon."""
    names = message.names
    for index, line in enumerate(message.lines):
        if names[index]:
            continue
        name, colon, _ = line.partition(":")
        name = name.rstrip(WHITESPACE)
        if "\r\n" in name:
            # HCOLON may be folded before its colon too, if only in theory (RFC 3261 §25.1).
            name = name.rstrip(WHITESPACE + "\r\n")
        if colon and isToken(name):
            names[index] = canonical(name)
        else:
            _doubt(message, f"{clip(line)} is not a header field")


def _findStrays(message: Message) -> None:
    """Look for CR, LF and NUL where they must not be: CR and LF outside of line ends, NUL
    outside of a quoted string, where a backslash may precede it (RFC 4475 §3.1.1.2)."""
    for line in (message.startLine, *message.lines):
        rest = _fold("", line)
        if "\r" in rest or "\n" in rest:
            _doubt(message, f"CR or LF in {clip(line)}")
        position = 0
        nul = line.find("\0")
        while nul >= 0:
            quote = line.find('"', position, nul)
            quoted = _quoted(line, quote) if quote >= 0 else None
            if quoted is None:
                _doubt(message, f"NUL in {clip(line)}")
                break
            position = quoted.end()
            if nul < position:
                nul = line.find("\0", position)


def _trim(message: Message) -> None:
    """Drop what follows the body in a datagram (RFC 3261 §18.3)."""
    try:
        length = message.contentLength
    except MalformedHeader:
        return
    if length is not None and length < len(message.body):
        message.attach(message.body[:length])
