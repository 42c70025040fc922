"""The client of the unix socket, with servers of the test's own that misbehave. How it gets on with
one that does not is in C{commands/}."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sipapp.admin.client import Client, ServerAbsent
from sipapp.rpc import Fault, InvalidParameters

Serve = Callable[[socket.socket], None]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Callable[[Serve], str]]:
    """Start one that does something with the connection of a client; gives its path."""
    path = str(tmp_path / "control.sock")
    listening = socket.socket(socket.AF_UNIX)
    threads: list[threading.Thread] = []

    def start(serve: Serve) -> str:
        listening.bind(path)
        listening.listen()

        def run() -> None:
            connection, _ = listening.accept()
            with connection:
                serve(connection)

        threads.append(threading.Thread(target=run))
        threads[0].start()
        return path

    yield start
    for each in threads:
        each.join(10)
    listening.close()


def sending(*pieces: str) -> Serve:
    """One that answers whatever comes with something, and hangs up."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        for piece in pieces:
            connection.sendall(piece.encode())

    return serve


def test_call(server: Callable[[Serve], str]) -> None:
    received = []

    def serve(connection: socket.socket) -> None:
        received.append(connection.recv(65536))
        connection.sendall(b'{"jsonrpc":"2.0","met')
        connection.sendall(b'hod":"a.b","params":1}\n{"jsonrpc":"2.0","id":1,"result":[2]}\n{"json')
        connection.sendall(b'rpc":"2.0","method":"a.b","params":{"c":3}}\n')

    with Client(server(serve)) as client:
        assert client.call("a.b", {"c": "ü"}) == [2]
        assert list(client.notifications()) == [1, {"c": 3}]
        with pytest.raises(ServerAbsent, match="has hung up"):
            client.call("a.b")
    [request] = received
    assert request.endswith(b"\n")
    assert json.loads(request) == {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "a.b",
        "params": {"c": "ü"},
    }


def test_fault(server: Callable[[Serve], str]) -> None:
    answer = '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"no call","data":1}}\n'
    with Client(server(sending(answer))) as client, pytest.raises(Fault) as raised:
        client.call("a.b")
    assert (raised.value.code, raised.value.text) == (-32600, "no call")


@pytest.mark.parametrize("answer", ["HTTP/1.1 400 Bad Request\r\n", "[]\n", '{"id":"x"}\n'])
def test_noServer(server: Callable[[Serve], str], answer: str) -> None:
    path = server(sending(answer))
    with Client(path) as client, pytest.raises(ServerAbsent, match="is no server"):
        client.call("a.b")


@pytest.mark.parametrize("answer", ["", '{"id":1,"result'])
def test_hangsUp(server: Callable[[Serve], str], answer: str) -> None:
    path = server(sending(answer))
    with Client(path) as client, pytest.raises(ServerAbsent, match="has hung up"):
        client.call("a.b")


def test_patience(server: Callable[[Serve], str]) -> None:
    over = threading.Event()
    looks = []
    with Client(server(lambda connection: over.wait(20) and None)) as client:
        with pytest.raises(ServerAbsent, match="does not answer"):
            client.call("a.b", patience=0.3, meanwhile=lambda: looks.append(1))
        over.set()
    assert looks


def test_notUTF8(server: Callable[[Serve], str]) -> None:
    """As Python has what was typed in another encoding."""
    with Client(server(sending())) as client:
        with pytest.raises(InvalidParameters, match="not UTF-8"):
            client.call("location.lookup", {"aor": "\udcff"})
        with pytest.raises(ServerAbsent):
            client.call("location.count")


def test_nobody(tmp_path: Path) -> None:
    path = str(tmp_path / "control.sock")
    with pytest.raises(ServerAbsent, match=r"control\.sock: there is no such socket"):
        Client(path)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
    with pytest.raises(ServerAbsent, match="nobody listens there any more"):
        Client(path)
    with pytest.raises(ServerAbsent, match="path too long"):
        Client(str(tmp_path / ("x" * 100)))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be nobody")
def test_notAllowed(tmp_path: Path) -> None:
    path = str(tmp_path / "control.sock")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        os.seteuid(65534)
        try:
            with pytest.raises(ServerAbsent, match="only root and the server's user"):
                Client(path)
        finally:
            os.seteuid(0)
