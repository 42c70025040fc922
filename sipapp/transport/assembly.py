"""Puts the parts of this room together for one worker."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.interfaces import IOpenSSLContextFactory

from sipapp.transaction import Identifiers, TimerSettings, TransactionLayer, TransactionUser
from sipapp.transport.bus import Bus
from sipapp.transport.datagram import DatagramPort
from sipapp.transport.driver import Driver
from sipapp.transport.endpoints import Endpoint, Endpoints
from sipapp.transport.flows import Flows
from sipapp.transport.limits import StreamLimits
from sipapp.transport.locate import Locator
from sipapp.transport.responses import ResponseRouter
from sipapp.transport.sender import Sender
from sipapp.transport.steering import Steering
from sipapp.transport.streams import Streams
from sipapp.transport.tls import ClientTLS


@dataclass(frozen=True, slots=True)
class Served:
    """An endpoint that this worker serves.

    @ivar index: of the endpoint. @ivar sock: this slot's own socket, bound (and listening).
    @ivar codes: for UDP, the code of each slot of the endpoint's pool, in slot order.
    @ivar slot: for UDP, this worker's.
    @ivar reach: for UDP, what L{sipapp.transport.steering.attach} returned.
    @ivar limits: for streams. @ivar context: for TLS.
    @ivar spares: sockets of slots that there are no more, which this worker reads as well.
    """

    index: int
    sock: socket.socket
    codes: Sequence[str] = ()
    slot: int = 0
    reach: int = 0
    limits: StreamLimits = field(default_factory=StreamLimits)
    context: IOpenSSLContextFactory | None = None
    spares: Sequence[socket.socket] = ()


class Transport:
    """What a worker composes with.

    @ivar sender: the L{sipapp.interfaces.ISender} for its resources.
    """

    def __init__(self, driver: Driver, sender: Sender, endpoints: Endpoints) -> None:
        self.driver = driver
        self.sender = sender
        self.endpoints = endpoints


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
    udpMTU: int = 1300,
) -> Transport:
    """Make a driver and all that it needs. Nothing is read or accepted before C{driver.start()}.

    @param endpoints: all SIP endpoints of the server, also those of other workers.
    @param sendOnly: a socket of each UDP endpoint that this worker does not serve, by index.
    @param inbox: this worker's inbox. @param busDirectory: where every worker's is, under its code.
    @param user: takes the requests; it may be exchanged later as C{driver.layer.user}.
    @param limits: those of outgoing connections.
    """
    served = tuple(served)
    every = Endpoints(endpoints, reactor.seconds)
    driver = Driver(reactor, identifiers)
    driver.layer = TransactionLayer(user, timers, driver.heartbeat.clock)
    driver.heartbeat.layer = driver.layer
    driver.bus = Bus(reactor, inbox, busDirectory, driver.frameReceived)
    driver.streams = Streams(reactor, every, identifiers, driver, clientTLS or ClientTLS(), limits)
    ports: dict[int, DatagramPort] = {}
    driver.flows = Flows(identifiers, every, ports, driver.bus, driver.streams)
    for index, sock in sendOnly.items():
        ports[index] = DatagramPort(reactor, sock, every[index], every, identifiers, driver)
    home = -1
    for one in served:
        endpoint = every[one.index]
        if endpoint.transport != "UDP":
            # The last one counts: what others hand over belongs to it.
            for sock in (*one.spares, one.sock):
                driver.streams.listen(sock, endpoint, one.limits, one.context)
            continue
        port = DatagramPort(reactor, one.sock, endpoint, every, identifiers, driver)
        port.steering = Steering(one.slot, len(one.codes), one.reach)
        port.codes = one.codes
        port.spares = [
            DatagramPort(reactor, sock, endpoint, every, identifiers, driver) for sock in one.spares
        ]
        for spare in port.spares:
            # What the kernel put there was for another number of slots.
            spare.steering = Steering(one.slot, len(one.codes), 0)
            spare.codes = one.codes
        ports[one.index] = port
        home = one.index
    driver.responses = ResponseRouter(driver.flows, driver.streams, locator, home)
    sender = Sender(
        reactor, driver.layer, driver.flows, locator, identifiers, driver.responses, udpMTU, home
    )
    return Transport(driver, sender, every)
