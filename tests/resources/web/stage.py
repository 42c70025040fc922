"""An HTTP endpoint with a resource that asks who one is, and browsers that know a password: real
requests, digests and nonce counts, on a virtual clock, without a network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from sipapp.resources.web.authentication import WebAuthentication
from sipapp.storage import MemoryAccounts, OwnAccounts, newAccount
from sipapp.storage.noncecounts import NonceCounts
from sipapp.transaction import Identifiers
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.web import LimitedSite
from tests.resources.authenticate.stage import Bans
from tests.support.digest import Digest, Parameters, challenges
from tests.support.httpclient import Basic
from tests.support.httptext import Answer, Headers, request, takeAnswer

START = 1_800_000_000.0
REALM = "example.com"
ADDRESS = "198.51.100.7"
ACCOUNTS = (
    newAccount("alice", REALM, "wonderland", "operator"),
    newAccount("ren\u00e9", REALM, "\u00e9tude"),
    newAccount("carol", "example.net", "singer"),
)


class Guarded(Resource):
    """Says who asks, to who has proven it."""

    isLeaf = True

    def __init__(self, authentication: WebAuthentication) -> None:
        super().__init__()
        self._authentication = authentication
        self.failures: list[Any] = []

    def render(self, request: Any) -> int:
        asked = self._authentication.authenticate(request)
        asked.addCallback(self._answer, request).addErrback(self.failures.append)
        return NOT_DONE_YET

    def _answer(self, account: Any, request: Any) -> None:
        if account is None:
            self._authentication.challenge(request)
        else:
            request.write(f"{account.username} {account.realm} {account.role}".encode())
        request.finish()


class Worker:
    """An IWorker as far as authentication knows one."""

    def __init__(
        self,
        path: Path,
        accounts: Any = None,
        beside: Worker | None = None,
        **settings: Any,
    ) -> None:
        """
        @param path: of the nonce counts.
        @param beside: another worker, whose nonce counts these are as well.
        @param settings: as for L{WebAuthentication}.
        """
        self.reactor = Clock()
        self.reactor.rightNow = START
        self.identifiers = Identifiers(b"secret", "w0")
        self.accounts = accounts or OwnAccounts(MemoryAccounts(*ACCOUNTS))
        self.bans = Bans()
        self._ends: list[Callable[[], object]] = [] if beside is None else beside._ends
        self.nonceCounts = (
            NonceCounts(path, self.endOfTurn, mapSize=1 << 22, clock=self.reactor.seconds)
            if beside is None
            else beside.nonceCounts
        )
        self.page = Guarded(WebAuthentication(self, REALM, **settings))
        log = LimitLog(self.reactor.seconds)
        self.site = LimitedSite(self.reactor, self.page, StreamLimits(), log, "http test")

    def endOfTurn(self, call: Callable[[], object]) -> None:
        self._ends.append(call)

    def endTurn(self) -> None:
        while self._ends:
            self._ends.pop(0)()

    def close(self) -> None:
        self.nonceCounts.close()


@implementer(ISSLTransport)
class SecureTransport(StringTransport):
    """TLS, as far as it can be told from above."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        pass


class Browser:
    """A connection to a worker, and a user who can prove who he is; Alice, unless told otherwise.

    @ivar user: answers challenges.
    """

    def __init__(
        self,
        worker: Worker,
        user: Digest | Basic | None = None,
        secure: bool = False,
    ) -> None:
        """
        @param secure: whether the connection is TLS.
        """
        self.worker = worker
        self.user = user or Digest("alice", "wonderland")
        self.transport = SecureTransport() if secure else StringTransport()
        self._channel: Any = worker.site.buildProtocol(IPv4Address("TCP", ADDRESS, 50_000))
        # What the transport says of the other end is what resources see.
        self.transport.peerAddr = IPv4Address("TCP", ADDRESS, 50_000)
        self._channel.makeConnection(self.transport)

    def ask(
        self,
        method: str = "GET",
        target: str = "/page",
        headers: Headers = (),
        body: bytes | None = None,
    ) -> Answer:
        """Send a request as it is, and let the turn end."""
        self._channel.dataReceived(request(method, target, "a", headers, body))
        self.worker.endTurn()
        taken = takeAnswer(self.transport.value(), method)
        assert taken is not None, self.transport.value()
        self.transport.clear()
        return taken[0]

    def prove(
        self,
        method: str = "GET",
        target: str = "/page",
        body: bytes | None = None,
        **proof: Any,
    ) -> Answer:
        """Send a request with a proof.

        @param proof: as for L{Digest.proof}; C{uri} is the target if it is not said.
        """
        uri = proof.pop("uri", target)
        return self.ask(method, target, [self.user.proof(method, uri, body or b"", **proof)], body)

    def challenged(self) -> Parameters:
        """Ask without a proof, and take the challenge that comes."""
        assert isinstance(self.user, Digest)
        return self.user.challenged(self.ask())

    def login(self, **more: Any) -> Answer:
        """Be challenged, and answer."""
        self.challenged()
        return self.prove(**more)


def offered(answer: Answer) -> list[tuple[str, str]]:
    """
    @return: algorithm and qop of the Digest challenges of a 401.
    """
    return [(each["algorithm"], each["qop"]) for each in challenges(answer)]
