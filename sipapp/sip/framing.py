"""Cut a stream into messages (RFC 3261 §18.3) and keep-alives (RFC 5626 §3.5.1).

The index that decides where a message ends is the one that everybody else reads the message from,
so that no two parties here can disagree about its length. Whatever leaves a doubt about where
the next message begins ends the stream, and so does what somebody who has forwarded the message
may have read otherwise: what is the rest of a body there must not be a message here.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from sipapp.sip.bounds import MessageBounds
from sipapp.sip.errors import AmbiguousLines, MalformedMessage, SIPError
from sipapp.sip.message import Message
from sipapp.sip.parsing import parseMessage
from sipapp.sip.request import Request
from sipapp.sip.response import Response

__all__ = ["Frame", "FramingError", "KeepAlive", "StreamFramer"]

_END = b"\r\n\r\n"

_BOUNDS = MessageBounds()


class KeepAlive(Enum):
    """What CRLFs between messages mean (RFC 5626 §3.5.1)."""

    PING = "ping"
    """Two of them: the peer wants one back."""

    PONG = "pong"
    """One of them, after a ping that was sent from here."""


class Frame:
    """
    A message that was cut out of a stream.

    @ivar data: its bytes.
    @ivar message: the same, indexed.
    """

    __slots__ = ("data", "message")

    def __init__(self, data: bytes, message: Request | Response) -> None:
        self.data = data
        self.message = message


class FramingError(SIPError):
    """
    The stream cannot be understood any further and has to be closed.

    @ivar head: what there is of the message that it broke at.
    @ivar message: the same, indexed, if that was possible: a request can be answered.
    """

    def __init__(
        self, status: int, detail: str, head: bytes, message: Message | None = None
    ) -> None:
        super().__init__(status, detail)
        self.head = head
        self.message = message


class StreamFramer:
    """
    Cuts one direction of one connection. Takes time linear in what it is fed, however that is
    cut up, and keeps no more than one message of the greatest permitted size and one piece.
    """

    __slots__ = (
        "_awaitsPong",
        "_bounds",
        "_buffer",
        "_error",
        "_head",
        "_missing",
        "_searched",
    )

    def __init__(self, bounds: MessageBounds = _BOUNDS) -> None:
        """
        @param bounds: what ends the stream if a message goes beyond it.
        """
        self._bounds = bounds
        self._buffer = bytearray()
        # How much of the buffer is known not to begin the end of a head.
        self._searched = 0
        # The message whose body is awaited, and where in the buffer that will end.
        self._head: Request | Response | None = None
        self._missing = 0
        self._awaitsPong = False
        # Status and detail of what has ended the stream.
        self._error: tuple[int, str] | None = None

    def expectPong(self) -> None:
        """Take the next single CRLF between messages for the answer to a ping sent from here.
        Without it a single CRLF is the first half of a ping, or means nothing."""
        self._awaitsPong = True

    @property
    def idle(self) -> bool:
        """Whether no part of a message is waiting for its rest. Half of a ping may be: some send no
        more than that to keep a connection open."""
        return not self._buffer or _END.startswith(self._buffer)

    @property
    def unfinished(self) -> bytes:
        """The part of a message that is waiting for its rest."""
        return bytes(self._buffer)

    def feed(self, data: bytes) -> Iterator[Frame | KeepAlive]:
        """Take the next bytes of the stream.

        @return: an iterator over what they complete. It must be used up before the next call.
        @raise FramingError: by the iterator, after all that was complete, and then each time.
        """
        if self._error is None:
            self._buffer += data
        return self._frames()

    def _frames(self) -> Iterator[Frame | KeepAlive]:
        if self._error is not None:
            raise FramingError(*self._error, head=b"")
        buffer = self._buffer
        while buffer:
            if self._head is None:
                if buffer.startswith(b"\r\n"):
                    if self._awaitsPong:
                        self._awaitsPong = False
                        del buffer[:2]
                        yield KeepAlive.PONG
                    elif buffer.startswith(_END):
                        del buffer[:4]
                        yield KeepAlive.PING
                    elif _END.startswith(buffer):
                        return
                    else:
                        del buffer[:2]
                    continue
                if not self._readHead():
                    return
            frame = self._readBody()
            if frame is None:
                return
            yield frame

    def _readHead(self) -> bool:
        """Index the head of the next message and find out where its body ends.

        @return: false if the head is not complete.
        """
        buffer = self._buffer
        most = self._bounds.headSize
        end = buffer.find(_END, self._searched)
        if end > most or (end < 0 and len(buffer) > most + 3):
            raise self._broken(513, "the head is too long", self._beginning())
        if end < 0:
            self._searched = max(0, len(buffer) - 3)
            return False
        self._searched = 0
        end += 4
        message: Request | Response | None = None
        try:
            message = parseMessage(bytes(buffer[:end]))
            length = message.contentLength
        except SIPError as error:
            raise self._broken(400, str(error), message) from None
        excess = self._bounds.excess(message) if end > self._bounds.harmless else None
        if excess is not None:
            raise self._broken(excess.status, excess.detail, message)
        if length is None:
            # RFC 3261 §20.14: it must be present on a stream.
            raise self._broken(400, "no Content-Length", message)
        if "\n" in message.lines[message.names.index("content-length")]:
            # Well-formed, but some who forward it read nothing of it, or a part.
            raise self._broken(400, "a folded Content-Length", message)
        if isinstance(message.defect, AmbiguousLines):
            raise self._broken(400, message.defect.detail, message)
        if length > self._bounds.bodySize:
            raise self._broken(413, "the body is too long", message)
        self._head = message
        self._missing = end + length
        return True

    def _readBody(self) -> Frame | None:
        message, size = self._head, self._missing
        if message is None or len(self._buffer) < size:
            return None
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        self._head = None
        message.attach(data[data.index(_END) + 4 :])
        return Frame(data, message)

    def _beginning(self) -> Message | None:
        """What can be answered of a message whose head is too long: the lines that fit."""
        try:
            return parseMessage(bytes(self._buffer[: self._bounds.headSize]).rpartition(b"\r\n")[0])
        except MalformedMessage:
            return None

    def _broken(self, status: int, detail: str, message: Message | None = None) -> FramingError:
        head = bytes(self._buffer[: self._bounds.headSize])
        self._buffer.clear()
        self._error = status, detail
        return FramingError(status, detail, head, message)
