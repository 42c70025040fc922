"""What either side of a control channel asks and tells the other, besides the commands: a subject,
which the composition on either side has agreed on, and bytes.

Theory of operation
===================

An AMP value holds 64 KiB. What is longer goes in pieces: all but the last as L{Piece} under a
number of the sender's, and the last with the question, the answer or the telling itself. A piece
waits for the one before it to have been taken. So the channel is never full of one answer, and
signs of life go on in between.

Whoever asks says how long it waits; the other side gives the answer up after that time. So no
question is under way for ever.
"""

from __future__ import annotations

from typing import Any, NoReturn

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, fail
from twisted.internet.error import ConnectionClosed
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure

from .commands import Ask, Piece, Tell, Unanswered
from .lifeline import Lifeline

#: Bytes of a piece.
PIECE = 60_000
#: Bytes of a question, an answer or a telling.
LONGEST = 64 << 20
_NO_PIECES = 0


class Conversation(Lifeline):
    """One side. What it answers and hears is for the subclass: see L{answerTo} and L{hear}."""

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        """
        @param reactor: provides C{IReactorTime}.
        """
        super().__init__()
        self._clock = reactor
        self._number = _NO_PIECES
        self._arriving: dict[int, list[bytes]] = {}
        self._answering = 0

    def answerTo(self, subject: str, body: bytes) -> Deferred[bytes]:
        """The other side asks.

        @return: fires with the answer.
        """
        raise NotImplementedError

    def hear(self, subject: str, body: bytes) -> None:
        """The other side tells something."""
        raise NotImplementedError

    @property
    def isSilent(self) -> bool:
        """Whether there is nothing that the other side waits to be answered, and nothing has come
        in part."""
        return not self._answering and not self._arriving

    def ask(self, subject: str, body: bytes, timeout: float) -> Deferred[bytes]:
        """Ask the other side.

        @param timeout: seconds that it may take.
        @return: fires with the answer; fails with L{Unanswered}.
        """

        def late(result: object, limit: float) -> NoReturn:
            raise Unanswered(f"has not answered within {limit:g} s")

        # An answer that comes too late is taken nevertheless, with all its pieces.
        answered: Deferred[bytes] = Deferred()
        Deferred.fromCoroutine(self._ask(subject, body, timeout)).chainDeferred(answered)
        return answered.addTimeout(timeout, self._clock, late)

    def tell(self, subject: str, body: bytes) -> Deferred[None]:
        """Tell the other side something.

        @return: fires when it has heard it; fails with L{Unanswered}. Who has much to tell waits
            for that, or it is all kept in memory.
        """
        return Deferred.fromCoroutine(self._tell(subject, body))

    async def _ask(self, subject: str, body: bytes, timeout: float) -> bytes:
        number, last = await self._send(body)
        answer = await self._remote(Ask, number=number, subject=subject, body=last, timeout=timeout)
        return self._joined(answer["number"], answer["body"])

    async def _tell(self, subject: str, body: bytes) -> None:
        number, last = await self._send(body)
        await self._remote(Tell, number=number, subject=subject, body=last)

    async def _send(self, body: bytes) -> tuple[int, bytes]:
        """Send all of something but the last piece.

        @return: the number of what was sent, and the piece.
        """
        if len(body) > LONGEST:
            raise Unanswered(f"would be told {len(body)} bytes, more than {LONGEST}")
        if len(body) <= PIECE:
            return _NO_PIECES, body
        self._number += 1
        number, end = self._number, (len(body) - 1) // PIECE * PIECE
        for begin in range(0, end, PIECE):
            await self._remote(Piece, number=number, body=body[begin : begin + PIECE])
        return number, body[end:]

    def _remote(self, command: type[amp.Command], **arguments: Any) -> Deferred[Any]:
        if self.transport is None:
            return fail(Unanswered("has gone"))
        called: Deferred[Any] = self.callRemote(command, **arguments)
        return called.addErrback(_gone)

    def _joined(self, number: int, last: bytes) -> bytes:
        if number == _NO_PIECES:
            return last
        return b"".join([*self._arriving.pop(number, ()), last])

    @Piece.responder
    def _piece(self, number: int, body: bytes) -> dict[str, Any]:
        self._arriving.setdefault(number, []).append(body)
        return {}

    @Ask.responder
    def _asked(self, number: int, subject: str, body: bytes, timeout: float) -> Deferred[Any]:
        return Deferred.fromCoroutine(self._answer(subject, self._joined(number, body), timeout))

    async def _answer(self, subject: str, body: bytes, timeout: float) -> dict[str, Any]:
        self._answering += 1
        try:
            answer = await self.answerTo(subject, body).addTimeout(timeout, self._clock)
            number, last = await self._send(answer)
        except Unanswered:
            raise
        except (TimeoutError, CancelledError):
            raise Unanswered(f"has not answered within {timeout:g} s") from None
        except Exception:
            self.log.failure("{subject} was not answered", subject=subject)
            raise Unanswered("could not answer: its log says why") from None
        finally:
            self._answering -= 1
        return {"number": number, "body": last}

    @Tell.responder
    def _told(self, number: int, subject: str, body: bytes) -> dict[str, Any]:
        try:
            self.hear(subject, self._joined(number, body))
        except Exception:
            self.log.failure("{subject} was not heard", subject=subject)
        return {}


def _gone(failure: Failure) -> None:
    failure.trap(ConnectionClosed)
    raise Unanswered("has gone") from None
