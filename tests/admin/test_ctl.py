"""C{sipappctl ping}: asks servers of the test's own, over UDP and TCP."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sipapp.admin.ctl import main
from sipapp.sip import Request, parseMessage
from tests.support.certificates import CertificateAuthority

Answer = Callable[[Request], bytes | None]


class Peer:
    """Answers each request as the test says, in a thread."""

    def __init__(
        self,
        answer: Answer,
        kind: socket.SocketKind,
        family: int,
        tls: ssl.SSLContext | None,
    ) -> None:
        self.received: list[Request] = []
        self._answer = answer
        self._tls = tls
        self._socket = socket.socket(family, kind)
        self._socket.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        serve = self._datagrams if kind == socket.SOCK_DGRAM else self._connection
        if kind == socket.SOCK_STREAM:
            self._socket.listen()
        self._thread = threading.Thread(target=serve)
        self._thread.start()

    def _take(self, data: bytes) -> bytes | None:
        message = parseMessage(data)
        assert isinstance(message, Request)
        self.received.append(message)
        return self._answer(message)

    def _datagrams(self) -> None:
        while True:
            data, address = self._socket.recvfrom(65536)
            if not data:
                return
            reply = self._take(data)
            if reply is not None:
                self._socket.sendto(reply, address)

    def _connection(self) -> None:
        connection, _ = self._socket.accept()
        if self._tls is not None:
            try:
                connection = self._tls.wrap_socket(connection, server_side=True)
            except OSError:
                return
        with connection:
            data = connection.recv(65536)
            reply = self._take(data) if data else None
            if reply is not None:
                # In pieces, as streams do.
                for part in (reply[:20], reply[20:]):
                    connection.sendall(part)
                connection.recv(1)

    def close(self) -> None:
        name = self._socket.getsockname()
        with socket.socket(self._socket.family, self._socket.type) as last:
            last.connect(name)
            if self._socket.type == socket.SOCK_DGRAM:
                last.send(b"")
        self._thread.join(10)
        self._socket.close()


@pytest.fixture
def peer() -> Iterator[Callable[..., Peer]]:
    peers: list[Peer] = []

    def start(
        answer: Answer,
        kind: socket.SocketKind = socket.SOCK_DGRAM,
        family: int = socket.AF_INET,
        tls: ssl.SSLContext | None = None,
    ) -> Peer:
        peers.append(Peer(answer, kind, family, tls))
        return peers[-1]

    yield start
    for each in peers:
        each.close()


def ok(request: Request) -> bytes:
    return request.respond(200, toTag="t", headers=[("Server", "Example 1")]).toBytes()


def test_udp(peer: Callable[..., Peer], capsys: pytest.CaptureFixture[str]) -> None:
    server = peer(ok)
    assert main(["ping", f"sip:127.0.0.1:{server.port}"]) == 0
    line = capsys.readouterr().out
    assert line.startswith(f"200 OK from 127.0.0.1:{server.port} in ")
    assert line.endswith(" ms (Example 1)\n")
    (request,) = server.received
    assert (request.method, request.requestURI) == ("OPTIONS", f"sip:127.0.0.1:{server.port}")


def test_terminal(peer: Callable[..., Peer], capsys: pytest.CaptureFixture[str]) -> None:
    """What a server says of itself does nothing to the terminal."""
    headers = [("Server", "\x9b2J \u202e")]
    server = peer(lambda request: request.respond(200, "\x1b]0;x\x07", "t", headers).toBytes())
    assert main(["ping", f"sip:127.0.0.1:{server.port}"]) == 0
    line = capsys.readouterr().out
    assert line.startswith(r"200 '\x1b]0;x\x07' from ")
    assert line.endswith(r"('\x9b2J \u202e')" + "\n")


def test_ipv6AndWithoutScheme(
    peer: Callable[..., Peer], capsys: pytest.CaptureFixture[str]
) -> None:
    server = peer(ok, family=socket.AF_INET6)
    assert main(["ping", f"sip:[::1]:{server.port}"]) == 0
    assert f"from [::1]:{server.port} in" in capsys.readouterr().out


def test_tcp(peer: Callable[..., Peer], capsys: pytest.CaptureFixture[str]) -> None:
    server = peer(ok, socket.SOCK_STREAM)
    assert main(["ping", f"sip:127.0.0.1:{server.port};transport=tcp"]) == 0
    assert capsys.readouterr().out.startswith("200 OK from ")
    assert server.received[0].via.transport == "TCP"


def test_tls(
    peer: Callable[..., Peer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also for sips:, and only with whom this machine trusts."""
    authority = CertificateAuthority(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("127.0.0.1"))
    stranger = peer(ok, socket.SOCK_STREAM, tls=context)
    assert main(["ping", f"sips:127.0.0.1:{stranger.port}"]) == 1
    assert "certificate verify failed" in capsys.readouterr().err
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    for uri in ("sips:127.0.0.1:{}", "sip:127.0.0.1:{};transport=tls"):
        server = peer(ok, socket.SOCK_STREAM, tls=context)
        assert main(["ping", uri.format(server.port)]) == 0
        assert capsys.readouterr().out.startswith("200 OK from ")
        assert server.received[0].via.transport == "TLS"


def test_anyAnswerIsOne(peer: Callable[..., Peer], capsys: pytest.CaptureFixture[str]) -> None:
    """Who answers 404 is there (RFC 3261 §11)."""
    server = peer(lambda request: request.respond(404, toTag="t").toBytes())
    assert main(["ping", f"sip:nobody@127.0.0.1:{server.port}"]) == 0
    assert capsys.readouterr().out.startswith("404 Not Found from ")


def test_count(peer: Callable[..., Peer], capsys: pytest.CaptureFixture[str]) -> None:
    server = peer(ok)
    assert main(["ping", "-c", "3", f"sip:127.0.0.1:{server.port}"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert len({request.callID for request in server.received}) == 3


def test_silence(peer: Callable[..., Peer], capsys: pytest.CaptureFixture[str]) -> None:
    """The request is sent again meanwhile (Timer E, T1 = 0.5 s)."""
    server = peer(lambda request: None)
    assert main(["ping", "-w", "0.8", f"sip:127.0.0.1:{server.port}"]) == 1
    assert "no answer in 0.8 s" in capsys.readouterr().err
    assert len(server.received) == 2


def test_nobodyListens(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        assert main(["ping", "-w", "1", f"sip:127.0.0.1:{port};transport=tcp"]) == 1
    assert "refused" in capsys.readouterr().err


def test_notSIP(peer: Callable[..., Peer], capsys: pytest.CaptureFixture[str]) -> None:
    server = peer(lambda request: b"HTTP/1.1 200 OK\r\n\r\n")
    assert main(["ping", "-w", "2", f"sip:127.0.0.1:{server.port}"]) == 1
    assert "is not SIP" in capsys.readouterr().err


@pytest.mark.parametrize("uri", ["sip:127.0.0.1;transport=ws", "sips:127.0.0.1;transport=udp"])
def test_noSuchTransport(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["ping", uri])
    assert exit.value.code == 2
    assert "there is no ping over" in capsys.readouterr().err


def test_noNameOfAHost(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ping", f"sip:{'a' * 64}.example"]) == 1
    assert "no host can have this name" in capsys.readouterr().err


@pytest.mark.parametrize("wait", ["nan", "-1", "0", "soon"])
def test_badWait(wait: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["ping", "-w", wait, "sip:127.0.0.1"])
    assert exit.value.code == 2
    assert "is no number between" in capsys.readouterr().err


@pytest.mark.parametrize("uri", ["tel:+15551234", "sip:", "sip:a b"])
def test_notAURI(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(["ping", uri])
    assert exit.value.code == 2
    assert "is not a SIP URI" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["0", "-1", "two"])
def test_badCount(count: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["ping", "-c", count, "sip:127.0.0.1"])
    assert "no whole number of at least 1" in capsys.readouterr().err
