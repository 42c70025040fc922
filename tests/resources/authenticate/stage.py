"""A worker whose endpoint begins with authentication, its users, and phones that know a password:
real transactions, digests and nonce counts, on a virtual clock, without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from sipapp.resources.sip import SIPResource
from sipapp.resources.sip.authenticate import Authenticate, AuthenticateSettings
from sipapp.resources.sip.dispatch import Dispatch
from sipapp.sip import SIPURI, Request, Response, parseMessage
from sipapp.sip.digest import HASHES, Challenge, answerTo, digestHA1, parseChallenge
from sipapp.storage import Account
from sipapp.storage.accounts import OwnAccounts
from sipapp.storage.memoryaccounts import MemoryAccounts
from sipapp.storage.noncecounts import NonceCounts
from sipapp.transaction import Identifiers, TimerSettings, TransactionLayer

START = 1_800_000_000.0
ALICE = "198.51.100.7"
MALLORY = "203.0.113.66"


def account(username: str, realm: str, password: str) -> Account:
    digests = {name: digestHA1(name, username, realm, password) for name in HASHES}
    return Account(username, realm, digests)


ACCOUNTS = (
    account("alice", "example.com", "wonderland"),
    account("bob", "example.com", "builder"),
    account("carol", "The Others", "singer"),
)


class PhoneFlow:
    """The way to a phone; keeps what is sent over it."""

    listener = 0
    local = ("192.0.2.1", 5060)

    def __init__(self, host: str = ALICE, transport: str = "UDP") -> None:
        self.transport = transport
        self.reliable = transport != "UDP"
        self.remote = (host, 5060)
        self.sent: list[Response] = []

    def send(self, data: bytes) -> None:
        response = parseMessage(data)
        assert isinstance(response, Response)
        self.sent.append(response)


class Bans:
    """What the ban list has been told."""

    def __init__(self) -> None:
        self.offences: list[tuple[str, str, bool]] = []
        self.vouched: list[str] = []

    def offence(self, address: str, kind: str, proven: bool) -> None:
        self.offences.append((address, kind, proven))

    def vouch(self, address: str) -> None:
        self.vouched.append(address)


class Behind(SIPResource):
    """The next resource: keeps what it is offered, and takes it."""

    methods = frozenset({"REGISTER", "INVITE", "MESSAGE", "OPTIONS"})

    def __init__(self) -> None:
        self.offered: list[Request] = []
        self.acknowledged: list[Request] = []
        self.status = 200

    def offer(self, transaction: Any) -> Response:
        self.offered.append(transaction.request)
        response: Response = transaction.request.respond(self.status, toTag="behind")
        return response

    def ack(self, request: Request) -> bool:
        self.acknowledged.append(request)
        return True


class Worker:
    """An IWorker, and what phones see of it."""

    name = "udp-0/0"
    domains = frozenset({"example.com", "example.net", "others.example"})

    def __init__(self, path: Path, code: str = "u0", accounts: Any = None, **settings: Any) -> None:
        self.reactor = Clock()
        self.reactor.rightNow = START
        self.identifiers = Identifiers(b"secret", code)
        self.timers = TimerSettings()
        self.accounts = accounts or OwnAccounts(MemoryAccounts(*ACCOUNTS))
        self.bans = Bans()
        self.trusted: set[str] = set()
        self.nonceCounts = NonceCounts(
            path, self.endOfTurn, mapSize=1 << 22, clock=self.reactor.seconds
        )
        settings.setdefault("realms", {"others.example": "The Others"})
        self.authenticate = Authenticate(AuthenticateSettings(**settings), self)
        self.behind = Behind()
        self.dispatch = Dispatch({0: [self.authenticate, self.behind]}, self.identifiers)
        self.layer = TransactionLayer(self.dispatch, self.timers, self.reactor.seconds)
        self.stateless = 0
        self._ends: list[Callable[[], object]] = []

    def endOfTurn(self, call: Callable[[], object]) -> None:
        self._ends.append(call)

    def isLocal(self, uri: SIPURI) -> bool:
        if uri.host.lower() in self.domains:
            return uri.port in (None, 5060)
        return uri.host == "192.0.2.1" and uri.port in (None, 5060)

    def isTrusted(self, flow: Any) -> bool:
        return flow.remote[0] in self.trusted

    def receive(self, data: bytes, flow: PhoneFlow) -> list[Response]:
        """Let a request arrive, and the turn end.

        @return: the answers.
        """
        request = parseMessage(data)
        assert isinstance(request, Request)
        request.flow = flow
        if self.dispatch.answered(request, flow):
            self.stateless += 1
        else:
            self.layer.receiveRequest(request, flow, self.reactor.seconds())
        self.endTurn()
        answers, flow.sent = flow.sent, []
        return answers

    def endTurn(self) -> None:
        while self._ends:
            self._ends.pop(0)()

    @property
    def passed(self) -> list[Request]:
        """What has reached the next resource."""
        return self.behind.offered

    def close(self) -> None:
        self.nonceCounts.close()


class Phone:
    """Alice's phone, unless it is said to be another."""

    def __init__(
        self,
        worker: Worker,
        username: str = "alice",
        password: str = "wonderland",
        flow: PhoneFlow | None = None,
    ) -> None:
        self.worker = worker
        self.flow = flow or PhoneFlow()
        self.username = username
        self.password = password
        self.challenge: Challenge | None = None
        self.count = 0
        self._branches = 0

    def send(
        self,
        method: str = "REGISTER",
        *headers: str,
        uri: str = "sip:example.com",
        sender: str = "<sip:alice@example.com>",
        to: str | None = None,
        body: str = "",
        branch: str | None = None,
    ) -> Response:
        """Send a request.

        @return: the final answer.
        """
        self._branches += 1
        data = text(
            method,
            *headers,
            uri=uri,
            sender=sender,
            to=to or (sender if method == "REGISTER" else "<sip:bob@example.com>"),
            body=body,
            branch=branch or f"{self.username}{self._branches}",
        )
        *_, last = self.worker.receive(data.encode(), self.flow)
        return last

    def authenticate(
        self, method: str = "REGISTER", challenge: Challenge | None = None, **more: Any
    ) -> Response:
        """Send a request with an answer to a challenge, by default the latest one."""
        return self.send(method, self.proof(method, challenge, **more), **more)

    def proof(self, method: str, challenge: Challenge | None = None, **more: Any) -> str:
        """The header line with an answer."""
        if challenge is None:
            challenge = self.challenge
        assert challenge is not None
        self.count += 1
        answer = answerTo(
            challenge,
            self.username,
            self.password,
            method,
            more.get("uri", "sip:example.com"),
            "cnonce",
            self.count,
            str(more.get("body", "")).encode(),
        )
        return f"{'Authorization' if method == 'REGISTER' else 'Proxy-Authorization'}: {answer}"

    def ask(self, method: str = "REGISTER", **more: Any) -> Response:
        """Send a request, be challenged, answer."""
        self.challenge = challenges(self.send(method, **more))[-1]
        self.count = 0
        return self.authenticate(method, **more)


def challenges(response: Response) -> list[Challenge]:
    """What a response asks for."""
    assert response.status in (401, 407), response
    name = "WWW-Authenticate" if response.status == 401 else "Proxy-Authenticate"
    return [parseChallenge(value) for value in response.getAll(name)]


def text(
    method: str, *headers: str, uri: str, sender: str, to: str, body: str = "", branch: str = "1"
) -> str:
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP {ALICE};branch=z9hG4bK{branch}",
        "Max-Forwards: 70",
        f"From: {sender};tag=f",
        f"To: {to}",
        "Call-ID: call-1@phone",
        f"CSeq: 1 {method}",
        *headers,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", body])
