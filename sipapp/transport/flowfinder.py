"""Finds the flow that a request is to leave over: to an address, of a token, or of a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sipapp.transport.bus import Bus, FlowRecord
from sipapp.transport.flows import DatagramFlow, Flow, RemoteFlow, streamToken
from sipapp.transport.records import familyOf

if TYPE_CHECKING:
    from sipapp.sip import SIPURI
    from sipapp.transaction import Identifiers
    from sipapp.transport.datagram import DatagramPort
    from sipapp.transport.endpoints import Endpoints
    from sipapp.transport.streams import Streams
    from sipapp.transport.target import Address
    from sipapp.transport.turns import Turns

#: So many ways to peers are remembered, and those that depend on routes for so many seconds.
_REMEMBERED = 16_384
_MEMORY = 60.0


def _leadsToUDP(params: Mapping[str, str | None]) -> bool:
    """Tell whether a URI's parameters leave it at UDP, which is what is used where nobody says
    otherwise (RFC 3263 §4.1), and at its host."""
    return (params.get("transport") or "udp").lower() == "udp" and "maddr" not in params


class Flows:
    """Finds the flow to an address, or that of a token or a record.

    @ivar ports: the UDP ports that this worker can send from, by index of the endpoint.
    """

    def __init__(
        self,
        identifiers: Identifiers,
        endpoints: Endpoints,
        ports: dict[int, DatagramPort],
        bus: Bus,
        streams: Streams,
        turns: Turns,
    ) -> None:
        self.ports = ports
        self._identifiers = identifiers
        self._endpoints = endpoints
        self._bus = bus
        self._streams = streams
        self._turns = turns
        self._straight: dict[tuple[str, int | None, int], DatagramFlow] = {}
        self._forgetAt = 0.0
        self._byToken: dict[str, DatagramFlow] = {}

    def straight(self, uri: SIPURI, preferred: int) -> DatagramFlow | None:
        """The flow to a URI that says itself where it leads: over UDP, to a numeric address.

        @param preferred: as for L{toAddress}.
        @return: C{None} if that is not so, or if there is no socket for it.
        """
        params = uri.params
        if uri.scheme != "sip" or (params and not _leadsToUDP(params)):
            return None
        key = (uri.host, uri.port, preferred)
        known = self._straight.get(key)
        if known is not None and self._turns.now < self._forgetAt:
            return known
        if not familyOf(uri.host):
            return None
        if self._turns.now >= self._forgetAt or len(self._straight) >= _REMEMBERED:
            self._straight.clear()
            self._forgetAt = self._turns.now + _MEMORY
        port = 5060 if uri.port is None else uri.port
        endpoint = self._endpoints.choose("UDP", uri.host, preferred)
        sender = None if endpoint is None else self.ports.get(endpoint.index)
        if sender is None:
            return None
        flow = self._straight[key] = DatagramFlow(sender, (uri.host, port))
        return flow

    def toAddress(self, address: Address, preferred: int) -> Flow | None:
        """The flow to an address that RFC 3263 has found.

        @param preferred: index of the endpoint to use if it suits the address.
        @return: C{None} if there is no socket for its transport and family, or no room for another
            connection.
        """
        transport, host, port, tlsName = address
        if transport != "UDP":
            return self._streams.connect(transport, host, port, tlsName, preferred)
        endpoint = self._endpoints.choose("UDP", host, preferred)
        sender = None if endpoint is None else self.ports.get(endpoint.index)
        return None if sender is None else DatagramFlow(sender, (host, port))

    def fromToken(self, token: str) -> Flow | None:
        """
        @return: C{None} if the token was not minted by this server, or what it stands for is
            certain to be gone. That another worker still has a connection shows when it is used.
        """
        known = self._byToken.get(token)
        if known is not None:
            return known
        payload = self._identifiers.readFlowToken(token)
        if payload is None:
            return None
        parts = payload.split("|")
        if parts[0] == "u" and len(parts) == 4:
            endpoint = self._endpoints.byKey(parts[1])
            port = None if endpoint is None else self.ports.get(endpoint.index)
            if port is None:
                return None
            if len(self._byToken) >= _REMEMBERED:
                self._byToken.clear()
            known = self._byToken[token] = DatagramFlow(port, (parts[2], int(parts[3])))
            return known
        if parts[0] != "c" or len(parts) != 7:
            return None
        _, holder, connection, transport, key, host, number = parts
        held = self._streams.index.held(connection)
        if held is not None or holder == self._identifiers.code:
            # Its identifier tells it from all others, also from those of other workers: it may
            # have been moved here since the token was made.
            return held
        if not self._bus.knows(holder):
            return None
        endpoint = self._endpoints.byKey(key)
        local = ("", 0) if endpoint is None else self._endpoints.sentBy(endpoint, host)
        return self._remote(
            FlowRecord(transport, key, local, (host, int(number)), holder, connection), token
        )

    def fromRecord(self, record: FlowRecord) -> Flow | None:
        """
        @return: C{None} if this worker cannot send that way.
        """
        if not record.holder:
            endpoint = self._endpoints.byKey(record.endpoint)
            port = None if endpoint is None else self.ports.get(endpoint.index)
            return None if port is None else DatagramFlow(port, record.remote)
        if record.holder == self._identifiers.code:
            return self._streams.index.held(record.connection)
        return self._remote(record, streamToken(self._identifiers, record))

    def _remote(self, record: FlowRecord, token: str) -> RemoteFlow:
        endpoint = self._endpoints.byKey(record.endpoint)
        index = -1 if endpoint is None else endpoint.index
        return RemoteFlow(self._bus, self._identifiers.code, record, token, index)
