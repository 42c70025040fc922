"""Framing: a stream is cut into the same messages however it arrives, each is what its own header
says it is, and nothing follows what leaves a doubt about where the next one begins."""

from __future__ import annotations

from hypothesis import strategies as st

from sipapp.sip import Frame, FramingError, KeepAlive, MessageBounds, StreamFramer, parseMessage
from tests.fuzz.messages import messages
from tests.fuzz.target import Target, torture
from tests.fuzz.targets.parser import checkError, mutateMessage

_HEAD, _BODY = 4096, 2048
_MESSAGE = b"BYE sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n"

Seen = tuple[str, bytes]


def check(data: bytes) -> None:
    """The first byte says in what pieces the rest arrives."""
    size, stream = (data[0] or 1, data[1:]) if data else (1, b"")
    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    whole, rest = cut([stream])
    assert cut(pieces) == (whole, rest), f"cut otherwise in pieces of {size}"
    checkOrder(stream, whole, rest)


def checkOrder(stream: bytes, seen: list[Seen], rest: bytes) -> None:
    """What was seen is the stream itself, one thing after the other, but for CRLFs in between."""
    position = 0
    for kind, data in seen:
        if kind == "error":
            assert seen[-1] == (kind, data)
            assert rest == b""
            return
        place = stream.index(data, position)
        assert not stream[position:place].replace(b"\r\n", b"")
        position = place + len(data)
    place = len(stream) - len(rest)
    assert stream[place:] == rest
    assert not stream[position:place].replace(b"\r\n", b"")


def cut(pieces: list[bytes]) -> tuple[list[Seen], bytes]:
    """
    @return: what a framer makes of a stream, and what waits for its rest.
    """
    framer = StreamFramer(MessageBounds(_HEAD, _BODY))
    seen: list[Seen] = []
    for piece in pieces:
        try:
            for item in framer.feed(piece):
                seen.append(note(item))
        except FramingError as error:
            checkError(error)
            seen.append(("error", str(error).encode("ascii")))
            assert framer.idle
            assertClosed(framer)
            break
        assert len(framer.unfinished) <= _HEAD + _BODY + 4 + len(piece)
    return seen, framer.unfinished


def note(item: Frame | KeepAlive) -> Seen:
    if isinstance(item, KeepAlive):
        return item.value, b"\r\n\r\n"
    head, blank, body = item.data.partition(b"\r\n\r\n")
    assert blank
    assert len(head) <= _HEAD
    assert len(body) <= _BODY
    message = item.message
    assert body == message.body
    assert message.contentLength == len(body)
    # Whoever reads the same bytes anew reads the same message.
    again = parseMessage(item.data)
    assert (again.startLine, again.lines, again.body) == (
        message.startLine,
        message.lines,
        message.body,
    )
    return "frame", item.data


def assertClosed(framer: StreamFramer) -> None:
    """After an error, nothing is taken for a message any more."""
    try:
        assert not list(framer.feed(_MESSAGE))
    except FramingError:
        return
    raise AssertionError("a framer goes on after an error")


_KEEP_ALIVES = (b"\r\n\r\n", b"\r\n", b"\r", b"")

streams = st.builds(
    lambda size, parts: bytes((size,)) + b"".join(parts),
    st.sampled_from([1, 2, 3, 7, 64, 255]),
    st.lists(st.one_of(messages, st.sampled_from(_KEEP_ALIVES)), max_size=5),
)


def seeds() -> list[bytes]:
    """Every torture message alone, and all that know their length one after the other."""
    found = torture()
    sized = [data for data in found if b"Content-Length" in data]
    return [*(b"\x07" + data for data in found), b"\x40" + b"\r\n\r\n".join(sized)[:8000]]


TARGET = Target(
    what="a stream is cut the same way in any pieces, and never on after a doubt",
    check=check,
    seeds=seeds(),
    inputs=streams,
    mutate=mutateMessage(torture()),
    longest=16384,
)
