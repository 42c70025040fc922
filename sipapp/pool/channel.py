"""The parent's end of the control channel to one worker: see L{sipapp.pool.lifeline}."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionClosed
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols import amp
from twisted.python.failure import Failure

from .commands import Alive, BootFailed, Drain, HandOver, Parked, Quiesce, Ready, Serve
from .conversation import Conversation


class WorkerListener(Protocol):
    """What the parent's end of a channel reports to."""

    def channelReady(self) -> None:
        """The worker has said Ready."""

    def channelAlive(self) -> None:
        """The worker has given a sign of life."""

    def channelFailed(self, reason: str) -> None:
        """The worker has said that it cannot serve."""

    def channelLost(self) -> None:
        """The channel has closed: nothing more will come."""

    def channelAsked(self, subject: str, body: bytes) -> Deferred[bytes]:
        """The worker asks.

        @return: fires with the answer.
        """

    def channelTold(self, subject: str, body: bytes) -> None:
        """The worker tells something."""


class ControlChannel(Conversation):
    """The parent's end."""

    log = Logger()

    def __init__(self, listener: WorkerListener, reactor: Any) -> None:
        super().__init__(reactor)
        self._listener = listener

    @property
    def isIdle(self) -> bool:
        """Whether nothing is under way: every question has been answered, and no message has been
        read or written in part."""
        transport: Any = self.transport
        if transport is None:
            return False
        isRead = not self.recvd and not self._currentBox
        isWritten = transport.offset == len(transport.dataBuffer) and not transport._tempDataBuffer
        return isRead and isWritten and self.isSilent and not self._outstandingRequests

    def quiesce(self, timeout: float) -> Deferred[None]:
        """Tell the worker to finish its work, and stay for the others'.

        @param timeout: seconds that it may take.
        @return: fires when it has, or cannot any more; never fails.
        """
        return self._command(Quiesce, timeout=timeout)

    def handOver(self, successors: Sequence[str]) -> Deferred[list[str] | None]:
        """Tell the worker to give its place to others.

        @param successors: what the composition calls the workers that follow, in slot order.
        @return: fires when they may begin, with the names that are in the world for what they were
            given; or with C{None} when the worker cannot answer. Never fails.
        """
        answered = self._question(HandOver, successors=list(successors))
        return answered.addCallback(lambda answer: answer and answer["names"])

    def serve(self) -> Deferred[None]:
        """Tell a worker that follows others to begin.

        @return: fires when it has, or cannot any more; never fails.
        """
        return self._command(Serve)

    def parked(self, slots: Sequence[int]) -> None:
        """Tell the worker which slots of its pool have no worker any more."""
        self._command(Parked, slots=list(slots))

    def drain(self, timeout: float) -> None:
        """Tell the worker to finish its work and exit.

        @param timeout: seconds that it may take.
        """
        self._command(Drain, timeout=timeout)

    def answerTo(self, subject: str, body: bytes) -> Deferred[bytes]:
        return self._listener.channelAsked(subject, body)

    def hear(self, subject: str, body: bytes) -> None:
        self._listener.channelTold(subject, body)

    def _command(self, command: type[amp.Command], **arguments: Any) -> Deferred[None]:
        return self._question(command, **arguments).addCallback(lambda _: None)

    def _question(self, command: type[amp.Command], **arguments: Any) -> Deferred[Any]:
        """
        @return: fires with the answer, or with C{None} without one: a worker that exits before it
            answers has nothing left to do.
        """
        told: Deferred[Any] = self.callRemote(command, **arguments)
        told.addErrback(lambda failure: failure.trap(ConnectionClosed, CancelledError) and None)
        told.addErrback(
            lambda failure: self.log.failure("{name} was refused", failure, name=command.__name__)
        )
        return told

    def close(self) -> None:
        """Let go of a worker that could not be started."""
        if self.transport is not None:
            self.transport.loseConnection()

    @Ready.responder
    def _ready(self) -> dict[str, Any]:
        self._listener.channelReady()
        return {}

    @Alive.responder
    def _alive(self) -> dict[str, Any]:
        self._listener.channelAlive()
        return {}

    @BootFailed.responder
    def _bootFailed(self, reason: str) -> dict[str, Any]:
        self._listener.channelFailed(reason)
        return {}

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        super().connectionLost(reason)
        self._listener.channelLost()
