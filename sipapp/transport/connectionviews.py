"""The connections of a worker, as people see them, and how they close one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from sipapp.transport.listing import Asked, Found, find, place
from sipapp.transport.networks import Networks
from sipapp.transport.streamflow import StreamFlow
from sipapp.transport.streams import Streams
from sipapp.transport.web import LimitedSite
from sipapp.transport.webchannel import LimitedChannel

__all__ = ["ConnectionView", "answerAboutStreams", "answerAboutWebConnections"]

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


# For SIP.


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


# For HTTP.


def answerAboutWebConnections(
    answers: Asked, reactor: Any, sites: Mapping[str, LimitedSite], code: str
) -> None:
    """The same for a worker of HTTP endpoints.

    @param sites: by the names of their listeners.
    @param code: the worker's, to tell its connections from those of others.
    """

    def identifier(channel: LimitedChannel) -> str:
        return f"{code}.http.{channel.number:x}"

    def present() -> list[tuple[str, LimitedChannel]]:
        return [(name, channel) for name, site in sites.items() for channel in site.channels]

    def view(each: tuple[str, LimitedChannel]) -> ConnectionView:
        listener, channel = each
        return ConnectionView(
            connection=identifier(channel),
            transport=_transportOf(listener),
            peer=place(channel.host, channel.port),
            listener=listener,
            outgoing=False,
            state="ending" if channel.refused else "open",
            idle=None,
            owed=len(channel.requests),
        )

    async def connections(limit: int, **wanted: str | None) -> Found[ConnectionView]:
        isWanted = connectionsWith(**wanted)
        return await find(
            reactor,
            present(),
            lambda each: isWanted(
                _transportOf(each[0]), each[1].host, "ending" if each[1].refused else "open"
            ),
            view,
            limit,
        )

    def closeConnection(connection: str, atOnce: bool) -> bool:
        for _, channel in present():
            if identifier(channel) == connection and not channel.refused:
                # Nobody knows for how long an answer that is under way will be.
                (channel.abort if atOnce or channel.requests else channel.leave)()
                return True
        return False

    answers.add("connections", connections)
    answers.add("closeConnection", closeConnection)


def _transportOf(listener: str) -> str:
    return listener.partition(":")[0].upper()
