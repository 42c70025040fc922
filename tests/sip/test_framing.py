"""Cutting a stream into messages and keep-alives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.sip import (
    Frame,
    FramingError,
    KeepAlive,
    MessageBounds,
    Request,
    StreamFramer,
    parseMessage,
)

from .messages import INVITE, RINGING, bare, invite

PING = b"\r\n\r\n"
FOLDED = invite("Subject:\r\n Content-Length: 0", "l: 4", body=PING)


def summary(frames):
    """Frames in a form that can be compared."""
    return [frame.data if isinstance(frame, Frame) else frame for frame in frames]


def feedAll(framer, pieces):
    """All that the pieces complete."""
    return summary(frame for piece in pieces for frame in framer.feed(piece))


def test_aMessage():
    framer = StreamFramer()
    (frame,) = framer.feed(INVITE)
    assert frame.data == INVITE
    assert frame.message.toBytes() == INVITE
    assert frame.message.body == b"v=0\n"
    assert frame.message.defect is None
    assert framer.idle


STREAMS = [
    (INVITE + RINGING, [INVITE, RINGING]),
    (INVITE + PING + RINGING + PING, [INVITE, KeepAlive.PING, RINGING, KeepAlive.PING]),
    (PING * 3, [KeepAlive.PING] * 3),
    (b"\r\n" + INVITE, [INVITE]),
    (b"\r\n" * 3 + INVITE, [KeepAlive.PING, INVITE]),
    (INVITE + b"\r\n" + INVITE, [INVITE, INVITE]),
    (invite("l: 0") * 3, [invite("l: 0")] * 3),
    (FOLDED + PING, [FOLDED, KeepAlive.PING]),
    (invite("l: 30", body=RINGING[:30]), [invite("l: 30", body=RINGING[:30])]),
]  # fmt: skip


@pytest.mark.parametrize(("data", "frames"), STREAMS)
def test_splitAtEveryByte(data, frames):
    assert feedAll(StreamFramer(), [data]) == frames
    for index in range(len(data) + 1):
        framer = StreamFramer()
        assert feedAll(framer, [data[:index], data[index:]]) == frames
        assert framer.idle
    single = [data[index : index + 1] for index in range(len(data))]
    assert feedAll(StreamFramer(), single) == frames


@given(st.lists(st.sampled_from([INVITE, RINGING, PING]), max_size=6), st.data())
def test_splitAnywhere(parts, data):
    stream = b"".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    expected = [KeepAlive.PING if part == PING else part for part in parts]
    assert feedAll(StreamFramer(), pieces) == expected


def test_trailingBytesStay():
    framer = StreamFramer()
    assert feedAll(framer, [INVITE + RINGING[:50]]) == [INVITE]
    assert not framer.idle
    assert framer.unfinished == RINGING[:50]
    assert feedAll(framer, [RINGING[50:]]) == [RINGING]
    assert framer.idle
    assert framer.unfinished == b""


def test_anotherFramerGoesOn():
    """What one has of an unfinished message is all that its successor needs."""
    first, second = StreamFramer(), StreamFramer()
    assert feedAll(first, [INVITE + RINGING[:50]]) == [INVITE]
    assert feedAll(second, [first.unfinished, RINGING[50:]]) == [RINGING]


def test_pongs():
    framer = StreamFramer()
    framer.expectPong()
    assert feedAll(framer, [b"\r"]) == []
    assert feedAll(framer, [b"\n"]) == [KeepAlive.PONG]
    # Only one was expected.
    assert feedAll(framer, [b"\r\n"]) == []
    assert feedAll(framer, [INVITE]) == [INVITE]
    framer.expectPong()
    assert feedAll(framer, [INVITE + b"\r\n" + PING]) == [INVITE, KeepAlive.PONG, KeepAlive.PING]


LENGTHS = [
    ["l: 4", "Content-Length: 4"],
    ["l: 4", "Content-Length: 5"],
    ["l: -4"],
    ["l: x"],
    ["l:"],
    ["l: 4, 4"],
    ["l: 4 4"],
    ["l: 4294967296"],
    ["l: " + "9" * 1000],
    ["l: \u0664"],
    ["Content-Length: 4\r\n 4"],
    [],
    ["X: y\nContent-Length: 4"],
    ["l: +4"],
    ["l: 0x4"],
    ["l: 4.0"],
    ["l: 4;x=y"],
    ["l: \uff14"],
    ["l: \x0b4"],
    ["l: 4\r", "X: y"],
    ["l:\r\n 4"],
    ["l: \r\n\t4"],
    ["Content-Length\r\n : 4"],
    ["l: 4", "X: y\nContent-Length: 0"],
    ["X: y\rContent-Length: 0", "l: 4"],
    ["X: y\n\nBYE sip:a SIP/2.0", "l: 4"],
    ["l: 4", "X: \0"],
    ["l: 4", "Content Length: 0"],
    ["l: 4", "Content-Length\0: 0"],
    ["\x0bContent-Length: 0", "l: 4"],
    ["l: 4", "no colon"],
]
"""What leaves in doubt where a body ends: here, or where the message has been before."""


@pytest.mark.parametrize("lines", LENGTHS)
def test_withoutOneLengthTheStreamEnds(lines):
    data = invite(*lines)
    framer = StreamFramer()
    frames = framer.feed(RINGING + data + b"body" + RINGING)
    assert summary([next(frames)]) == [RINGING]
    with pytest.raises(FramingError) as caught:
        next(frames)
    error = caught.value
    assert error.status == 400
    assert error.head == (data + b"body" + RINGING)
    # The request can be answered.
    assert isinstance(error.message, Request)
    assert error.message.respond(400).callID == "i"
    # From now on it is always that.
    for _ in range(2):
        with pytest.raises(FramingError) as again:
            list(framer.feed(INVITE))
        assert str(again.value) == str(error)
    assert framer.idle


def test_whatIsNoMessageEndsTheStream():
    with pytest.raises(FramingError) as caught:
        list(StreamFramer().feed(b"GET / HTTP/1.1\r\n\r\n"))
    assert caught.value.status == 400
    assert caught.value.message is None
    with pytest.raises(FramingError):
        list(StreamFramer().feed(b"\r\r\n\r\n"))


def test_defectsOfOtherKindsDoNotEndTheStream():
    data = invite("l: 0").replace(b" sip:", b"  sip:")
    (frame, other) = StreamFramer().feed(data + INVITE)
    assert frame.message.defect is not None
    assert other.data == INVITE


@pytest.mark.parametrize("extra", [0, 1, 2, 3, 4, 100])
def test_longHeadsEndTheStream(extra):
    data = bare("INVITE sip:b@c SIP/2.0", "l: 0")
    limit = len(data) - 4
    assert feedAll(StreamFramer(MessageBounds(limit)), [data]) == [data]
    assert feedAll(
        StreamFramer(MessageBounds(limit)), [data[i : i + 1] for i in range(len(data))]
    ) == [data]
    long = bare("INVITE sip:b@c SIP/2.0", "l: 0" + " " * (extra + 1))
    for pieces in ([long], [long[i : i + 1] for i in range(len(long))]):
        with pytest.raises(FramingError) as caught:
            feedAll(StreamFramer(MessageBounds(limit)), pieces)
        assert caught.value.status == 513
        assert caught.value.head == long[:limit]


def test_endlessHeadsEndTheStream():
    framer = StreamFramer(MessageBounds(100))
    with pytest.raises(FramingError) as caught:
        feedAll(framer, [b"a" * 10] * 11)
    assert caught.value.status == 513
    assert caught.value.message is None
    assert len(caught.value.head) == 100


def test_theBeginningOfAnEndlessHeadCanBeAnswered():
    """As much of it as there are whole lines within the limit."""
    endless = INVITE.partition(b"\r\n\r\n")[0] + b"\r\nX: " + b"x" * 1000
    limit = endless.index(b"X: ") + 20
    with pytest.raises(FramingError) as caught:
        feedAll(StreamFramer(MessageBounds(limit)), [endless])
    message = caught.value.message
    assert isinstance(message, Request)
    assert message.lines == parseMessage(INVITE).lines
    assert message.respond(513).callID == parseMessage(INVITE).callID


def test_longBodiesEndTheStream():
    assert feedAll(StreamFramer(MessageBounds(bodySize=4)), [INVITE]) == [INVITE]
    with pytest.raises(FramingError) as caught:
        list(StreamFramer(MessageBounds(bodySize=3)).feed(INVITE))
    assert caught.value.status == 413
    assert caught.value.message.callID == parseMessage(INVITE).callID


def test_tooManyHeadersEndTheStream():
    """They are answered like what is too long."""
    data = invite("l: 0", *["x: y"] * 10)
    most = len(parseMessage(data).lines)
    assert feedAll(StreamFramer(MessageBounds(headers=most)), [data]) == [data]
    with pytest.raises(FramingError) as caught:
        feedAll(StreamFramer(MessageBounds(headers=most - 1)), [RINGING + data])
    assert caught.value.status == 513
    assert caught.value.message.callID == "i"


def test_halfAPingIsNothingToWaitFor():
    """Some send no more than that to keep a connection open."""
    framer = StreamFramer()
    for piece in (b"\r", b"\n", b"\r"):
        assert feedAll(framer, [piece]) == []
        assert framer.idle
    assert feedAll(framer, [b"\nI"]) == [KeepAlive.PING]
    assert not framer.idle


@given(st.lists(st.binary(max_size=8) | st.sampled_from([PING, b"\r\n", INVITE, b"l: 3\r\n"])))
def test_anythingIsCutOrEndsTheStream(pieces):
    def outcome(parts):
        framer = StreamFramer(MessageBounds(2000, 2000))
        frames = []
        try:
            for part in parts:
                for frame in framer.feed(part):
                    frames.append(summary([frame])[0])
        except FramingError as error:
            return frames, error.status
        return frames, None

    assert outcome(pieces) == outcome([b"".join(pieces)])
