"""HTTP endpoints on loopback, a resource that they serve, and raw clients of them."""

from __future__ import annotations

from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from sipapp.transport.endpoints import Endpoint
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.web import LimitedSite
from tests.support.httptext import Answer, takeAnswer
from tests.transport.workers import LOOPBACK, TCPPeer, connect, until

GET = b"GET /page HTTP/1.1\r\nHost: a\r\n\r\n"


class Page(Resource):
    """Says who asks, and how much has come."""

    isLeaf = True

    def render(self, request: Any) -> bytes:
        size = len(request.content.read())
        return f"{request.getClientAddress().host} {size}".encode()


class Late(Resource):
    """Answers when it is told to."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Any] = []

    def render_GET(self, request: Any) -> int:
        self.waiting.append(request)
        return NOT_DONE_YET

    def answer(self, text: bytes) -> None:
        request = self.waiting.pop(0)
        request.write(text)
        request.finish()


class OpenTransport(StringTransport):
    """One whose other end does not close."""

    isHalfClosed = False

    def loseWriteConnection(self) -> None:
        self.isHalfClosed = True


class Web:
    """HTTP endpoints, and clients of them.

    @ivar site: the endpoint made last.
    """

    def __init__(self) -> None:
        self.log = LimitLog(reactor.seconds)  # type: ignore[attr-defined]
        self.site: Any = None
        self._ports: list[Any] = []
        self._clients: list[TCPPeer] = []

    def serve(
        self,
        limits: StreamLimits | None = None,
        root: Resource | None = None,
        admission: Any = None,
        server: str | None = None,
        **prelude: Any,
    ) -> Endpoint:
        """
        @param prelude: as for L{LimitedSite.withPrelude}.
        """
        self.site = LimitedSite(
            reactor,
            root or Page(),
            limits or StreamLimits(),
            self.log,
            "http test",
            admission,
            server,
        )
        factory = self.site.withPrelude(**prelude)
        port = reactor.listenTCP(0, factory, interface=LOOPBACK)  # type: ignore[attr-defined]
        self._ports.append(port)
        return Endpoint(0, "TCP", LOOPBACK, port.getHost().port)

    async def client(self, endpoint: Endpoint) -> Client:
        client = Client(await connect(endpoint))
        self._clients.append(client.peer)
        return client

    async def asked(self, data: bytes, method: str = "GET", **serve: Any) -> Answer:
        """Send something to a new endpoint.

        @return: the first answer.
        """
        client = await self.client(self.serve(**serve))
        client.peer.send(data)
        return await client.answer(method)

    async def stop(self) -> None:
        for client in self._clients:
            await maybeDeferred(client.close)
        for port in self._ports:
            await maybeDeferred(port.stopListening)


class Client:
    """One connection to an endpoint.

    @ivar text: what has come and was not taken yet.
    """

    def __init__(self, peer: TCPPeer) -> None:
        self.peer = peer
        self.text = b""
        peer.dataReceived = self._received  # type: ignore[method-assign]

    @property
    def lost(self) -> Deferred[None]:
        return self.peer.lost

    def _received(self, data: bytes) -> None:
        self.text += data

    async def ending(self, end: bytes) -> bytes:
        """
        @return: all that has come, as soon as it ends like this.
        """
        await until(lambda: self.text.endswith(end))
        text, self.text = self.text, b""
        return text

    async def answer(self, method: str = "GET") -> Answer:
        """
        @param method: what is answered.
        @return: the next answer, also one that is only provisional.
        """

        def taken() -> tuple[Answer, bytes] | None:
            return takeAnswer(self.text, method, ended=not self.peer.open)

        await until(taken)
        whole = taken()
        assert whole is not None
        answer, self.text = whole
        return answer
