"""The sockets of all listeners, which generations of workers inherit one after the other.

Theory of operation
===================

A listener is the same one, in whatever configuration, if transport, host and port are: then it
keeps its number, by which workers of different generations speak of it, and its sockets.

A pool that gets another size needs another number of sockets:

- It grows: the missing sockets are bound before the new workers start. The kernel is confined to
  the old ones (L{sipapp.pool.detour}) until the new workers take over.
- It shrinks: the sockets of the slots that there are no more stay open for one generation. The
  new workers read what has still been put into them, so nothing is lost. The generation after
  that is not given them any more; they are closed when the last worker that has them has gone.

So a generation is I{given} a number of sockets of each listener, which is the size of its pool or
that of its predecessor, whichever is larger; and as many are kept open as some generation that
lives has been given.
"""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial

from msgspec.structs import replace
from twisted.application.service import MultiService

from sipapp.config import Plan, ResolvedListener
from sipapp.estate import ListeningEstate, Pauses, SocketsEstate
from sipapp.pool import (
    ListenerService,
    PassedSockets,
    bindDatagram,
    bindStream,
    setReceiveBuffer,
)
from sipapp.pool.detour import divert, throwAway, turnAway
from sipapp.pool.rota import takeTurns
from sipapp.transport import steering

__all__ = ["Given", "Listening"]

Given = Mapping[int, int]
"""How many sockets a generation has of each listener, by the listener's number."""

_Place = tuple[str, str, int, int]
"""Transport or kind of socket, host, port, and how many of the same have been before: several
listeners may leave the choice of a port to the kernel."""


class Listening(MultiService):
    """All sockets that the server listens with: a L{ListenerService} for each address.

    @ivar passed: what the service manager has bound already; C{None} once that is taken.
    @ivar windows: how many bytes of a datagram the kernel searches for the Call-ID, by number of
        the UDP listener; 0 where it does not steer.
    @ivar pauses: which listeners take nothing new.
    """

    def __init__(self, give: Callable[[int], None] = lambda fd: None) -> None:
        """
        @param give: makes a socket belong to the user that the server runs as, so that it can
            bind further ones later.
        """
        super().__init__()
        self._give = give
        self.passed: PassedSockets | None = None
        self.windows: dict[int, int] = {}
        self.pauses = Pauses()
        self._receiveBuffer: int | None = None
        self._numbers: dict[_Place, int] = {}
        self._groups: dict[_Place, ListenerService] = {}
        self._groupOf: dict[int, ListenerService] = {}
        self._isConfined: set[ListenerService] = set()
        self._isDiverted: set[int] = set()

    def bequeath(self) -> ListeningEstate:
        """Describe the sockets to the next image."""
        sockets = [
            SocketsEstate(
                place,
                tuple(number for number, its in self._groupOf.items() if its is group),
                tuple(each.fileno() for each in group.sockets),
                group in self._isConfined,
            )
            for place, group in self._groups.items()
        ]
        return ListeningEstate(
            tuple(sockets),
            tuple(self._numbers.items()),
            dict(self.windows),
            tuple(self._isDiverted),
            self.pauses,
        )

    def inherit(self, estate: ListeningEstate, plan: Plan, receiveBuffer: int) -> None:
        """Go on with the sockets that an earlier image has left.

        @param plan: of the generation that serves them.
        """
        self._numbers = dict(estate.numbers)
        self.windows = dict(estate.windows)
        self._receiveBuffer = receiveBuffer
        self._isDiverted, self.pauses = set(estate.diverted), estate.pauses
        listeners = {listener.index: listener for listener in plan.listeners}
        for left in estate.sockets:
            listener = next(listeners[number] for number in left.numbers if number in listeners)
            bind = partial(self._bind, listener)
            group = self._groups[left.place] = ListenerService(listener.name, bind)
            group.sockets = tuple(socket.socket(fileno=fd) for fd in left.fds)
            group.setServiceParent(self)
            self._groupOf.update(dict.fromkeys(left.numbers, group))
            if left.isConfined:
                self._isConfined.add(group)

    def place(self, plan: Plan) -> Plan:
        """Number the listeners of a plan so that each keeps its number for as long as the server
        runs."""
        numbers = [
            self._numbers.setdefault(place, len(self._numbers)) for place in _places(plan.listeners)
        ]
        return Plan(
            listeners=tuple(
                replace(listener, index=number)
                for listener, number in zip(plan.listeners, numbers, strict=True)
            ),
            pools=tuple(
                replace(pool, listeners=tuple(numbers[index] for index in pool.listeners))
                for pool in plan.pools
            ),
        )

    def open(self, plan: Plan, before: Given, receiveBuffer: int) -> tuple[Plan, Given]:
        """Bind what a plan needs and is not there.

        @param plan: from L{place}.
        @param before: the sizes of the pools of the generation that it follows, by number of the
            listener.
        @param receiveBuffer: of UDP sockets that are bound, in bytes; for the others see
            L{setReceiveBuffer}.
        @return: the plan with the ports that the kernel has chosen, and what a generation is
            given that starts by it.
        @raise BindError: if something cannot be bound. Call L{keep} then.
        """
        self._receiveBuffer = receiveBuffer
        bound = []
        given = {}
        for listener, place in zip(plan.listeners, _groupPlaces(plan.listeners), strict=True):
            group = self._groups.get(place)
            if group is None:
                bind = partial(self._bind, listener)
                group = self._groups[place] = ListenerService(listener.name, bind)
                group.setServiceParent(self)
            self._groupOf[listener.index] = group
            self._grow(group, listener)
            port = group.sockets[0].getsockname()[1]
            bound.append(replace(listener, port=port))
            given[listener.index] = max(listener.slots, before.get(listener.index, 0))
        return Plan(listeners=tuple(bound), pools=plan.pools), given

    def _grow(self, group: ListenerService, listener: ResolvedListener) -> None:
        before = len(group.sockets)
        # What steers is confined already.
        isSteered = listener.transport == "udp" and before > 1
        if 0 < before < listener.slots and not isSteered:
            # Nobody reads the new ones yet. A single UDP socket is no group that the kernel could
            # be told about before there is a second one, hence once more below.
            divert(group.sockets[0], range(before))
            self._isConfined.add(group)
        group.grow(listener.slots)
        for each in group.sockets[before:]:
            self._give(each.fileno())
        if before == 0:
            self.direct(listener)
        elif before < len(group.sockets) and not isSteered:
            divert(group.sockets[0], range(before))

    def direct(self, listener: ResolvedListener) -> None:
        """Have the kernel put what arrives into the sockets of the slots that there are."""
        group = self._groupOf[listener.index]
        self._isDiverted.discard(listener.index)
        if listener.transport == "udp":
            self.windows[listener.index] = steering.attach(group.sockets[0], listener.slots)
            if listener.slots > 1:
                return
        elif takeTurns(group.sockets[0], range(listener.slots)):
            return
        if len(group.sockets) > listener.slots or group in self._isConfined:
            divert(group.sockets[0], range(listener.slots))
            self._isConfined.add(group)

    def park(self, listener: ResolvedListener, slots: frozenset[int]) -> bool:
        """Have the kernel put nothing more into the sockets of some slots, until L{direct}.

        @return: whether it does.
        """
        group = self._groupOf[listener.index]
        if listener.transport == "udp":
            window = steering.attach(group.sockets[0], listener.slots, parked=slots)
            if window == 0:
                return False
            self.windows[listener.index] = window
        else:
            others = [slot for slot in range(listener.slots) if slot not in slots]
            if not takeTurns(group.sockets[0], others) and not divert(group.sockets[0], others):
                return False
            self._isConfined.add(group)
        self._isDiverted.add(listener.index)
        self.turnAway([listener], slots)
        return True

    def turnAway(self, listeners: Iterable[ResolvedListener], slots: Collection[int]) -> None:
        """Close the connections that nobody accepts, and forget the datagrams that nobody reads,
        as their slots are parked."""
        for listener in listeners:
            if listener.index in self._isDiverted:
                empty = throwAway if listener.transport == "udp" else turnAway
                sockets = self.sockets(listener.index)
                for slot in slots:
                    empty(sockets[slot])

    def isParked(self, number: int) -> bool:
        """Whether some slots of a listener get nothing."""
        return number in self._isDiverted

    def _bind(
        self,
        listener: ResolvedListener,
        slots: int,
        first: socket.socket | None,
    ) -> list[socket.socket]:
        isDatagram = listener.transport == "udp"
        where = listener.host, listener.port, listener.family
        if first is not None:
            where = listener.host, first.getsockname()[1], listener.family
        elif self.passed is not None:
            kind = socket.SOCK_DGRAM if isDatagram else socket.SOCK_STREAM
            first = self.passed.take(kind, *where)
        if isDatagram:
            return bindDatagram(*where, slots, self._receiveBuffer, first)
        return bindStream(*where, slots, first=first)

    def setReceiveBuffer(self, size: int) -> None:
        """Give each UDP socket the buffer that the generation wants which serves.

        @param size: in bytes.
        """
        for (kind, *_), group in self._groups.items():
            if kind == "udp":
                for each in group.sockets:
                    setReceiveBuffer(each, size)

    def sockets(self, number: int) -> tuple[socket.socket, ...]:
        """The sockets of a listener, in the order of the slots."""
        return self._groupOf[number].sockets

    def keep(self, given: Iterable[Given]) -> None:
        """Close what no generation has been given.

        @param given: what each generation that lives has.
        """
        needed: Counter[ListenerService] = Counter()
        numbers: set[int] = set()
        for each in given:
            for number, count in each.items():
                group = self._groupOf[number]
                needed[group] = max(needed[group], count)
                numbers.add(number)
        for place, group in list(self._groups.items()):
            group.shrink(needed[group])
            if not group.sockets:
                del self._groups[place]
                self._isConfined.discard(group)
                group.disownServiceParent()
        for number in set(self._groupOf) - numbers:
            del self._groupOf[number]
            self.windows.pop(number, None)
            self._isDiverted.discard(number)


def _places(listeners: Iterable[ResolvedListener]) -> list[_Place]:
    return _counted((each.transport, each.host, each.port) for each in listeners)


def _groupPlaces(listeners: Iterable[ResolvedListener]) -> list[_Place]:
    """The same for the sockets, which know nothing of what is spoken over them."""
    return _counted(
        ("udp" if each.transport == "udp" else "tcp", each.host, each.port) for each in listeners
    )


def _counted(places: Iterable[tuple[str, str, int]]) -> list[_Place]:
    seen: Counter[tuple[str, str, int]] = Counter()
    counted = []
    for place in places:
        counted.append((*place, seen[place]))
        seen[place] += 1
    return counted
