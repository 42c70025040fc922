"""Workers that share one process, with real sockets on loopback, and the peers they talk to."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ClientFactory, DatagramProtocol, Factory, Protocol
from twisted.internet.task import deferLater

from sipapp.sip import Hop, Request, Response, parseMessage, parseURI
from sipapp.transaction import Identifiers, ServerTransaction, TimerSettings
from sipapp.transport.assembly import Served, Transport, assemble
from sipapp.transport.endpoints import Endpoint
from sipapp.transport.limits import StreamLimits
from sipapp.transport.networks import NONE
from sipapp.transport.target import Address, LocateError, Target, numeric
from sipapp.transport.tls import ClientTLS

LOOPBACK = "127.0.0.1"
SECRET = b"the secret of the tests"


class Queue:
    """Things in the order they came; C{await queue.get()} waits for the next one."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self._waiting: list[Deferred[Any]] = []

    def put(self, item: Any) -> None:
        if self._waiting:
            self._waiting.pop(0).callback(item)
        else:
            self.items.append(item)

    def get(self) -> Deferred[Any]:
        waiting: Deferred[Any] = Deferred()
        if self.items:
            waiting.callback(self.items.pop(0))
        else:
            waiting.addTimeout(5, reactor)
            self._waiting.append(waiting)
        return waiting


class TakeAll:
    """A transaction user that answers what it gets, or keeps it."""

    def __init__(self) -> None:
        self.requests = Queue()
        self.acks = Queue()
        self.cancels = Queue()
        self.answer: int | None = 200
        self.failing = False

    def requestReceived(self, transaction: ServerTransaction, now: float) -> None:
        if self.failing:
            raise RuntimeError("this user fails")
        if self.answer is not None:
            transaction.respond(transaction.request.respond(self.answer, toTag="t"), now)
        self.requests.put(transaction)

    def ackReceived(self, request: Request, flow: Any, now: float) -> None:
        self.acks.put(request)

    def cancelReceived(
        self, transaction: ServerTransaction, invite: ServerTransaction | None, now: float
    ) -> None:
        self.cancels.put((transaction, invite))


class Outcome:
    """An L{IClientUser} that notes what it is told."""

    def __init__(self) -> None:
        self.flows: list[Any] = []
        self.responses = Queue()
        self.failures = Queue()

    def flowSelected(self, request: Request, flow: Any) -> None:
        self.flows.append(flow)

    def responseReceived(self, response: Response) -> None:
        self.responses.put(response)

    def failed(self, status: int, detail: str) -> None:
        self.failures.put((status, detail))


class Names:
    """A locator that knows some names, answers the numeric ones itself, and can be slow."""

    def __init__(self) -> None:
        self.known: dict[str, list[Address]] = {}
        self.waiting: dict[str, Deferred[list[Address]]] = {}

    def locate(
        self, target: Target, supported: frozenset[str], random: Any = None
    ) -> list[Address] | Deferred[list[Address]]:
        direct = numeric(target, supported)
        if direct is not None:
            return [direct]
        if target.host in self.waiting:
            return self.waiting[target.host]
        if target.host in self.known:
            return self.known[target.host]
        raise LocateError(f"no address found for {target.host}")


async def until(happened: Callable[[], Any]) -> None:
    """Let the reactor run until something is true, but not for long."""
    clock: Any = reactor
    end = clock.seconds() + 5
    while not happened():
        assert clock.seconds() < end, "it has not happened in time"
        await deferLater(clock, 0)


def bound(kind: int, host: str = LOOPBACK, port: int = 0) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, kind)
    if port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    # Without it this is a port that nobody has; with it the kernel may choose one of another group.
    sock.bind((host, port))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.setblocking(False)
    if kind == socket.SOCK_STREAM:
        sock.listen(100)
    return sock


class Site:
    """A server: its endpoints, and its workers by code."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.endpoints: list[Endpoint] = []
        self.sockets: list[list[socket.socket]] = []
        self.workers: dict[str, Transport] = {}
        self.users: dict[str, TakeAll] = {}
        self.names = Names()
        self._inboxes: dict[str, socket.socket] = {}
        self._adoptedSockets: list[socket.socket] = []
        self._cleanUp: list[Callable[[], Any]] = []

    def bind(
        self, transport: str, host: str = LOOPBACK, slots: int = 1, advertised: str | None = None
    ) -> Endpoint:
        kind = socket.SOCK_DGRAM if transport == "UDP" else socket.SOCK_STREAM
        sockets = [bound(kind, host)]
        port = sockets[0].getsockname()[1]
        sockets += [bound(kind, host, port) for _ in range(slots - 1)]
        endpoint = Endpoint(len(self.endpoints), transport, host, port, advertised)
        self.endpoints.append(endpoint)
        self.sockets.append(sockets)
        return endpoint

    def addWorkers(self, *codes: str) -> None:
        """Say which workers there will be, so that all know all."""
        for code in codes:
            inbox = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            inbox.bind(str(self.directory / code))
            self._inboxes[code] = inbox

    def worker(
        self,
        code: str,
        serves: Sequence[int],
        slot: int = 0,
        slotCodes: Sequence[str] | None = None,
        **more: Any,
    ) -> Transport:
        """Make and start a worker that serves some endpoints, or has C{predecessors} that do, or
        C{siblings} because it takes the place of one that has died."""
        if code not in self._inboxes:
            self.addWorkers(code)
        user = self.users[code] = TakeAll()
        served = [
            Served(
                index,
                self._adopted(self.sockets[index][slot], more),
                codes=slotCodes or (code,),
                slot=slot,
                limits=more.get("served", StreamLimits()),
                balancers=more.get("balancers", NONE),
                tls=more.get("tls"),
            )
            for index in serves
        ]
        made = assemble(
            reactor,
            identifiers=Identifiers(SECRET, code),
            endpoints=self.endpoints,
            served=served,
            sendOnly={
                one.index: self._adopted(self.sockets[one.index][0], more)
                for one in self.endpoints
                if one.transport == "UDP" and one.index not in serves
            },
            inbox=self._inboxes[code],
            busDirectory=str(self.directory),
            user=user,
            locator=self.names,  # type: ignore[arg-type]
            timers=more.get("timers", TimerSettings(t1=0.025, t2=0.1)),
            clientTLS=more.get("clientTLS", ClientTLS(verify=False)),
            limits=more.get("limits", StreamLimits(connectTimeout=2)),
            mostAccepted=more.get("mostAccepted"),
            udpMTU=more.get("udpMTU", 1300),
            trusted=more.get("trusted", NONE),
            admission=more.get("admission"),
            overloadRules=more.get("overloadRules"),
        )
        if "predecessors" in more:
            made.driver.takeOver(more["predecessors"])
        else:
            made.driver.start(more.get("siblings", ()))
        self.workers[code] = made
        return made

    def _adopted(self, sock: socket.socket, more: dict[str, Any]) -> socket.socket:
        """Two workers that know the same socket have a descriptor each, as in two processes."""
        if "predecessors" not in more:
            return sock
        adopted = sock.dup()
        self._adoptedSockets.append(adopted)
        return adopted

    async def follow(self, old: Sequence[str], new: Sequence[str], serves: Sequence[int]) -> None:
        """Let new workers take the place of old ones."""
        for slot, code in enumerate(new):
            self.worker(code, serves, slot, new, predecessors=old)
        for slot, code in enumerate(old):
            await self.workers[code].driver.handOver(new, slot)
        for code in new:
            self.workers[code].driver.serve()

    async def leave(self, code: str, heir: str | None = None) -> None:
        """Let a worker go for good, as the parent does."""
        await self.workers.pop(code).driver.stop()
        self._inboxes.pop(code).close()
        path = self.directory / code
        path.unlink()
        if heir is not None:
            path.symlink_to(heir)

    def after(self, call: Callable[[], Any]) -> None:
        self._cleanUp.append(call)

    async def stop(self) -> None:
        for worker in self.workers.values():
            await worker.driver.stop()
        for call in reversed(self._cleanUp):
            result = call()
            if result is not None:
                await result
        for group in (*self.sockets, list(self._inboxes.values()), self._adoptedSockets):
            for sock in group:
                sock.close()

    def udpPeer(self, host: str = LOOPBACK, port: int = 0) -> UDPPeer:
        peer = UDPPeer(host, port)
        self.after(peer.close)
        return peer

    async def tcpPeer(self, endpoint: Endpoint, context: Any = None) -> TCPPeer:
        peer = await connect(endpoint, context)
        self.after(peer.close)
        return peer

    def tcpServer(self, context: Any = None) -> TCPServer:
        server = TCPServer(context)
        self.after(server.close)
        return server


class UDPPeer(DatagramProtocol):
    """A phone on UDP."""

    transportName = "UDP"

    def __init__(self, host: str, port: int) -> None:
        self.received = Queue()
        self.sources: list[tuple[str, int]] = []
        self.host = host
        self._port: Any = reactor.listenUDP(port, self, interface=host)  # type: ignore[attr-defined]
        self.port: int = self._port.getHost().port

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self.sources.append(addr[:2])
        self.received.put(parseMessage(datagram))

    def send(self, data: bytes, endpoint: Endpoint) -> None:
        self._port.write(data, (endpoint.host, endpoint.port))

    async def message(self) -> Any:
        return await self.received.get()

    def close(self) -> Any:
        return self._port.stopListening()


class TCPPeer(Protocol):
    """One end of a connection."""

    transportName = "TCP"

    def __init__(self) -> None:
        self.received = Queue()
        self.raw = b""
        self.made: Deferred[TCPPeer] = Deferred()
        self.lost: Deferred[None] = Deferred()
        self.open = False

    def connectionMade(self) -> None:
        self.open = True
        self.made.callback(self)

    def dataReceived(self, data: bytes) -> None:
        self.raw += data
        while b"\r\n\r\n" in self.raw and self.raw[:2] != b"\r\n":
            head, _, rest = self.raw.partition(b"\r\n\r\n")
            message = parseMessage(head + b"\r\n\r\n")
            length = message.contentLength or 0
            if len(rest) < length:
                return
            whole, self.raw = head + b"\r\n\r\n" + rest[:length], rest[length:]
            self.received.put(parseMessage(whole))

    @property
    def port(self) -> int:
        port: int = self.transport.getHost().port  # type: ignore[union-attr]
        return port

    def send(self, data: bytes) -> None:
        self.transport.write(data)  # type: ignore[union-attr]

    async def message(self) -> Any:
        return await self.received.get()

    def connectionLost(self, reason: Any = None) -> None:
        self.open = False
        if not self.lost.called:
            self.lost.callback(None)

    def close(self) -> Any:
        if self.open:
            self.transport.abortConnection()  # type: ignore[union-attr]
            return self.lost
        return None


class TCPServer(Factory):
    """A peer that waits for connections; C{await server.connection()} gives the next one."""

    noisy = False

    def __init__(self, context: Any = None) -> None:
        self.connections = Queue()
        self.peers: list[TCPPeer] = []
        listen = reactor.listenTCP if context is None else reactor.listenSSL  # type: ignore[attr-defined]
        more = () if context is None else (context,)
        self._port: Any = listen(0, self, *more, interface=LOOPBACK)
        self.port: int = self._port.getHost().port

    def buildProtocol(self, addr: IAddress | None) -> TCPPeer:
        peer = TCPPeer()
        self.peers.append(peer)
        peer.made.addCallback(self.connections.put)
        return peer

    async def connection(self) -> TCPPeer:
        peer: TCPPeer = await self.connections.get()
        return peer

    async def close(self) -> None:
        await maybeDeferred(self._port.stopListening)
        for peer in self.peers:
            if peer.open:
                await peer.close()

    def stopListening(self) -> Any:
        return self._port.stopListening()


class _OneConnection(ClientFactory):
    noisy = False

    def __init__(self, peer: TCPPeer) -> None:
        self.peer = peer

    def buildProtocol(self, addr: IAddress | None) -> TCPPeer:
        return self.peer

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        self.peer.made.errback(reason)


async def connect(endpoint: Endpoint, context: Any = None) -> TCPPeer:
    peer = TCPPeer()
    factory: Any = _OneConnection(peer)
    if context is None:
        reactor.connectTCP(endpoint.host, endpoint.port, factory)  # type: ignore[attr-defined]
    else:
        reactor.connectSSL(endpoint.host, endpoint.port, factory, context)  # type: ignore[attr-defined]
    return await peer.made


def request(
    method: str,
    *,
    via: str = "UDP 127.0.0.1:5060",
    branch: str = "z9hG4bKclient1",
    params: str = ";rport",
    callID: str = "call-1@client",
    uri: str = "sip:bob@127.0.0.1",
    toTag: str = "",
    cseq: int = 1,
    extra: str = "",
    body: str = "",
) -> bytes:
    """A request as a phone writes it."""
    return (
        f"{method} {uri} SIP/2.0\r\n"
        f"Via: SIP/2.0/{via};branch={branch}{params}\r\n"
        "Max-Forwards: 70\r\n"
        "From: <sip:alice@127.0.0.1>;tag=a\r\n"
        f"To: <sip:bob@127.0.0.1>{toTag and ';tag=' + toTag}\r\n"
        f"Call-ID: {callID}\r\n"
        f"CSeq: {cseq} {method}\r\n"
        f"{extra}Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def made(method: str, uri: str = "sip:bob@127.0.0.1", body: bytes = b"") -> Request:
    """A request of our own, without a Via."""
    return Request.build(
        method,
        uri,
        [
            ("Max-Forwards", "70"),
            ("From", "<sip:alice@127.0.0.1>;tag=a"),
            ("To", "<sip:bob@127.0.0.1>"),
            ("Call-ID", "made@here"),
            ("CSeq", f"1 {method}"),
        ],
        body,
    )


def hop(uri: str, flow: str | None = None) -> Hop:
    return Hop(parseURI(uri), flow)  # type: ignore[arg-type]
