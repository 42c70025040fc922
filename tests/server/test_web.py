"""HTTP endpoints of a real server: their connections, also when other workers take over."""

from __future__ import annotations

import ssl
import threading

import pytest

from tests.conftest import ServerStarter
from tests.server.test_reload import reload
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import Configuration
from tests.support.httpclient import HTTPClient, NoAnswer
from tests.support.httptext import request
from tests.support.server import Server

#: Seconds that nothing here takes.
LONG = 60


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.tables["server"] = {"drain_timeout": LONG, "name": "Example 1.0"}
    limits = {"message_timeout": LONG, "idle_timeout": LONG}
    for transport in ("http", "https"):
        configuration.listen(transport, workers=2, limits=limits, resources=["health"])
    return startServer(configuration)


@pytest.fixture
def trust(authority: CertificateAuthority) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(authority.file))


def test_connections(server: Server, trust: ssl.SSLContext) -> None:
    """In the clear and over TLS: kept, pipelined, and closed when there is something wrong."""
    for transport, tls in (("http", None), ("https", trust)):
        with HTTPClient(server.endpoint(transport).address, tls=tls) as client:
            answer = client.get("/healthz")
            assert (answer.status, answer.body) == (200, b"ok\n")
            assert answer.get("server") == "Example 1.0"
            statuses = [
                answer.status
                for answer in client.pipeline(
                    [
                        ("HEAD", "/healthz"),
                        ("GET", "/nothing"),
                        ("OPTIONS", "*"),
                        ("PUT", "/healthz"),
                        ("GET", "/healthz"),
                    ]
                )
            ]
            assert statuses == [200, 404, 200, 405, 200]
            client.send(b"nonsense\r\n\r\n")
            assert client.receive().status == 400
            assert client.awaitEnd() == b""


def test_takeover(server: Server, trust: ssl.SSLContext) -> None:
    """A reload ends connections between two requests, and none on which there is one."""
    address = server.endpoint("http").address
    half = request("GET", "/healthz", "a")
    with (
        HTTPClient(address) as busy,
        HTTPClient(address) as idle,
        HTTPClient(server.endpoint("https").address, tls=trust) as secure,
    ):
        for client in (busy, idle, secure):
            assert client.get("/healthz").status == 200
        busy.send(half[:20])
        reload(server)
        assert idle.awaitEnd() == b""
        assert secure.awaitEnd() == b""
        busy.send(half[20:])
        answer = busy.receive()
        assert (answer.status, answer.isLast) == (200, True)
        assert busy.awaitEnd() == b""


def test_takeoverUnderLoad(server: Server) -> None:
    """Who comes while workers follow one another is served by the ones or the others."""
    address = server.endpoint("http").address
    failures: list[str] = []
    served = 0
    over = threading.Event()

    def ask() -> None:
        nonlocal served
        with HTTPClient(address) as client:
            while not over.is_set():
                isNew = not client.isOpen
                try:
                    status = client.get("/healthz").status
                except (NoAnswer, OSError) as error:
                    client.close()
                    # One that was kept may end just when it is used again (RFC 9112 §9.3.1).
                    if isNew:
                        failures.append(repr(error))
                    continue
                if status != 200:
                    failures.append(str(status))
                served += 1
                if served % 2:
                    client.close()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    reload(server)
    over.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert served
