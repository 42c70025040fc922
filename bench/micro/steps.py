"""The single steps of a request in one worker, as calls that can be repeated without end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from sipapp.location import LMDBLocation
from sipapp.resources.sip.registrar import Registrar, RegistrarSettings
from sipapp.sip import SIPURI, Request, Response, parseMessage, validateRequest, validateResponse
from sipapp.transaction import ClientTransaction, Identifiers, ServerTransaction, TransactionLayer

Step = Callable[[], object]

_INVITE = (
    b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK74bf9;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "Alice" <sip:alice@atlanta.example.com>;tag=9fxced76sl\r\n'
    b"To: Bob <sip:bob@biloxi.example.com>\r\n"
    b"Call-ID: 3848276298220188511@atlanta.example.com\r\n"
    b"CSeq: 1 INVITE\r\n"
    b"Contact: <sip:alice@192.0.2.101:5060>\r\n"
    b"User-Agent: bench\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 151\r\n\r\n" + b"v" * 151
)


class _Flow:
    """Takes everything and sends nothing."""

    def __init__(self, reliable: bool) -> None:
        self.reliable = reliable

    def send(self, data: bytes) -> None:
        pass


class _User:
    """Answers each request at once."""

    def __init__(self, status: int) -> None:
        self._status = status

    def requestReceived(self, transaction: ServerTransaction, now: float) -> None:
        transaction.respond(transaction.request.respond(self._status, toTag="t"), now)

    def ackReceived(self, request: Request, flow: object, now: float) -> None:
        pass

    def cancelReceived(
        self, transaction: ServerTransaction, invite: ServerTransaction | None, now: float
    ) -> None:
        pass

    def responseReceived(
        self, transaction: ClientTransaction, response: Response, now: float
    ) -> None:
        pass

    def timedOut(self, transaction: ClientTransaction, now: float) -> None:
        pass

    def transportFailed(self, transaction: ClientTransaction, now: float) -> None:
        pass


def _request(data: bytes) -> Request:
    message = parseMessage(data)
    assert isinstance(message, Request)
    return message


def _response(data: bytes) -> Response:
    message = parseMessage(data)
    assert isinstance(message, Response)
    return message


def _forward(request: Request) -> bytes:
    """What a proxy changes in a request."""
    copy = request.copy()
    copy.requestURI = "sip:bob@192.0.2.4:5060"
    copy.set("Max-Forwards", "69")
    copy.prepend("Record-Route", "<sip:0a1b2c3d4e5f@192.0.2.1:5060;lr>")
    copy.prepend("Via", "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa0.1.2.3;rport")
    return copy.toBytes()


def steps(directory: Path) -> Iterator[tuple[str, Step]]:
    """
    @param directory: an empty one.
    @return: what is timed, each with its name.
    """
    yield from _sipSteps()
    yield from _transactionSteps()
    yield from _locationSteps(directory)


def _sipSteps() -> Iterator[tuple[str, Step]]:
    invite = _request(_INVITE)
    yield "index an INVITE of ten header lines", lambda: parseMessage(_INVITE)
    yield "index and validate it", lambda: validateRequest(_request(_INVITE))
    answer = invite.respond(200, toTag="t").toBytes()
    yield "index and validate the 200 to it", lambda: validateResponse(_response(answer))
    yield "forward it: copy, edit, write", lambda: _forward(invite)
    yield "answer it: 200, written", lambda: invite.respond(200, toTag="t").toBytes()
    identifiers = Identifiers(b"secret", "a0")
    yield "branch for a target", lambda: identifiers.branch(invite, "sip:bob@192.0.2.4")
    yield "To tag", lambda: identifiers.toTag(invite)


def _transactionSteps() -> Iterator[tuple[str, Step]]:
    """Whole transactions, with parsing, to their end."""
    options = _INVITE.replace(b"INVITE", b"OPTIONS")
    for name, status, data in (("OPTIONS", 200, options), ("INVITE", 486, _INVITE)):
        flow, user = _Flow(reliable=True), _User(status)
        layer = TransactionLayer(user)
        now = 0.0

        def serve(data: bytes = data, layer: TransactionLayer = layer, flow: _Flow = flow) -> None:
            nonlocal now
            now += 100.0
            layer.receiveRequest(_request(data), flow, now)
            layer.handleTimers(now + 50.0)

        yield f"{name} in, {status} out: parsed, answered, over", serve


_REGISTER = (
    "REGISTER sip:example.com SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 192.0.2.101:5060;branch=z9hG4bK74bf9;rport\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:user{user}@example.com>;tag=9fxced76sl\r\n"
    "To: <sip:user{user}@example.com>\r\n"
    "Call-ID: {user}-{call}@192.0.2.101\r\n"
    "CSeq: 1 REGISTER\r\n"
    "Contact: <sip:user{user}@192.0.2.101:5060>\r\n"
    "Expires: 3600\r\n"
    "User-Agent: bench\r\n"
    "Content-Length: 0\r\n\r\n"
)


class _PhoneFlow(_Flow):
    """The way to a phone. Its token is the business of the transport."""

    remote = ("192.0.2.101", 5060)
    token = "5e0b8a0b1c7d2f3a4e5bdXxldWRwOjE5Mi4wLjIuMTo1MDYwfDE5Mi4wLjIuMTAxfDUwNjA"


class _Worker:
    """What a registrar needs of its worker."""

    domains = frozenset({"example.com"})
    server = None

    def __init__(self, directory: Path) -> None:
        self.reactor = Clock()
        self.reactor.advance(1000.0)
        self.identifiers = Identifiers(b"secret", "a0")
        self.turn: list[Callable[[], object]] = []
        self.location = LMDBLocation(directory, self.turn.append, clock=self.reactor.seconds)

    def isLocal(self, uri: SIPURI) -> bool:
        return uri.host in self.domains and uri.port is None

    def endTurn(self) -> None:
        for call in self.turn:
            call()
        self.turn.clear()


class _Waiting:
    """What a registrar needs of a transaction."""

    def __init__(self, request: Request) -> None:
        self.request = request

    def respond(self, response: Response) -> None:
        pass


def _registrations(users: int) -> Iterator[Request]:
    """Each user registers again and again, with another Call-ID each time."""
    flow = _PhoneFlow(reliable=False)
    for number in count():
        call, user = divmod(number, users)
        text = _REGISTER.format(user=user * 7919 % users, call=call)
        request = _request(text.encode())
        request.flow = flow
        validateRequest(request)
        yield request


def _locationSteps(directory: Path) -> Iterator[tuple[str, Step]]:
    worker = _Worker(directory)
    registrar: Any = Registrar(RegistrarSettings(), worker)
    registrations = _registrations(10_000)

    def register(turn: int) -> None:
        for request in islice(registrations, turn):
            registrar.offer(_Waiting(request))
        worker.endTurn()

    register(10_000)
    store = worker.location
    yield "look one of 10,000 users up", lambda: store.lookupNow("sip:user4711@example.com")
    yield "index and validate a REGISTER", lambda: next(registrations)
    yield "the same, and its refresh, alone in a turn", lambda: register(1)
    yield "twenty of these in a turn", lambda: register(20)
