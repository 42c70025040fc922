"""Worker processes that an earlier image of the parent has started.

A process that replaces its program by C{exec} keeps its pid, its children and those descriptors
that it lets be inherited. So its workers go on, and the new image can take up where the old one
was: it reads their output, speaks to them over their control channels, and reaps them.

What an image knows of a worker and the next one needs is a L{Bequest}. It is made of a worker
that nothing is under way with: bytes that one image has read, or not yet written, and questions
that it waits for the answer of, are lost to the next.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any

import msgspec
from twisted.internet.process import Process, registerReapProcessHandler
from twisted.internet.protocol import Factory, ProcessProtocol

from .process import WorkerProcess

__all__ = ["AdoptedWorker", "Bequest", "NotIdle", "bequeath"]


class NotIdle(Exception):
    """Something is under way with a worker: it cannot be left to another image now."""


class Bequest(msgspec.Struct, frozen=True):
    """A worker process, as one image of the parent leaves it to the next.

    @ivar pid: of the process.
    @ivar control: the descriptor of the parent's end of the control channel.
    @ivar output: that of the pipe of each of its streams, by the number that the worker writes
        to; without those that it has closed.
    @ivar box: that of the black box of its slot.
    """

    pid: int
    control: int
    output: dict[int, int]
    box: int

    @property
    def fds(self) -> tuple[int, ...]:
        """All descriptors: they have to be inherited."""
        return (self.control, self.box, *self.output.values())


def bequeath(worker: WorkerProcess, box: int) -> Bequest:
    """Describe a worker to the next image.

    @param box: the descriptor of the black box of its slot.
    @raise NotIdle: if it has gone, or something is under way with it.
    """
    channel: Any = worker.channel.transport
    transport: Any = worker.transport
    if transport.pid is None or channel is None or channel.disconnected:
        raise NotIdle(f"{worker.name} has just ended")
    if not worker.channel.isIdle or 0 in transport.pipes:
        raise NotIdle(f"{worker.name} has just been told something")
    output = {stream: reader.fileno() for stream, reader in transport.pipes.items()}
    return Bequest(transport.pid, channel.fileno(), output, box)


class AdoptedWorker(WorkerProcess):
    """A worker process that an earlier image has started. It serves already."""

    def adopt(self, bequest: Bequest) -> None:
        """Take the process over; it is reported to be ready soon.

        One that has ended in the meantime is reported as any other is.
        """
        factory = Factory.forProtocol(lambda: self.channel)
        self._reactor.adoptStreamConnection(bequest.control, socket.AF_UNIX, factory)
        # The reactor has a duplicate.
        os.close(bequest.control)
        _AdoptedProcess(self._reactor, bequest.pid, bequest.output, self)
        self._reactor.callLater(0, self.channelReady)

    def connectionMade(self) -> None:
        """It has read its boot specification long ago."""
        self.pid = self.transport.pid


class _AdoptedProcess(Process):
    """What C{spawnProcess} makes, without the spawning."""

    def __init__(
        self, reactor: Any, pid: int, output: Mapping[int, int], protocol: ProcessProtocol
    ) -> None:
        """
        @param output: the parent's end of the pipe for each of the process' descriptors.
        """
        self._reactor = reactor
        self.proto = protocol
        self.pid = pid
        self.pipes = {}
        for stream, fd in output.items():
            os.set_inheritable(fd, False)
            self.pipes[stream] = self.processReaderFactory(reactor, self, stream, fd)
        protocol.makeConnection(self)
        # If it has ended already this says so.
        registerReapProcessHandler(pid, self)
