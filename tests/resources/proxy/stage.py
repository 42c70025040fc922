"""Everything around a proxy, on a virtual clock: real transactions and messages, a sender and
flows that only write down what they were asked to send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer

from sipapp.interfaces import ISender
from sipapp.location import Binding, MemoryLocation
from sipapp.resources.sip.dispatch import Dispatch
from sipapp.resources.sip.proxy import Proxy, ProxySettings
from sipapp.sip import SIPURI, Hop, Request, Response, parseMessage
from sipapp.transaction import Identifiers, TimerSettings, TransactionLayer
from sipapp.transport.trust import TrustedPeers

SERVER = "192.0.2.1"


@dataclass(eq=False)
class RecordingFlow:
    """A way to a peer that keeps what was sent."""

    transport: str = "UDP"
    remote: tuple[str, int] = ("198.51.100.10", 5060)
    local: tuple[str, int] = (SERVER, 5060)
    listener: int = 0
    token: str = "tokenOfTheCaller"
    closed: bool = False
    identities: frozenset[str] = frozenset()
    messages: list[Any] = field(default_factory=list)

    @property
    def reliable(self) -> bool:
        return self.transport != "UDP"

    @property
    def secure(self) -> bool:
        return self.transport == "TLS"

    def send(self, data: bytes) -> None:
        self.messages.append(parseMessage(data))

    def take(self) -> list[Any]:
        """What was sent since the last time."""
        taken, self.messages = self.messages, []
        return taken

    def statuses(self) -> list[int]:
        """The same, as status codes."""
        return [message.status for message in self.take()]


UDP = RecordingFlow(remote=("203.0.113.1", 5060), token="udpFlow")
TCP = RecordingFlow("TCP", ("203.0.113.2", 40000), listener=1, token="tcpFlow")
TLS = RecordingFlow("TLS", ("203.0.113.3", 40000), (SERVER, 5061), listener=2, token="tlsFlow")


class Sent:
    """A request that the proxy has given to its sender.

    @ivar request: as it leaves, with Record-Route and Via.
    """

    def __init__(self, request: Request, hop: Hop, user: Any, branch: str, flow: Any) -> None:
        if user is not None:
            user.flowSelected(request, flow)
        self.hop = hop
        self.user = user
        self.branch = branch
        self.cancelled = False
        self.reasons: list[str] = []
        via = f"SIP/2.0/{flow.transport} {flow.local[0]}:{flow.local[1]};branch={branch}"
        request.prepend("Via", via)
        wire = parseMessage(request.toBytes())
        assert isinstance(wire, Request)
        self.request = wire

    @property
    def uri(self) -> str:
        return self.request.requestURI

    def cancel(self, reasons: Sequence[str] = ()) -> None:
        self.cancelled = True
        self.reasons += reasons

    def response(
        self, status: int, tag: str | None = "callee", headers: tuple[tuple[str, str], ...] = ()
    ) -> Response:
        """What the far side answers, as it arrives."""
        answer = self.request.respond(status, toTag=tag, headers=headers)
        received = parseMessage(answer.toBytes())
        assert isinstance(received, Response)
        received.flow = UDP
        return received

    def answer(
        self, status: int, tag: str | None = "callee", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Let the far side answer."""
        self.user.responseReceived(self.response(status, tag, headers))

    def fail(self, status: int) -> None:
        """Let no address answer."""
        self.user.failed(status, "as the test wants")


@implementer(ISender)
class RecordingSender:
    """Sends nothing, and lets the test play the far side.

    @ivar flows: by token, the flows that exist; everything else leaves over UDP.
    """

    def __init__(self, flow: RecordingFlow = UDP) -> None:
        self._default = flow
        self.flows: dict[str, RecordingFlow] = {}
        self.sent: list[Sent] = []
        self.forwarded: list[Sent] = []
        self.responses: list[Response] = []

    def _flow(self, hop: Hop) -> RecordingFlow:
        return self.flows.get(hop.flow or "", self._default)

    def request(self, request: Request, hop: Hop, user: Any, branch: str | None = None) -> Sent:
        assert branch is not None
        sent = Sent(request, hop, user, branch, self._flow(hop))
        self.sent.append(sent)
        return sent

    def forward(self, request: Request, hop: Hop, branch: str, user: Any = None) -> None:
        self.forwarded.append(Sent(request, hop, user, branch, self._flow(hop)))

    def respond(self, response: Response) -> None:
        self.responses.append(response)


class SlowLocation(MemoryLocation):
    """A store that cannot answer at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.asked: list[tuple[str, Deferred[Any]]] = []

    def lookupNow(self, aor: str) -> Any:
        return None

    def lookup(self, aor: str) -> Deferred[Any]:
        waiting: Deferred[Any] = Deferred()
        self.asked.append((aor, waiting))
        return waiting

    def answer(self) -> None:
        """Give the oldest question its answer."""
        aor, waiting = self.asked.pop(0)
        waiting.callback(MemoryLocation.lookupNow(self, aor))


class Stage:
    """A worker with a proxy, and a caller.

    @ivar caller: the flow that the requests come over unless another is given.
    @ivar trusted: whom the server trusts.
    """

    name = "udp-0/0"
    domains = frozenset(("example.com",))

    def __init__(
        self, slow: bool = False, host: str = SERVER, records: Any = None, **settings: Any
    ) -> None:
        """
        @param records: what keeps call records.
        """
        self.callRecords = records
        self.clock = self.reactor = Clock()
        self.trusted = TrustedPeers()
        self.host = host
        self.identifiers = Identifiers(b"secret of " + host.encode(), "u0")
        self.sender = RecordingSender(RecordingFlow(local=(host, 5060)))
        self.timers = TimerSettings()
        self.location: Any = (SlowLocation if slow else MemoryLocation)(self.clock.seconds)
        self.proxy = Proxy(ProxySettings(**settings), self)
        self.chain: list[Any] = [self.proxy]
        chain = self.chain
        self.dispatch = Dispatch(
            {0: chain, 1: chain, 2: chain}, self.identifiers, isTrusted=self.isTrusted
        )
        self.layer = TransactionLayer(self.dispatch, self.timers, self.clock.seconds)
        self.caller = RecordingFlow(local=(host, 5060))

    def isLocal(self, uri: SIPURI) -> bool:
        if uri.host.lower() in self.domains:
            return uri.port is None
        return uri.host == self.host and uri.port in (None, 5060, 5061)

    def isTrusted(self, flow: Any) -> bool:
        return flow in self.trusted

    @property
    def sent(self) -> list[Sent]:
        """The requests that were forwarded statefully."""
        return self.sender.sent

    def bind(self, aor: str, *contacts: str | Binding) -> None:
        """Register contacts for an hour, the given ones in their order."""
        bindings = [
            contact if isinstance(contact, Binding) else Binding(contact, 3600.0)
            for contact in contacts
        ]
        failures: list[Any] = []
        self.location.update(aor, lambda present: (*present, *bindings)).addErrback(failures.append)
        assert not failures

    def receive(self, message: str | bytes, flow: RecordingFlow | None = None) -> Any:
        """Let a request arrive.

        @return: its server transaction, if it has one.
        """
        data = message.encode("utf-8") if isinstance(message, str) else message
        request = parseMessage(data)
        assert isinstance(request, Request)
        self.layer.receiveRequest(request, flow or self.caller, self.clock.seconds())
        return None if request.method == "ACK" else self.layer.findServer(request)

    def advance(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        end = self.clock.seconds() + seconds
        while True:
            deadline = self.layer.nextDeadline()
            calls = [call.getTime() for call in self.clock.getDelayedCalls()]
            times = [time for time in (deadline, *calls) if time is not None and time <= end]
            then = min(times, default=end)
            self.clock.advance(then - self.clock.seconds())
            self.layer.handleTimers(self.clock.seconds())
            if not times:
                return


def text(
    method: str,
    uri: str,
    *headers: str,
    branch: str = "z9hG4bKcaller1",
    callID: str = "call1@caller",
    cseq: int = 1,
    to: str = "<sip:bob@example.com>",
    maxForwards: str | None = "70",
    body: str = "",
) -> str:
    """A request as the caller writes it."""
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP 198.51.100.10:5060;branch={branch}",
        "From: <sip:carol@elsewhere.example>;tag=caller",
        f"To: {to}",
        f"Call-ID: {callID}",
        f"CSeq: {cseq} {method}",
        *headers,
        f"Content-Length: {len(body)}",
    ]
    if maxForwards is not None:
        lines.insert(2, f"Max-Forwards: {maxForwards}")
    if method in ("INVITE", "SUBSCRIBE"):
        lines.insert(2, "Contact: <sip:carol@198.51.100.10>")
    return "\r\n".join(lines) + "\r\n\r\n" + body


def invite(uri: str = "sip:bob@example.com", *headers: str, **more: Any) -> str:
    """An INVITE for Bob."""
    return text("INVITE", uri, *headers, **more)
