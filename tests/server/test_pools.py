"""The pool table of the design, by the child processes and sockets of real servers.

What is counted is what the kernel says: children of the parent, sockets bound to a port, and
which process holds them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.conftest import ServerStarter
from tests.support import netsockets
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import Configuration, Endpoint
from tests.support.server import Server
from tests.support.sipclient import StreamSocket

#: Sizes that differ from each other, so that none can stand in for another.
CHILDREN = 3
TCP_CHILDREN = 2


@dataclass(frozen=True)
class Listen:
    """One C{[[listen]]} and what is to become of it."""

    transport: str
    #: The pool that has to serve it.
    pool: str
    workers: int | None = None
    host: str = "127.0.0.1"


@dataclass(frozen=True)
class Row:
    """A configuration and the pools that have to result, with the size of each."""

    name: str
    listens: tuple[Listen, ...]
    pools: dict[str, int]


TABLE = [
    Row("UDP with workers", (Listen("udp", "udp-0", 4),), {"udp-0": 4}),
    Row("UDP without", (Listen("udp", "udp-0"),), {"udp-0": CHILDREN}),
    Row(
        "UDP: a pool for each socket",
        (Listen("udp", "udp-0"), Listen("udp", "udp-1", 1), Listen("udp", "udp-2", host="::1")),
        {"udp-0": CHILDREN, "udp-1": 1, "udp-2": CHILDREN},
    ),
    Row(
        "TCP and TLS with workers: extra processes",
        (Listen("tcp", "tcp-0", 1), Listen("tls", "tcp-1", 3), Listen("tcp", "tcp")),
        {"tcp-0": 1, "tcp-1": 3, "tcp": TCP_CHILDREN},
    ),
    Row(
        "TCP and TLS without: one pool whatever their number",
        (
            Listen("tcp", "tcp"),
            Listen("tls", "tcp"),
            Listen("tcp", "tcp", host="::1"),
            Listen("tls", "tcp", host="::1"),
        ),
        {"tcp": TCP_CHILDREN},
    ),
    Row(
        "no shared pool where nobody needs it",
        (Listen("tcp", "tcp-0", 1), Listen("udp", "udp-0", 1)),
        {"tcp-0": 1, "udp-0": 1},
    ),
    Row(
        "HTTP with workers and without",
        (Listen("http", "http-0", 2), Listen("http", "http-1"), Listen("tcp", "tcp")),
        {"http-0": 2, "http-1": 1, "tcp": TCP_CHILDREN},
    ),
]


def start(
    configuration: Configuration, startServer: ServerStarter, listens: tuple[Listen, ...]
) -> tuple[Server, list[Endpoint]]:
    configuration.children = CHILDREN
    configuration.tcpChildren = TCP_CHILDREN
    endpoints = []
    for listen in listens:
        keys: dict[str, Any] = {"resources": ["health"]} if listen.transport == "http" else {}
        endpoints.append(
            configuration.listen(listen.transport, listen.host, workers=listen.workers, **keys)
        )
    return startServer(configuration), endpoints


def pids(server: Server, pool: str) -> set[int]:
    return {pid for name, pid in server.workers().items() if name.rpartition("/")[0] == pool}


def assertServes(server: Server, endpoint: Endpoint, pool: str) -> None:
    """Every worker of the pool reads a socket of the endpoint, and nobody else does."""
    members = pids(server, pool)
    if endpoint.transport == "udp":
        sockets = {row.inode for row in netsockets.datagramSockets(endpoint.port)}
        held = [netsockets.inodes(pid) & sockets for pid in members]
        # One socket for each slot, and each held by one worker. (Workers of other pools hold the
        # first as well, to send from.)
        assert [len(inodes) for inodes in held] == [1] * len(members)
        assert set().union(*held) == sockets
        return
    sockets = {row.inode for row in netsockets.listeningSockets(endpoint.port)}
    assert sockets
    assert {pid for pid in server.children() if netsockets.inodes(pid) & sockets} == members


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_row(configuration: Configuration, startServer: ServerStarter, row: Row) -> None:
    server, endpoints = start(configuration, startServer, row.listens)
    assert server.pools() == row.pools
    for listen, endpoint in zip(row.listens, endpoints, strict=True):
        assertServes(server, endpoint, listen.pool)


def test_countSurvivesAnInterfaceName(
    configuration: Configuration, startServer: ServerStarter
) -> None:
    """A hole: the count of an interface name that stands for several addresses."""
    configuration.children = CHILDREN
    first = configuration.listen("udp", "lo", workers=2)
    second = configuration.listen("tcp", "lo", workers=1)
    server = startServer(configuration)
    assert server.pools() == {"udp-0": 2, "udp-1": 2, "tcp-0": 1, "tcp-1": 1}
    hosts = {row.local[0] for row in netsockets.datagramSockets(first.port)}
    assert hosts == {"127.0.0.1", "::1"}
    assert len(netsockets.datagramSockets(first.port)) == 4
    assert len(netsockets.listeningSockets(second.port)) == 2


def test_countIsForEveryProtocol(configuration: Configuration, startServer: ServerStarter) -> None:
    """A hole: the count that only the first of several protocols gets."""
    endpoint = configuration.listen("udp", workers=2)
    configuration.blocks[-1]["transport"] = ["udp", "tcp"]
    server = startServer(configuration)
    assert server.pools() == {"udp-0": 2, "tcp-0": 2}
    assertServes(server, endpoint, "udp-0")
    assertServes(server, Endpoint("tcp", endpoint.host, endpoint.port), "tcp-0")


def test_sharedPoolServesTLS(
    configuration: Configuration, startServer: ServerStarter, authority: CertificateAuthority
) -> None:
    """A hole: a TLS socket without workers that is served by another socket's pool."""
    server, (_, tls) = start(
        configuration, startServer, (Listen("tcp", "tcp-0", 1), Listen("tls", "tcp"))
    )
    shared = pids(server, "tcp")
    for _ in range(10):
        with StreamSocket(tls.address, authority.clientContext()) as client:
            assert client.options("sip:example.test").status == 200
            connection = netsockets.acceptedConnection(tls.address, client.local)
            assert connection is not None
            holders = {
                pid for pid in server.children() if connection.inode in netsockets.inodes(pid)
            }
            assert len(holders) == 1
            assert holders <= shared


@pytest.mark.parametrize("place", ["top level", "pools", "server"], ids=lambda place: f"in {place}")
def test_misplacedCountIsRefused(
    configuration: Configuration, startServer: ServerStarter, place: str
) -> None:
    """A hole: a count that belongs to no listen block is dropped without a word. There is no
    positional state here, so such a count can only be a key in a place that has none."""
    configuration.listen("udp")
    if place == "top level":
        configuration.preamble = "socket_workers = 4\n"
    else:
        configuration.table(place, socket_workers=4)
    server = startServer(configuration, awaitReady=False)
    assert server.program.join(20.0) != 0
    assert "socket_workers" in server.output()
