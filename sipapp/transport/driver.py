"""The beginning and the end of a worker's transport, and of its generation.

The way of messages through it is in L{sipapp.transport.receiving}.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, succeed

from sipapp.transaction import TransactionLayer
from sipapp.transport.bus import Bus
from sipapp.transport.flowfinder import Flows
from sipapp.transport.moving import giveAll
from sipapp.transport.neighbours import Neighbours
from sipapp.transport.quiet import whenQuiet
from sipapp.transport.receiving import Receiver
from sipapp.transport.streams import Streams
from sipapp.transport.turns import Turns
from sipapp.transport.wiretap import Wiretap

#: How long connections may take to send what was written to them.
_FLUSH = 1.0


class Driver:
    """Starts, hands over, drains and stops the transport of one worker."""

    def __init__(
        self,
        reactor: Any,
        turns: Turns,
        layer: TransactionLayer,
        bus: Bus,
        streams: Streams,
        flows: Flows,
        neighbours: Neighbours,
        receiver: Receiver,
    ) -> None:
        self.turns = turns
        self.layer = layer
        self.bus = bus
        self.streams = streams
        self.flows = flows
        self.neighbours = neighbours
        self.receiver = receiver
        self._reactor = reactor
        self._hasLingered = False

    def start(self, siblings: Collection[str] = ()) -> Deferred[None]:
        """Begin to read. If there are still workers of an earlier generation, this one has come in
        the place of one that has died since, and they are asked first what is theirs.

        @param siblings: the codes of the workers of this generation; none are all that there are.
        @return: fires when it has begun.
        """
        self.bus.start()
        asked = self.neighbours.ask(siblings) if siblings else succeed(None)
        return asked.addCallback(lambda _: self._listen())

    def _listen(self) -> None:
        for port in self.flows.ports.values():
            if port.codes:
                port.start()
        self.streams.start()
        self.receiver.overload.start()

    def takeOver(self, codes: Sequence[str]) -> None:
        """Get ready to take the place of the workers with these codes: listen to what they say,
        and to nobody else before L{serve}."""
        self.neighbours.takeOver(codes)
        self.bus.start()

    def serve(self) -> None:
        """The predecessors have handed over: begin."""
        self.bus.readAll()
        self._listen()
        self.neighbours.watch()

    def handOver(self, codes: Sequence[str], slot: int = 0) -> Deferred[None]:
        """Let other workers take this one's place: begin nothing new, tell them what they must
        know, and give them the connections. What was begun is finished here.

        @param codes: those of the successors, in slot order.
        @param slot: this worker's.
        @return: fires when they have got everything, or it waits for them in their inboxes.
        """
        self.receiver.draining = True
        self.streams.stopListening()
        for port in self.flows.ports.values():
            port.stop()
        if not codes:
            return succeed(None)
        successors = self.neighbours.handOver(codes, slot)
        for port in self.flows.ports.values():
            if port.codes and len(port.codes) != len(successors.codes):
                # What waits here was steered by a number of slots that is no more.
                port.readRest()
        giveAll(self.streams, successors.heir, partial(self.bus.send, successors.heir))
        return self.bus.flushed()

    def tap(self, tap: Wiretap | None) -> None:
        """Show every message that is read or sent from now on.

        @param tap: C{None} if nobody wants to see them any more.
        """
        self.streams.tap = tap
        for port in self.flows.ports.values():
            for each in (port, *port.spares):
                each.tap = tap

    def park(self, slots: Iterable[int]) -> None:
        """Others do the work of these slots of the UDP endpoints here; this worker may be one."""
        for port in self.flows.ports.values():
            if port.steering is not None:
                port.steering.park(frozenset(slots))

    def pause(self, listeners: Iterable[int]) -> None:
        """Begin nothing new at some endpoints: new connections are closed at once, and requests
        outside of a dialog answered with 503. What has begun goes on.

        @param listeners: their indices; at all others everything is welcome.
        """
        self.receiver.paused = self.streams.paused = frozenset(listeners)

    def drain(self, timeout: float) -> Deferred[bool]:
        """Finish what was begun, and begin nothing new. Other workers' messages still come and go
        through the sockets and connections here, until L{stop}.

        New requests are answered with 503. After L{handOver} they go to the successors, and what
        clients may still send again, and connections that could not be moved, is waited for too.

        @return: fires with true when all transactions have their final response, and the ACK to
            the last of them has had time to come; with false if that took longer than C{timeout}
            seconds.
        """
        self.receiver.draining = True
        self.streams.stopListening()
        return whenQuiet(self._reactor, timeout, self._isBusy).addCallback(self._drained)

    def _drained(self, isQuiet: bool) -> bool:
        self._hasLingered = True
        return isQuiet or not self.layer.pending

    def _isBusy(self) -> bool:
        """Whether there is something that a drain waits for."""
        if self.layer.pending:
            return True
        if self.neighbours.successors is None or self._hasLingered:
            return False
        # While there is time, and others have what is new: a client may send again what it has
        # got no answer to, and there may be connections that could not be moved.
        return self.layer.serverCount > 0 or self.streams.lingers

    def stop(self) -> Deferred[None]:
        """Read no more, and let go of everything.

        @return: fires when all connections have sent what was written to them and are closed, or
            when they had a second for it.
        """
        self.receiver.draining = True
        self.receiver.overload.stop()
        self.neighbours.leave()
        for port in self.flows.ports.values():
            port.stop()
        self.streams.stopListening()
        self.turns.stop()
        self.bus.stop()
        return self.streams.close(_FLUSH)
