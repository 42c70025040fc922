"""The limits of a configuration reach the workers of every kind of endpoint."""

from __future__ import annotations

import socket

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.server import Server
from tests.support.sipclient import SIPSocket, StreamSocket, UDPSocket

LIMITS = {"head_size": 4000, "body_size": 3000, "headers": 30, "header_size": 1000}


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    sharedConfiguration.listen("udp", limits=LIMITS)
    # In one worker, which is where connections are counted.
    bounds = {**LIMITS, "connections_per_address": 2, "exempt": ["127.0.0.1"]}
    sharedConfiguration.listen("tcp", workers=1, limits=bounds)
    sharedConfiguration.listen("http", limits=LIMITS, resources=["health"])
    return startSharedServer(sharedConfiguration)


def client(server: Server, transport: str) -> SIPSocket:
    address = server.endpoint(transport).address
    return UDPSocket(address) if transport == "udp" else StreamSocket(address)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_messages(server: Server, transport: str) -> None:
    """Each limit has its status; within them all is well."""
    for arguments, status in (
        ({"extra": [("X", "y")] * 31}, 513),
        ({"extra": [("X", "y" * 1000)]}, 513),
        ({"extra": [("X", "y" * 900)] * 5}, 513),
        ({"body": b"x" * 3001}, 413),
        ({"extra": [("X", "y" * 900)] * 2, "body": b"x" * 3000}, 200),
    ):
        with client(server, transport) as phone:
            assert phone.options(f"sip:{DOMAIN}", **arguments).status == status
    with client(server, transport) as phone:
        assert phone.options(f"sip:{DOMAIN};x={'y' * 1000}").status == 414


def test_exempt(server: Server) -> None:
    """A trunk may have more connections than others."""
    address = server.endpoint("tcp").address
    trunk = [StreamSocket(address) for _ in range(4)]
    others = [StreamSocket(address, host="127.0.0.2") for _ in range(2)]
    with StreamSocket(address, host="127.0.0.2") as refused:
        for connection in (*trunk, *others):
            assert connection.options(f"sip:{DOMAIN}").status == 200
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            refused.options(f"sip:{DOMAIN}")
    for connection in (*trunk, *others):
        connection.close()


def test_connectionsOfTheWholeServer(
    configuration: Configuration, startServer: ServerStarter
) -> None:
    """Each worker holds its share."""
    configuration.tcpChildren = 2
    configuration.table("pools", tcp_max_connections=4)
    configuration.listen("tcp")
    server = startServer(configuration)
    held, refused = [], 0
    # Nobody knows which worker one comes to: sixty are too many for either.
    for _ in range(60):
        phone = StreamSocket(server.endpoint("tcp").address)
        try:
            phone.options(f"sip:{DOMAIN}")
        except (ConnectionResetError, BrokenPipeError):
            refused += 1
            phone.close()
        else:
            held.append(phone)
    assert (len(held), refused) == (4, 56)
    server.lineWith("Limit tcpMaxConnections of TCP 127.0.0.1:")
    for phone in held:
        phone.close()


def test_web(server: Server) -> None:
    with socket.create_connection(server.endpoint("http").address, 30) as sock:
        sock.sendall(b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 40 + b"\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 431 ")
    server.lineWith("Limit messageSize of http 127.0.0.1:")
