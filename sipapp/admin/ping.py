"""Sends an OPTIONS and waits for its answer: the SIP core at work without a reactor.

A transaction layer asks for bytes to be sent and for time to pass; a socket and a clock do the
rest (RFC 3261 §11.1, §17.1.2).
"""

from __future__ import annotations

import secrets
import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

from sipapp.sip import (
    SIPURI,
    Frame,
    Request,
    Response,
    SIPError,
    StreamFramer,
    bracketed,
    parseMessage,
)
from sipapp.transaction import ClientTransaction, Flow, ServerTransaction, TransactionLayer

__all__ = ["Answer", "Unanswered", "ping", "transportOf"]

_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}


class Unanswered(Exception):
    """No answer came: C{str()} of it says what happened instead."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    response: Response
    source: str
    """C{host:port} of the sender."""
    seconds: float
    """From the first sending to the final response."""


class _Flow:
    """A connected socket as the transaction layer's flow."""

    listener = 0

    def __init__(self, uri: SIPURI, wait: float) -> None:
        self.transport = transportOf(uri)
        self.reliable = self.transport != "udp"
        target = uri.host, uri.port or _PORTS[self.transport]
        try:
            self.socket = self._connected(*target, wait)
        except UnicodeError:
            raise Unanswered("no host can have this name") from None

    def _connected(self, host: str, port: int, wait: float) -> socket.socket:
        if not self.reliable:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
            family, kind, protocol, _, address = found[0]
            datagrams = socket.socket(family, kind, protocol)
            datagrams.connect(address)
            return datagrams
        connection = socket.create_connection((host, port), wait)
        if self.transport != "tls":
            return connection
        with connection:
            return ssl.create_default_context().wrap_socket(connection, server_hostname=host)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)


class _Pinging:
    """Waits for what becomes of the OPTIONS. It takes no requests."""

    outcome: Response | str | None = None

    def requestReceived(self, transaction: ServerTransaction, now: float) -> None:
        transaction.abandon(now)

    def ackReceived(self, request: Request, flow: Flow, now: float) -> None:
        pass

    def cancelReceived(
        self, transaction: ServerTransaction, invite: ServerTransaction | None, now: float
    ) -> None:
        transaction.abandon(now)

    def responseReceived(
        self, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        if response.status >= 200:
            self.outcome = response

    def timedOut(self, transaction: ClientTransaction, now: float) -> None:
        self.outcome = "no answer"

    def transportFailed(self, transaction: ClientTransaction, now: float) -> None:
        self.outcome = "it cannot be reached"


def transportOf(uri: SIPURI) -> str:
    """
    @return: C{udp} unless the URI says otherwise, C{tcp}, or C{tls}, as for each C{sips} URI (RFC
        3261 §26.2.2).
    @raise ValueError: if it is another one.
    """
    found = uri.transport or "udp"
    if uri.scheme == "sips" and uri.transport in (None, "tcp"):
        found = "tls"
    if found not in _PORTS or (uri.scheme == "sips" and found != "tls"):
        raise ValueError(f"there is no ping over {found} for {uri.scheme}")
    return found


def ping(uri: SIPURI, wait: float) -> Answer:
    """Send OPTIONS. Who answers over TLS has to have a certificate that this machine trusts.

    @param wait: how long to wait for the answer, in seconds.
    @raise Unanswered: when nothing has come by then.
    @raise OSError: when the host has no address or does not take the message.
    """
    flow = _Flow(uri, wait)
    with flow.socket:
        user = _Pinging()
        layer = TransactionLayer(user, clock=time.monotonic)
        framer = StreamFramer() if flow.reliable else None
        started = time.monotonic()
        layer.request(_options(uri, flow), flow, user, started)
        while user.outcome is None:
            now = time.monotonic()
            if now - started >= wait:
                raise Unanswered(f"no answer in {wait:g} s")
            due = layer.nextDeadline()
            until = started + wait if due is None else min(due, started + wait)
            flow.socket.settimeout(max(until - now, 0.001))
            try:
                data = flow.socket.recv(65536)
            except TimeoutError:
                layer.handleTimers(time.monotonic())
                continue
            if framer is not None and not data:
                raise Unanswered("the connection was closed")
            for message in _messages(data, framer):
                if isinstance(message, Response):
                    layer.receiveResponse(message, flow, time.monotonic())
        if isinstance(user.outcome, str):
            raise Unanswered(user.outcome)
        host, port = flow.socket.getpeername()[:2]
        return Answer(user.outcome, f"{bracketed(host)}:{port}", time.monotonic() - started)


def _messages(data: bytes, framer: StreamFramer | None) -> Iterator[Request | Response]:
    """What has arrived: one message a datagram, any number in a piece of a stream."""
    try:
        if framer is None:
            yield parseMessage(data)
        else:
            yield from (each.message for each in framer.feed(data) if isinstance(each, Frame))
    except SIPError as error:
        raise Unanswered(f"what came back is not SIP: {error}") from error


def _options(uri: SIPURI, flow: _Flow) -> Request:
    host, port = flow.socket.getsockname()[:2]
    host = bracketed(host)
    transport = flow.transport.upper()
    return Request.build(
        "OPTIONS",
        str(uri),
        [
            (
                "Via",
                f"SIP/2.0/{transport} {host}:{port};branch=z9hG4bK{secrets.token_hex(8)};rport",
            ),
            ("Max-Forwards", "70"),
            ("From", f"<sip:sipappctl@{host}:{port}>;tag={secrets.token_hex(4)}"),
            ("To", f"<{uri}>"),
            ("Call-ID", secrets.token_hex(12)),
            ("CSeq", "1 OPTIONS"),
            ("Accept", "application/sdp"),
            ("Content-Length", "0"),
        ],
    )
