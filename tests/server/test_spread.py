"""Calls spread over the workers of a UDP endpoint, and each call stays with one (DESIGN, law 1).

Everything comes from one client socket, as from a trunk: an address is no help in spreading it.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.conftest import ServerStarter
from tests.pool.test_rota import needsPrivilege
from tests.support import netsockets
from tests.support.callflood import CALLEE_SEES, CALLER_SEES, CallFlood, starts
from tests.support.configuration import Configuration
from tests.support.processes import sendSignal
from tests.support.server import Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import Headers, newToken, workerCode

WORKERS = 4
CALLS = 400

FloodMaker = Callable[..., CallFlood]

#: Pushes the Call-ID beyond what the kernel's program can look through.
LONG_HEAD: Headers = [(f"X-Padding-{n}", "p" * 400) for n in range(6)]


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    sharedConfiguration.listen("udp", workers=WORKERS)
    # Long messages are to be forwarded as they come, not over TCP (RFC 3261 §18.1.1).
    sharedConfiguration.table("sip", udp_mtu=65507)
    return startSharedServer(sharedConfiguration)


@pytest.fixture
def makeFlood(server: Server) -> Iterator[FloodMaker]:
    address = server.endpoint("udp").address
    with UDPSocket(address) as caller, UDPSocket(address) as callee:

        def make(headers: Headers = ()) -> CallFlood:
            user = newToken("callee-")
            assert callee.register(user).status == 200
            return CallFlood(caller, callee, user, headers)

        yield make


def workersOf(flood: CallFlood) -> dict[str, set[str]]:
    """
    @return: for each Call-ID the codes of the workers that have forwarded a request of it.
    """
    return {
        callID: {workerCode(message.branch) for message in messages}
        for callID, messages in flood.atCallee.items()
    }


def assertInOrder(flood: CallFlood, callIDs: list[str]) -> None:
    for callID in callIDs:
        assert starts(flood.atCallee[callID]) == CALLEE_SEES
        seen = starts(flood.atCaller[callID])
        assert seen[seen[0].startswith("100") :] == CALLER_SEES


@pytest.mark.parametrize("headers", [(), LONG_HEAD], ids=["", "Call-ID beyond the window"])
def test_callsSpreadAndStay(server: Server, makeFlood: FloodMaker, headers: Headers) -> None:
    """400 calls: over all four workers, every call in one, every message in its order."""
    flood = makeFlood(headers)
    callIDs = [newToken("spread-") for _ in range(CALLS)]
    flood.run(callIDs)
    assertInOrder(flood, callIDs)

    workers = workersOf(flood)
    assert all(len(codes) == 1 for codes in workers.values()), workers
    shares = Counter(code for codes in workers.values() for code in codes)
    assert len(shares) == WORKERS
    # An even share is 100; one below 60 would come up once in half a million runs.
    assert min(shares.values()) >= 0.6 * CALLS / WORKERS, shares
    assert len({server.workerOf(code) for code in shares}) == WORKERS
    sockets = netsockets.datagramSockets(server.endpoint("udp").port)
    assert [row.drops for row in sockets] == [0] * WORKERS


@needsPrivilege
def test_connectionsComeInTurn(configuration: Configuration, startServer: ServerStarter) -> None:
    """However few there are, as from a trunk, each worker has its share of them."""
    configuration.listen("tcp", workers=3)
    server = startServer(configuration)
    with ExitStack() as trunk:
        codes = Counter(
            workerCode(
                trunk.enter_context(StreamSocket(server.endpoint("tcp").address))
                .options("sip:example.test")
                .toTag
            )
            for _ in range(12)
        )
    assert sorted(codes.values()) == [4, 4, 4]


def callIDsOf(client: UDPSocket, code: str, count: int) -> list[str]:
    """
    @return: Call-IDs that belong to one worker, found by asking.
    """
    found: list[str] = []
    while len(found) < count:
        callID = newToken("halt-")
        answer = client.options("sip:example.test", callID=callID)
        if workerCode(answer.toTag) == code:
            found.append(callID)
    return found


@pytest.mark.parametrize("slot", range(WORKERS))
def test_callNeedsNoOtherWorker(server: Server, makeFlood: FloodMaker, slot: int) -> None:
    """Calls go through while all other workers are halted: no message reached one of those."""
    flood = makeFlood()
    pid = server.workers()[f"udp-0/{slot}"]
    others = [other for other in server.children() if other != pid]
    codes = {code for code in server.codes() if server.workerOf(code) == pid}
    callIDs = callIDsOf(flood.caller, codes.pop(), 10)
    for other in others:
        sendSignal(other, signal.SIGSTOP)
    try:
        flood.run(callIDs, timeout=20.0)
    finally:
        for other in others:
            sendSignal(other, signal.SIGCONT)
    assertInOrder(flood, callIDs)
