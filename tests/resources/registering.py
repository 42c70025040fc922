"""A worker with a chain of resources, and phones that register with it: real transactions and
messages, on a virtual clock, without a network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.task import Clock

from sipapp.location import MemoryLocation
from sipapp.resources.sip.dispatch import Dispatch
from sipapp.resources.sip.registrar import Registrar, RegistrarSettings
from sipapp.sip import SIPURI, Request, Response, parseMessage
from sipapp.transaction import Identifiers, TimerSettings, TransactionLayer

SERVER = ("192.0.2.1", 5060)
START = 1_800_000_000.0


class PhoneFlow:
    """The way to a phone; keeps what is sent over it."""

    def __init__(
        self, host: str = "198.51.100.7", transport: str = "UDP", listener: int = 0
    ) -> None:
        self.transport = transport
        self.reliable = transport != "UDP"
        self.remote = (host, 5060)
        self.local = SERVER
        self.listener = listener
        self.token = f"token-of-{host}"
        self.sent: list[Response] = []

    def send(self, data: bytes) -> None:
        response = parseMessage(data)
        assert isinstance(response, Response)
        self.sent.append(response)


class Worker:
    """An IWorker with a registrar, on one endpoint unless C{chains} says otherwise."""

    name = "udp-0/0"
    domains = frozenset({"example.com", "example.net"})
    server: str | None = None

    def __init__(
        self,
        location: Any = None,
        chains: Callable[[Any], dict[int, Sequence[Any]]] | None = None,
        **settings: Any,
    ) -> None:
        self.reactor = Clock()
        self.reactor.rightNow = START
        self.identifiers = Identifiers(b"secret", "u0")
        self.timers = TimerSettings()
        self.sender: Any = None
        self.location: Any = location or MemoryLocation(self.reactor.seconds)
        self.registrar = Registrar(RegistrarSettings(**settings), self)
        endpoints = {0: [self.registrar]} if chains is None else chains(self)
        self.dispatch = Dispatch(endpoints, self.identifiers)
        self.layer = TransactionLayer(self.dispatch, self.timers, self.reactor.seconds)
        self._branches = 0

    def isLocal(self, uri: SIPURI) -> bool:
        if uri.host.lower() in self.domains:
            return uri.port is None
        return (uri.host, uri.port or 5060) == SERVER

    def register(
        self,
        *headers: str,
        to: str = "<sip:alice@example.com>",
        uri: str = "sip:example.com",
        cseq: int = 1,
        callID: str = "call-1@phone",
        flow: PhoneFlow | None = None,
        via: str = "198.51.100.7",
        method: str = "REGISTER",
    ) -> Response:
        """Send a REGISTER with these further header lines.

        @return: the answer.
        """
        self._branches += 1
        head = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {via};branch=z9hG4bK{self._branches}",
            "Max-Forwards: 70",
            f"From: {to};tag=f",
            f"To: {to}",
            f"Call-ID: {callID}",
            f"CSeq: {cseq} {method}",
            *headers,
            "Content-Length: 0",
            "",
            "",
        ]
        return self.send("\r\n".join(head).encode("utf-8", "surrogateescape"), flow)

    def send(self, data: bytes, flow: PhoneFlow | None = None) -> Response:
        flow = flow or PhoneFlow()
        request = parseMessage(data)
        assert isinstance(request, Request)
        self.layer.receiveRequest(request, flow, self.reactor.seconds())
        self.reactor.advance(0)
        (response,) = flow.sent
        flow.sent.clear()
        return response

    def contacts(self, aor: str = "sip:alice@example.com") -> list[str]:
        return [binding.contact for binding in self.location.lookupNow(aor)]


def listed(response: Response) -> dict[str, int | None]:
    """The contacts of a response, with the seconds they have left."""
    assert response.status == 200, response
    return {str(contact.uri): contact.expires for contact in response.contacts}
