"""How large a message may be."""

import pytest

from sipapp.sip import MessageBounds, parseMessage

from .messages import INVITE, RINGING, bare, invite

LINES = len(parseMessage(INVITE).lines)
HEAD = INVITE.index(b"\r\n\r\n")


def excess(data, **bounds):
    """The status that a message deserves for its size, or 0."""
    error = MessageBounds(**bounds).excess(parseMessage(data))
    return 0 if error is None else error.status


def test_defaultsLetOrdinaryMessagesPass():
    assert excess(INVITE) == excess(RINGING) == 0


def test_head():
    assert excess(INVITE, headSize=HEAD) == 0
    assert excess(INVITE, headSize=HEAD - 1) == 513


def test_headCountsBytes():
    """Whether they are UTF-8 or not."""
    data = invite("Subject: \u20ac\u20ac", "l: 0").replace(b"\xac\r", b"\xac\xff\r")
    head = data.index(b"\r\n\r\n")
    assert excess(data, headSize=head) == 0
    assert excess(data, headSize=head - 1) == 513


def test_body():
    assert excess(INVITE, bodySize=4) == 0
    assert excess(INVITE, bodySize=3) == 413


def test_countOfHeaders():
    assert excess(INVITE, headers=LINES) == 0
    assert excess(INVITE, headers=LINES - 1) == 513


def test_continuedLinesCountOnce():
    """But their length is that of one."""
    data = invite("X: a" + "\r\n b" * 300, "l: 0")
    lines = len(parseMessage(data).lines)
    assert excess(data, headers=lines) == 0
    assert excess(data, headerSize=4 + 300 * 4) == 0
    assert excess(data, headerSize=4 + 300 * 4 - 1) == 513


def test_startLine():
    data = bare(f"INVITE sip:{'a' * 300} SIP/2.0", "l: 0")
    start = data.index(b"\r\n")
    assert excess(data, headerSize=start) == 0
    assert excess(data, headerSize=start - 1) == 414
    assert excess(bare("SIP/2.0 200 " + "a" * 300), headerSize=300) == 513


@pytest.mark.parametrize(
    "bounds",
    [
        {"headSize": 100},
        {"bodySize": 100},
        {"headers": 33},
        {"headerSize": 100},
    ],
)
def test_whatIsShortIsHarmless(bounds):
    """No message that is no longer than that can be beyond a bound."""
    harmless = MessageBounds(**bounds).harmless
    assert 99 <= harmless <= 100
    line = b"A " + b"b" * (harmless - 14) + b" SIP/2.0\r\n\r\n"
    body = b"A b SIP/2.0\r\n\r\n" + b"x" * 300
    for data in (b"A b SIP/2.0\r\n" + b"x\r\n" * 40, line, body):
        assert excess(data[:harmless], **bounds) == 0
