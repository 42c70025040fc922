"""Where responses go that have no transaction to tell (RFC 3261 §18.2.2, RFC 3263 §5)."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sipapp.sip import MalformedMessage, Response, SIPError, parseMessage
from sipapp.transport.confinement import Confinement
from sipapp.transport.flowfinder import Flows
from sipapp.transport.locate import Locator
from sipapp.transport.streams import Streams
from sipapp.transport.target import Address, LocateError, Target

_log = Logger()

_PORTS = {"UDP": 5060, "TCP": 5060, "TLS": 5061}


class ResponseRouter:
    """Sends responses to where their topmost Via says.

    @ivar unroutable: responses that could not be sent anywhere.
    """

    def __init__(
        self,
        flows: Flows,
        streams: Streams,
        locator: Locator,
        confinement: Confinement,
        home: int,
    ) -> None:
        """
        @param home: index of the endpoint to prefer.
        """
        self.unroutable = 0
        self._flows = flows
        self._streams = streams
        self._locator = locator
        self._confinement = confinement
        self._home = home

    def send(self, response: Response) -> None:
        """Send a response to the client that its topmost Via stands for. Whoever has sent us the
        response may have changed what that says."""
        flow = response.flow
        self._send(response, None if flow is None else flow.remote[0])

    def _send(self, response: Response, origin: str | None, isAgain: bool = False) -> None:
        """
        @param origin: where it comes from, or where its client is; C{""} if nobody knows, and
            C{None} if it was made here.
        @param isAgain: whether the connection that the request came over is of no use.
        """
        try:
            via = response.via
        except SIPError:
            self.unroutable += 1
            return
        transport = via.transport
        data = response.toBytes()
        if transport not in _PORTS:
            self.unroutable += 1
            return
        rport = _port(via.rport)
        received = via.received or via.host
        if transport != "UDP" and not isAgain:
            flow = self._streams.index.byRemote(transport, received, rport) if rport else None
            if flow is not None and not flow.closed:
                flow.send(data)
                return
        # RFC 3261 §18.2.2: the connection is gone, or there never was one.
        host, port = received, via.port
        if transport == "UDP" and rport:
            port = rport
        target = Target(host, port, "tcp" if transport == "TLS" else transport.lower())
        target = target._replace(secure=transport == "TLS")
        try:
            found = self._locator.locate(target, frozenset(_PORTS))
        except LocateError:
            self.unroutable += 1
            return
        if isinstance(found, Deferred):
            found.addCallback(self._located, data, via.host, origin)
            found.addErrback(self._notLocated)
        else:
            self._located(found, data, via.host, origin)

    def sendAgain(self, data: bytes, client: str) -> None:
        """Send a response whose connection turned out to be closed.

        @param client: the address at its other end; C{""} if nobody knows.
        """
        try:
            response = parseMessage(data)
        except MalformedMessage:
            return
        if isinstance(response, Response):
            self._send(response, client, True)

    def _located(
        self, found: Sequence[Address], data: bytes, name: str, origin: str | None
    ) -> None:
        for address in found:
            if origin is not None and self._confinement.bars(address.host, origin):
                continue
            flow = self._flows.toAddress(address._replace(tlsName=name), self._home)
            if flow is not None:
                flow.send(data)
                return
        self.unroutable += 1

    def _notLocated(self, failure: object) -> None:
        self.unroutable += 1


def _port(text: str | None) -> int:
    """The value of an C{rport}, 0 if it has none."""
    if text and text.isascii() and text.isdigit() and len(text) < 6:
        return int(text)
    return 0
