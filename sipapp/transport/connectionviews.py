"""The connections of a SIP worker, as people see them, and how they close one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from msgspec import Struct

from sipapp.transport.listing import Asked, Found, find, place
from sipapp.transport.networks import Networks
from sipapp.transport.streamflow import StreamFlow
from sipapp.transport.streams import Streams

__all__ = ["ConnectionView", "answerAboutStreams", "connectionsWith"]

_State = Literal["opening", "open", "ending"]

_IsWanted = Callable[[str, str, _State], bool]
"""Tells of transport, address of the peer, and state."""


class ConnectionView(Struct, frozen=True, kw_only=True):
    """A connection.

    @ivar connection: what it is called by who wants to close it.
    @ivar transport: C{TCP}, C{TLS}, C{HTTP} or C{HTTPS}.
    @ivar peer: address and port of who is at its other end; of the client, where a load balancer
        is in between.
    @ivar listener: of the endpoint that it belongs to, such as C{tcp:192.0.2.1:5060}; empty if it
        belongs to none.
    @ivar outgoing: whether it was opened here.
    @ivar state: C{opening} until it can be used, the handshake included; then C{open}; C{ending}
        when it is there only until the rest is sent, or received.
    @ivar idle: seconds for which nothing has come; C{None} where that is not known.
    @ivar owed: requests that came over it and have no final response yet.
    @ivar domains: the SIP domains that the peer has proven to be.
    """

    connection: str
    transport: str
    peer: str
    listener: str
    outgoing: bool
    state: _State
    idle: float | None
    owed: int
    domains: tuple[str, ...] = ()


def connectionsWith(
    transport: str | None = None, address: str | None = None, state: str | None = None
) -> _IsWanted:
    """
    @param address: an address or a network.
    @return: tells whether a connection is one of those that are wanted. C{None} wants any.
    @raise ValueError: if the address is none.
    """
    wantedTransport = None if transport is None else transport.upper()
    wantedState = None if state is None else state.lower()
    networks = None if address is None else Networks([address])

    def isWanted(its: str, host: str, now: _State) -> bool:
        return (
            wantedTransport in (None, its)
            and wantedState in (None, now)
            and (networks is None or host in networks)
        )

    return isWanted


def answerAboutStreams(answers: Asked, reactor: Any, streams: Streams) -> None:
    """Have a SIP worker answer C{connections}, those that are wanted, and C{closeConnection}."""

    async def connections(limit: int, **wanted: str | None) -> Found[ConnectionView]:
        isWanted = connectionsWith(**wanted)
        flows = [each.flow for each in streams.connections] + streams.index.opening()
        return await find(
            reactor,
            flows,
            lambda flow: isWanted(flow.transport, flow.remote[0], _stateOf(flow)),
            lambda flow: _viewOf(streams, flow),
            limit,
        )

    def closeConnection(connection: str, atOnce: bool) -> bool:
        flow = streams.index.held(connection)
        if flow is None or flow.connection is None:
            return False
        (flow.connection.abort if atOnce else flow.connection.close)()
        return True

    answers.add("connections", connections)
    answers.add("closeConnection", closeConnection)


def _stateOf(flow: StreamFlow) -> _State:
    if flow.closed:
        return "ending"
    if flow.connection is None:
        return "opening"
    return "ending" if flow.connection.ending else "open"


def _viewOf(streams: Streams, flow: StreamFlow) -> ConnectionView:
    endpoint = streams.endpoints.get(flow.listener)
    idle = None if flow.connection is None else streams.idleFor(flow.connection)
    return ConnectionView(
        connection=flow.identifier,
        transport=flow.transport,
        peer=place(*flow.remote),
        listener=""
        if endpoint is None
        else f"{endpoint.transport.lower()}:{place(endpoint.host, endpoint.port)}",
        outgoing=flow.outgoing,
        state=_stateOf(flow),
        idle=None if idle is None else round(idle, 1),
        owed=max(flow.owed, 0),
        domains=tuple(sorted(flow.identities)),
    )
