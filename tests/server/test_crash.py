"""A worker that dies is replaced in its slot, and nothing else is disturbed."""

from __future__ import annotations

import signal

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import Configuration
from tests.support.deadlines import waitFor
from tests.support.processes import isAlive, sendSignal
from tests.support.server import START, Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import newToken, request, workerCode


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.listen("udp", workers=3)
    configuration.listen("tcp")
    return startServer(configuration)


def killWorker(server: Server, name: str) -> tuple[int, set[int]]:
    """
    @return: the pid of the worker that was killed, and those of all the others.
    """
    pid = server.workers()[name]
    others = set(server.children()) - {pid}
    sendSignal(pid, signal.SIGKILL)
    waitFor(lambda: not isAlive(pid), f"the end of {name}")
    return pid, others


def awaitReplacement(server: Server, name: str, dead: int, others: set[int]) -> None:
    """Wait for one new child in the slot, the others being the ones they were."""

    def replaced() -> bool:
        new = set(server.children()) - others - {dead}
        return len(new) == 1 and server.workers().get(name) in new

    waitFor(replaced, f"a new worker as {name}", START)
    assert others < set(server.children())
    assert len(server.children()) == len(others) + 1


@pytest.mark.parametrize("slot", [0, 1, 2])
def test_datagramWorker(server: Server, slot: int) -> None:
    """The datagrams of the slot wait in the kernel for the new worker: each is sent once, while
    there is nobody to read it."""
    name = f"udp-0/{slot}"
    with UDPSocket(server.endpoint("udp").address) as client:
        callIDs: list[str] = []
        while len(callIDs) < 5:
            callID = newToken()
            tag = client.options("sip:example.test", callID=callID).toTag
            if server.workerOf(workerCode(tag)) == server.workers()[name]:
                callIDs.append(callID)
        dead, others = killWorker(server, name)
        for callID in callIDs:
            client.send(
                request(
                    "OPTIONS",
                    "sip:example.test",
                    via=client.via(),
                    fromValue="<sip:tester@example.test>;tag=1",
                    toValue="<sip:example.test>",
                    callID=callID,
                    cseq=2,
                )
            )
        answered = {client.receive(30.0).callID for _ in callIDs}
        assert answered == set(callIDs)
        awaitReplacement(server, name, dead, others)
        for callID in callIDs:
            answer = client.options("sip:example.test", callID=callID, cseq=3)
            assert server.workerOf(workerCode(answer.toTag)) == server.workers()[name]


def test_streamWorker(server: Server) -> None:
    """New connections are served; those of the other worker of the pool have not noticed."""
    address = server.endpoint("tcp").address
    name = "tcp/0"
    survivor = server.connect("tcp", "tcp/1")
    dead, others = killWorker(server, name)
    for _ in range(20):
        with StreamSocket(address) as client:
            assert client.options("sip:example.test", timeout=30.0).status == 200
    awaitReplacement(server, name, dead, others)
    with survivor as client:
        assert client.options("sip:example.test").status == 200


def test_bindingsSurvive(server: Server) -> None:
    """What a dead worker has registered, its replacement and the others know."""
    with UDPSocket(server.endpoint("udp").address) as client:
        users = [newToken("kept-") for _ in range(12)]
        for user in users:
            assert client.register(user).status == 200
        for slot in range(3):
            killWorker(server, f"udp-0/{slot}")
        for user in users:
            answer = client.register(user, contact="", cseq=2)
            assert client.sentBy in answer.get("contact")
