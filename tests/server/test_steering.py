"""The workers steer by themselves where the kernel cannot: slower, never wrong."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.callflood import CallFlood
from tests.support.configuration import Configuration
from tests.support.server import Server
from tests.support.sipclient import UDPSocket
from tests.support.siptext import newToken, workerCode

from .test_spread import assertInOrder, workersOf

NO_HOOK = Path(__file__).with_name("nohook")
WORKERS = 3
CALLS = 150


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.listen("udp", workers=WORKERS)
    return startServer(configuration, environment={"PYTHONPATH": str(NO_HOOK)})


def test_kernelWithoutTheHook(server: Server) -> None:
    """The kernel gives all datagrams of a client socket to one worker, which keeps its own."""
    assert "does not steer" in server.output()
    address = server.endpoint("udp").address
    with UDPSocket(address) as caller, UDPSocket(address) as callee:
        user = newToken("callee-")
        assert callee.register(user).status == 200
        flood = CallFlood(caller, callee, user)
        callIDs = [newToken("steer-") for _ in range(CALLS)]
        flood.run(callIDs)
        assertInOrder(flood, callIDs)
    workers = workersOf(flood)
    assert all(len(codes) == 1 for codes in workers.values()), workers
    shares = Counter(code for codes in workers.values() for code in codes)
    assert len(shares) == WORKERS
    assert min(shares.values()) >= 0.5 * CALLS / WORKERS, shares


def test_everySocketFindsTheWorkerOfACall(server: Server) -> None:
    """Requests with one Call-ID from many sockets are answered by one worker."""
    callID = newToken("shared-")
    codes = set()
    for number in range(16):
        with UDPSocket(server.endpoint("udp").address) as client:
            answer = client.options("sip:example.test", callID=callID, cseq=number + 1)
            codes.add(workerCode(answer.toTag))
    assert len(codes) == 1
