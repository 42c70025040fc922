"""Every parser takes time linear in its input, whatever that is.

64 KiB take some milliseconds if that is so, and minutes if it is not; the limit is far from both,
and it is processor time, so that a busy machine does not matter.
"""

import time
from contextlib import suppress

import pytest

from sipapp.sip import (
    MessageBounds,
    Response,
    SIPError,
    StreamFramer,
    parseCSeq,
    parseMessage,
    parseNameAddrList,
    parseParams,
    parseURI,
    parseVia,
    splitCommas,
    unquote,
    validateRequest,
    validateResponse,
)
from sipapp.sip.headers import parseCallID, parseContentType, parseMaxForwards

SIZE = 65536
LIMIT = 0.5

UNITS = [
    *(",", '"', "\\", "(", ")", "<", ">", ";", "=", " ", "\t", "%", "@", ":", ".", "-", "[", "?"),
    *('\\"', '"\\', '",', "<,", "a,", "a;", "a=", ";a", ";a=", ';a="', "; a = b", "%41", "::"),
    *("a.", "a-", "[:", "&", "a=b&", "1", "0", "SIP/2.0/UDP h,", '"a" <sip:a@b>', "a ", "a/"),
    *("\r\n ", "\r\n\t", "\r", "\n", "\0", "\\\0", '"\\\0"', "\udc80", "é", "\u0661", ";%41", "1 "),
]

PARSERS = {
    parseURI: ("", "sip:", "sip:a@", "sip:a:", "sip:a@b;", "sip:a@b?", "sip:[", "tel:+", "tel:1;"),
    parseNameAddrList: ("", '"', "<", "<sip:", "sip:a@b", "a <sip:a@b>"),
    parseVia: ("", "SIP/2.0/UDP ", "SIP/2.0/UDP h", "SIP/2.0/"),
    parseCSeq: ("", "1 "),
    parseParams: ("", ";a="),
    splitCommas: ("", ","),
    unquote: ("",),
    parseCallID: ("",),
    parseContentType: ("", "a/a"),
    parseMaxForwards: ("",),
}
"""Parsers, and what may stand before the text to lead them further into it."""


def run(function, *arguments):
    """Seconds that a call takes, whether it succeeds or not."""
    start = time.process_time()
    with suppress(SIPError, ValueError):
        function(*arguments)
    return time.process_time() - start


@pytest.mark.parametrize("unit", UNITS)
def test_values(unit):
    text = unit * (SIZE // len(unit))
    for parse, prefixes in PARSERS.items():
        for prefix in prefixes:
            assert run(parse, prefix + text) < LIMIT, (parse, prefix)


def useMessage(data):
    """Everything that happens to a message."""
    message = parseMessage(data)
    if isinstance(message, Response):
        validateResponse(message)
        return
    validateRequest(message)
    for name in ("vias", "contacts", "routes", "require", "to", "contentLength"):
        with suppress(SIPError):
            getattr(message, name)
    with suppress(KeyError):
        message.copy().popFirst("contact")
    parseMessage(message.respond(400, toTag="t").toBytes())


@pytest.mark.parametrize("unit", UNITS)
def test_messages(unit):
    text = unit * (SIZE // len(unit))
    heads = [
        f"INVITE {text} SIP/2.0\r\n",
        f"INVITE sip:a {text}SIP/2.0\r\n",
        text,
        f"SIP/2.0 200 {text}",
    ]
    heads += [
        f"INVITE sip:a SIP/2.0\r\n{name}: {text}\r\n" for name in ("Via", "t", "m", "l", "x-y")
    ]
    heads.append("INVITE sip:a SIP/2.0\r\n" + f"{unit}\r\n" * (SIZE // (len(unit) + 2)))
    heads.append("INVITE sip:a SIP/2.0\r\n" + f"v:{unit}\r\n" * (SIZE // (len(unit) + 4)))
    for head in heads:
        data = f"{head}\r\n".encode("utf-8", "surrogateescape")
        assert run(useMessage, data) < LIMIT, head[:60]


@pytest.mark.parametrize("data", [b"\r\n", b"\r", b"\n", b"a", b"\r\n\r\na", b"\r\na:\r\n"])
def test_streamsInSmallPieces(data):
    def feed():
        framer = StreamFramer(MessageBounds(SIZE, SIZE))
        for _ in range(SIZE // len(data)):
            for _ in framer.feed(data):
                pass

    assert run(feed) < LIMIT


def test_editingLongLists():
    message = parseMessage(b"INVITE sip:a SIP/2.0\r\n" + b"Route: <sip:a>\r\n" * 3000 + b"\r\n")

    def edit():
        for _ in range(3000):
            message.popFirst("route")

    assert run(edit) < LIMIT
    assert not message.has("route")
