"""A proof sent over HTTP is good on every worker of a real server, and once; and who guesses is
banned from everything."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.digest import Digest, challenges
from tests.support.httpclient import Basic, HTTPClient, NoAnswer
from tests.support.server import Server
from tests.support.users import addUsers
from tests.support.xcapclient import holds, workersOf

URI = f"/xcap-root/resource-lists/users/sip:alice@{DOMAIN}/index"
ATTACKER = "127.0.0.2"
#: Connections among which there are some to each of two workers.
ENOUGH = 100


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.listen("http", workers=2, resources=["xcap"])
    configuration.listen("http", workers=1, resources=["health"])
    configuration.table("sources", exempt=[])
    addUsers(configuration, {"alice": "wonderland"})
    return startServer(configuration)


def test_aProofCountsOnce(server: Server) -> None:
    address = server.endpoint("http").address
    workers = workersOf(server, "http-0")
    alice = Digest("alice", "wonderland")
    with HTTPClient(address) as client:
        alice.challenged(client.get(URI))
        proof = alice.proof("GET", URI)
        assert client.get(URI, [proof]).status == 404
    refusing: set[int] = set()
    accepting: set[int] = set()
    for _ in range(ENOUGH):
        with HTTPClient(address) as client:
            again = client.get(URI, [proof])
            assert again.status == 401
            # Whose the connection is can be seen as soon as it has answered.
            (worker,) = [pid for pid in workers if holds(pid, client)]
            assert challenges(again)[0]["stale"] == "true"
            refusing.add(worker)
            assert client.get(URI, [alice.proof("GET", URI)]).status == 404
            accepting.add(worker)
        if len(refusing) == len(workers):
            break
    assert refusing == accepting == set(workers)


def test_guessing(server: Server) -> None:
    first, other = [endpoint.address for endpoint in server.configuration.endpoints]
    for number in range(10):
        with HTTPClient(first, Digest("alice", str(number)), source=ATTACKER) as attacker:
            assert attacker.get(URI).status == 401

    def isRefused() -> bool:
        with suppress(ConnectionError, NoAnswer), HTTPClient(other, source=ATTACKER) as attacker:
            attacker.get("/healthz")
            return False
        return True

    waitFor(isRefused, "all workers know")
    with HTTPClient(first, Digest("alice", "wonderland")) as alice:
        assert alice.get(URI).status == 404


def test_basicInTheClear(server: Server) -> None:
    """It is as if nothing had been said: what others may have read is no proof."""
    with HTTPClient(server.endpoint("http").address, Basic("alice", "wonderland")) as alice:
        assert alice.get(URI).status == 401
