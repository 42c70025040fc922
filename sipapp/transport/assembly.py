"""Puts the parts of this room together for one worker."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sipapp.transaction import Identifiers, TimerSettings, TransactionLayer, TransactionUser
from sipapp.transport.admission import Admission
from sipapp.transport.bus import Bus
from sipapp.transport.confinement import Confinement
from sipapp.transport.connectionviews import answerAboutStreams
from sipapp.transport.counters import MessageNotes, NoNotes
from sipapp.transport.datagram import DatagramPort
from sipapp.transport.driver import Driver
from sipapp.transport.endpoints import Endpoint, Endpoints
from sipapp.transport.flowfinder import Flows
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.listing import Asked
from sipapp.transport.locate import Locator
from sipapp.transport.neighbours import Neighbours
from sipapp.transport.networks import NONE, Networks
from sipapp.transport.overload import Overload, OverloadRules
from sipapp.transport.receiving import Receiver
from sipapp.transport.responses import ResponseRouter
from sipapp.transport.sender import Sender
from sipapp.transport.steering import Steering
from sipapp.transport.streams import Streams
from sipapp.transport.tls import ClientTLS, ServerTLS
from sipapp.transport.transactionviews import answerAboutTransactions
from sipapp.transport.turns import Turns


@dataclass(frozen=True, slots=True)
class Served:
    """An endpoint that this worker serves.

    @ivar index: of the endpoint. @ivar sock: this slot's own socket, bound (and listening).
    @ivar codes: for UDP, the code of each slot of the endpoint's pool, in slot order.
    @ivar slot: for UDP, this worker's.
    @ivar reach: for UDP, what L{sipapp.transport.steering.attach} returned.
    @ivar limits: what a peer may use. @ivar tls: for TLS.
    @ivar balancers: for streams, the load balancers that all come through (PROXY protocol).
    @ivar spares: sockets of slots that there are no more, which this worker reads as well.
    """

    index: int
    sock: socket.socket
    codes: Sequence[str] = ()
    slot: int = 0
    reach: int = 0
    limits: StreamLimits = field(default_factory=StreamLimits)
    tls: ServerTLS | None = None
    balancers: Networks = NONE
    spares: Sequence[socket.socket] = ()


class Transport:
    """What a worker composes with.

    @ivar sender: the L{sipapp.interfaces.ISender} for its resources.
    """

    def __init__(self, driver: Driver, sender: Sender, endpoints: Endpoints) -> None:
        self.driver = driver
        self.sender = sender
        self.endpoints = endpoints

    def addTo(self, answers: Asked) -> None:
        """Have it told what there is here when somebody asks."""
        streams = self.driver.streams
        answerAboutTransactions(answers, streams.reactor, self.driver.layer)
        answerAboutStreams(answers, streams.reactor, streams)


def assemble(
    reactor: Any,
    *,
    identifiers: Identifiers,
    endpoints: Iterable[Endpoint],
    served: Iterable[Served],
    sendOnly: Mapping[int, socket.socket],
    inbox: socket.socket,
    busDirectory: str,
    user: TransactionUser,
    locator: Locator,
    timers: TimerSettings | None = None,
    clientTLS: ClientTLS | None = None,
    limits: StreamLimits | None = None,
    mostAccepted: int | None = None,
    udpMTU: int = 1300,
    trusted: Networks = NONE,
    notes: MessageNotes | None = None,
    admission: Callable[[LimitLog], Admission | None] | None = None,
    overloadRules: OverloadRules | None = None,
    turns: Turns | None = None,
) -> Transport:
    """Make a driver and all that it needs. Nothing is read or accepted before C{driver.start()}.

    @param endpoints: all SIP endpoints of the server, also those of other workers.
    @param sendOnly: a socket of each UDP endpoint that this worker does not serve, by index.
    @param inbox: this worker's inbox. @param busDirectory: where every worker's is, under its code.
    @param user: takes the requests; it may be exchanged later as C{driver.layer.user}.
    @param limits: those of outgoing connections. @param notes: is told of each message.
    @param mostAccepted: inbound connections at once, of all endpoints together.
    @param trusted: where anything may be sent (L{sipapp.transport.confinement}).
    @param admission: makes what decides who is listened to, with the log for what is refused;
        everybody is if there is none.
    @param overloadRules: what is too much to do; C{None} takes whatever comes.
    @param turns: those of the worker; C{None} makes them.
    """
    served = tuple(served)
    every = Endpoints(endpoints, reactor.seconds)
    turns = turns or Turns(reactor)
    turns.notes = notes or NoNotes()
    layer = turns.layer = TransactionLayer(user, timers, turns.clock)
    neighbours = Neighbours(reactor, turns, layer, identifiers)
    receiver = Receiver(turns, layer, identifiers, neighbours)
    bus = Bus(reactor, turns, inbox, busDirectory, neighbours.frameReceived)
    tls = clientTLS or ClientTLS()
    streams = Streams(reactor, every, identifiers, turns, neighbours, tls, limits, mostAccepted)
    streams.user = receiver
    receiver.limitLog = streams.limitLog
    if admission is not None:
        receiver.admission = streams.admission = admission(streams.limitLog)
    ports: dict[int, DatagramPort] = {}
    flows = Flows(identifiers, every, ports, bus, streams, turns)

    def datagramPort(sock: socket.socket, endpoint: Endpoint) -> DatagramPort:
        return DatagramPort(
            reactor, sock, endpoint, every, identifiers, turns, receiver, neighbours
        )

    for index, sock in sendOnly.items():
        ports[index] = datagramPort(sock, every[index])
    home = -1
    for one in served:
        endpoint = every[one.index]
        if endpoint.transport != "UDP":
            # The last one counts: what others hand over belongs to it.
            for sock in (*one.spares, one.sock):
                streams.listen(sock, endpoint, one.limits, one.tls, one.balancers)
            continue
        port = datagramPort(one.sock, endpoint)
        port.steering = Steering(one.slot, len(one.codes), one.reach)
        port.codes = one.codes
        port.bounds = one.limits.message
        port.spares = [datagramPort(sock, endpoint) for sock in one.spares]
        for spare in port.spares:
            # What the kernel put there was for another number of slots.
            spare.steering = Steering(one.slot, len(one.codes), 0)
            spare.codes = one.codes
            spare.bounds = one.limits.message
        ports[one.index] = port
        home = one.index
    read = [each.socket for port in ports.values() if port.codes for each in (port, *port.spares)]
    receiver.overload = Overload(reactor, layer, read, overloadRules)
    confinement = Confinement(streams.limitLog, trusted)
    responses = ResponseRouter(flows, streams, locator, confinement, home)
    neighbours.bus, neighbours.streams, neighbours.flows = bus, streams, flows
    neighbours.responses, neighbours.delivered = responses, receiver.delivered
    driver = Driver(reactor, turns, layer, bus, streams, flows, neighbours, receiver)
    sender = Sender(
        reactor, layer, flows, locator, identifiers, responses, confinement, udpMTU, home
    )
    return Transport(driver, sender, every)
