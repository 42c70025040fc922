"""Makes a bad message of a good one, or a worse one of a bad one.

Bytes that are changed anywhere make messages that fail at the first line. These changes know what
a message is made of, so that what comes out is nearly right, and its faults stand where it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

#: The most bytes that a change makes a message longer than.
LONGEST = 16384

NUMBERS = (
    b"0 1 -1 +1 00 0x10 1e3 255 256 65535 65536 2147483647 2147483648 4294967295 4294967296"
    b" 99999999999999999999 1.5 \xd9\xa1"
).split(b" ")

SCRAPS = (
    *(b"\r\n", b"\r", b"\n", b"\0", b"\r\n\r\n", b"\r\n ", b"\t", b" ", b"", b"\\", b'"', b"<"),
    *(b">", b",", b";", b"=", b"?", b"@", b":", b"::", b"[", b"]", b"%", b"%00", b"%0d%0a", b"%4"),
    *(b"*", b";lr", b";tag=", b";tag=x", b";branch=z9hG4bK", b";rport", b";received=", b";maddr="),
    *(b";q=1", b";expires=0", b";transport=tcp", b";ob", b"sips:", b"tel:+1", b"[::1]", b"\xff"),
    *(b"\xc3\xa9", b"\xed\xb2\x80", b"SIP/2.0", b"SIP/3.0", b"z9hG4bK", b"example.com", b"a" * 300),
)

LINES = (
    *(b"Content-Length: 0", b"l: 5", b"Content-Length: -1", b"Content-Length:\r\n 3", b"Via: x"),
    *(b"v: SIP/2.0/TCP a;branch=z9hG4bK1", b"Route: <sip:example.com;lr>", b"Contact: *", b" fold"),
    *(b"Max-Forwards: 0", b"Max-Forwards: 1", b"Require: nothing", b"Proxy-Require: a,b", b": x"),
    *(b"To: <sip:b@example.com>;tag=1", b"Expires: 0", b"CSeq: 1 ACK", b"nothing", b"Call-ID: x y"),
    *(b"Contact: <sip:a@192.0.2.1;transport=tcp>;q=0.5", b"Record-Route: <sip:a;lr>", b"i: other"),
    *(b"Authorization: Digest x", b'Proxy-Authorization: Digest username="a", nc=1', b"Path: <x>"),
    *(b"Supported: path, outbound", b"Path: <sip:edge.example.com;lr;ob>", b"Timestamp: 1"),
)

METHODS = b"INVITE ACK BYE CANCEL REGISTER OPTIONS MESSAGE SUBSCRIBE NOTIFY PRACK x".split(b" ")


class Mutation:
    """Changes messages, always the same ones in the same way for the same C{Random}."""

    def __init__(self, random: Random, others: Sequence[bytes] = ()) -> None:
        """
        @param others: messages to take lines from.
        """
        self._random = random
        self._others = others
        self._changes: tuple[Callable[[bytes], bytes], ...] = (
            self._withoutLine,
            self._withLine,
            self._withLine,
            self._withRepeatedLines,
            self._withLineMoved,
            self._withNumber,
            self._withScrap,
            self._withScrap,
            self._withMethod,
            self._withBytes,
            self._stretched,
            self._cut,
        )

    def apply(self, data: bytes) -> bytes:
        """
        @return: the message with one to four changes.
        """
        for _ in range(self._random.randint(1, 4)):
            data = self._random.choice(self._changes)(data)[:LONGEST]
        return data

    def _lines(self, data: bytes) -> list[bytes]:
        return data.split(b"\r\n")

    def _withoutLine(self, data: bytes) -> bytes:
        lines = self._lines(data)
        del lines[self._random.randrange(len(lines))]
        return b"\r\n".join(lines)

    def _withLine(self, data: bytes) -> bytes:
        lines = self._lines(data)
        line = self._random.choice(LINES)
        if self._others and self._random.random() < 0.5:
            line = self._random.choice(self._lines(self._random.choice(self._others)))
        lines.insert(self._random.randrange(len(lines)), line)
        return b"\r\n".join(lines)

    def _withRepeatedLines(self, data: bytes) -> bytes:
        lines = self._lines(data)
        place = self._random.randrange(len(lines))
        lines[place:place] = [lines[place]] * self._random.choice((1, 1, 2, 10, 100))
        return b"\r\n".join(lines)

    def _withLineMoved(self, data: bytes) -> bytes:
        lines = self._lines(data)
        line = lines.pop(self._random.randrange(len(lines)))
        lines.insert(self._random.randint(0, len(lines)), line)
        return b"\r\n".join(lines)

    def _withNumber(self, data: bytes) -> bytes:
        places = [place for place, byte in enumerate(data) if 48 <= byte <= 57]
        if not places:
            return data
        start = end = self._random.choice(places)
        while data[end : end + 1].isdigit():
            end += 1
        return data[:start] + self._random.choice(NUMBERS) + data[end:]

    def _withScrap(self, data: bytes) -> bytes:
        start = self._random.randint(0, len(data))
        end = start + self._random.choice((0, 0, 1, 2, 8))
        return data[:start] + self._random.choice(SCRAPS) + data[end:]

    def _withMethod(self, data: bytes) -> bytes:
        old, new = data.partition(b" ")[0], self._random.choice(METHODS)
        return data.replace(old, new, self._random.choice((1, 2))) if old else data

    def _withBytes(self, data: bytes) -> bytes:
        changed = bytearray(data)
        for _ in range(self._random.choice((1, 1, 2, 8))):
            if changed:
                changed[self._random.randrange(len(changed))] = self._random.randrange(256)
        return bytes(changed)

    def _stretched(self, data: bytes) -> bytes:
        """With a piece of it many times over."""
        start = self._random.randint(0, len(data))
        end = start + self._random.choice((1, 1, 2, 3, 10))
        return data[:start] + data[start:end] * self._random.choice((2, 10, 1000)) + data[end:]

    def _cut(self, data: bytes) -> bytes:
        return data[: self._random.randint(0, len(data))]
