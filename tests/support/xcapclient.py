"""Users of an XCAP server, each with a connection to each worker: what one worker has been told,
another one is asked."""

from __future__ import annotations

from tests.support import netsockets
from tests.support.digest import Digest
from tests.support.httpclient import HTTPClient
from tests.support.server import Server
from tests.support.siptext import Address

#: The password of every user.
PASSWORD = "secret"

#: Connections that may go to another worker than the one that is wanted: with two workers that is
#: the kernel's choice, half of the time.
_ATTEMPTS = 100


def workersOf(server: Server, pool: str) -> list[int]:
    """
    @return: the pids of the workers of a pool, in the order of their slots.
    """
    named = sorted(server.workers().items())
    return [pid for name, pid in named if name.rpartition("/")[0] == pool]


def holds(pid: int, client: HTTPClient) -> bool:
    """
    @return: whether a worker has the other end of a connection.
    """
    connection = netsockets.acceptedConnection(client.address, client.socket.getsockname())
    return connection is not None and connection.inode in netsockets.inodes(pid)


def connect(pid: int, address: Address, user: str, host: str) -> HTTPClient:
    """
    @return: a client of a worker, who has proven who he is.
    """
    for _ in range(_ATTEMPTS):
        client = HTTPClient(address, Digest(user, PASSWORD), host=host)
        client.get("/xcap-caps/global/index")
        if holds(pid, client):
            return client
        client.close()
    raise AssertionError(f"none of {_ATTEMPTS} connections has come to {pid}")


class XCAPClients:
    """Clients for each user and worker, made as they are needed.

    @ivar workers: the pids of the workers.
    """

    def __init__(self, server: Server, pool: str, address: Address, host: str) -> None:
        """
        @param host: what Host says.
        """
        self.workers = workersOf(server, pool)
        self._address = address
        self._host = host
        self._clients: dict[tuple[str, int], HTTPClient] = {}

    def client(self, user: str, worker: int) -> HTTPClient:
        """
        @param worker: an index into L{workers}.
        """
        key = (user, worker)
        client = self._clients.get(key)
        if client is None or not client.isOpen:
            client = connect(self.workers[worker], self._address, user, self._host)
            self._clients[key] = client
        return client

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
