"""Requests offered to a chain of resources through a real transaction layer, without a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.task import Clock

from sipapp.resources.sip import Dispatch
from sipapp.sip import SIPURI, Request, Response, parseMessage
from sipapp.transaction import Identifiers, TransactionLayer


class Wire:
    """The flow of a peer: keeps what it is sent."""

    reliable = False
    listener = 0
    remote = ("198.51.100.7", 5060)

    def __init__(self) -> None:
        self.sent: list[Response] = []

    def send(self, data: bytes) -> None:
        response = parseMessage(data)
        assert isinstance(response, Response)
        self.sent.append(response)


class Surroundings:
    """What most resources need of an IWorker."""

    name = "udp-0/0"
    domains = frozenset({"example.com"})

    def __init__(self) -> None:
        self.identifiers = Identifiers(b"secret", "a0")

    def isLocal(self, uri: SIPURI) -> bool:
        return uri.host in self.domains


class Offering:
    """An endpoint with some resources, to which requests come."""

    def __init__(self, resources: Sequence[Any], server: str | None = None) -> None:
        self.clock = Clock()
        self.wire = Wire()
        self.dispatch = Dispatch({0: resources}, Identifiers(b"secret", "a0"), server)
        self.layer = TransactionLayer(self.dispatch, clock=self.clock.seconds)

    def receive(self, request: Request) -> None:
        self.layer.receiveRequest(request, self.wire, self.clock.seconds())

    def ask(self, method: str, uri: str = "sip:example.com", branch: str = "1") -> list[int]:
        """
        @return: the statuses of the answers so far.
        """
        self.receive(makeRequest(method, uri, branch))
        return self.statuses

    @property
    def statuses(self) -> list[int]:
        return [response.status for response in self.wire.sent]

    @property
    def answer(self) -> Response:
        """The latest answer."""
        return self.wire.sent[-1]


def makeRequest(method: str, uri: str = "sip:example.com", branch: str = "1") -> Request:
    return Request.build(
        method,
        uri,
        [
            ("Via", f"SIP/2.0/UDP 198.51.100.7;branch=z9hG4bK{branch}"),
            ("Max-Forwards", "70"),
            ("From", "<sip:alice@example.com>;tag=f"),
            ("To", "<sip:bob@example.com>"),
            ("Call-ID", "call-1"),
            ("CSeq", f"1 {method}"),
            ("Content-Length", "0"),
        ],
    )
