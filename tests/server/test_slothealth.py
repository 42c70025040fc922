"""A worker that dies or hangs: what the log says about it, and that it concerns its slot alone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.server import START
from tests.support.sipclient import SIPSocket, StreamSocket, UDPSocket
from tests.support.siptext import newToken, request, workerCode

#: A plugin whose resource does to its worker what the user name of the request says.
PLUGIN = """
import os, signal, time
from sipapp.resources.maker import ResourceMaker, Settings

class Resource:
    def __init__(self, settings, worker):
        pass
    def start(self):
        pass
    def stop(self):
        pass
    def offer(self, transaction):
        user = transaction.request.uri.user
        if user == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if user == "hang":
            hangForEver()
        return None

def hangForEver():
    while True:
        time.sleep(1)

maker = ResourceMaker("harmful", "sip", Settings, Resource)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Makes the plugin known to a server."""
    plugins = tmp_path / "twisted" / "plugins"
    plugins.mkdir(parents=True)
    (plugins / "harmful_plugin.py").write_text(PLUGIN)
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path), os.getenv("PYTHONPATH")]))}


def tell(client: SIPSocket, user: str, callID: str) -> None:
    """Send a request that the resource obeys; there will be no answer."""
    client.send(
        request(
            "OPTIONS",
            f"sip:{user}@{DOMAIN}",
            via=client.via(),
            fromValue=f"<sip:tester@{DOMAIN}>;tag=1",
            toValue=f"<sip:{user}@{DOMAIN}>",
            callID=callID,
            cseq=1,
        )
    )


def test_aStuckWorker(
    configuration: Configuration, startServer: ServerStarter, environment: dict[str, str]
) -> None:
    """The log says which message, and which line of which file; the others do not notice."""
    configuration.table("pools", stuck_timeout=6.0)
    configuration.listen("udp", workers=3, resources=["harmful", "options"])
    server = startServer(configuration, environment=environment)
    before = server.workers()
    callID = newToken("endless-")
    with UDPSocket(server.endpoint("udp").address) as client:
        tell(client, "hang", callID)
        stuck = server.lineWith("has a stuck reactor", "no sign of life for 6 s")
        server.lineWith("was working on", f"the message with the Call-ID {callID}: OPTIONS")
        server.lineWith("harmful_plugin.py", "in hangForEver")
        name = next(name for name in before if f"{name} has" in stuck)
        waitFor(
            lambda: (
                server.workers()[name] not in (None, before[name])
                and f"{name} is ready, pid {server.workers()[name]}" in server.output()
            ),
            "a replacement",
            START,
        )
        for _ in range(20):
            assert client.options(f"sip:{DOMAIN}", timeout=30.0).status == 200
    after = server.workers()
    assert {other: after[other] for other in before if other != name} == {
        other: before[other] for other in before if other != name
    }
    server.stop()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_theLastMessageIsLogged(
    configuration: Configuration,
    startServer: ServerStarter,
    environment: dict[str, str],
    transport: str,
) -> None:
    """The one that a worker has died of, with its Call-ID, on one line."""
    configuration.listen(transport, resources=["harmful", "options"])
    server = startServer(configuration, environment=environment)
    address = server.endpoint(transport).address
    callID = newToken("fatal-")
    with UDPSocket(address) if transport == "udp" else StreamSocket(address) as client:
        tell(client, "die", callID)
        line = server.lineWith("was working on", callID)
    assert f"the message with the Call-ID {callID}: OPTIONS sip:die@{DOMAIN} SIP/2.0\\r\\n" in line
    assert f"\\r\\nCall-ID: {callID}\\r\\n" in line
    server.stop()
    assert "had finished" not in server.output()


@pytest.mark.parametrize("slot", [0, 1])
def test_theOthersDoTheWorkOfAParkedSlot(
    configuration: Configuration, startServer: ServerStarter, slot: int
) -> None:
    """Its calls are served by others, and the others' calls stay where they are."""
    configuration.listen("udp", workers=3)
    server = startServer(configuration)
    name = f"udp-0/{slot}"

    def askEach() -> dict[str, int]:
        """The pid of the worker that answers, by Call-ID."""
        return {
            callID: server.workerOf(
                workerCode(client.options(f"sip:{DOMAIN}", callID=callID, cseq=next(cseq)).toTag)
            )
            for callID in callIDs
        }

    cseq = iter(range(1, 1000))
    callIDs = [newToken() for _ in range(24)]
    with UDPSocket(server.endpoint("udp").address) as client:
        before = askEach()
        home = server.workers()[name]
        calls = {callID for callID in callIDs if before[callID] == home}
        server.crashLoop(name)
        after = askEach()
        assert calls
        for callID in set(callIDs) - calls:
            assert after[callID] == before[callID]
        others = {pid for other, pid in server.workers().items() if other != name}
        assert {after[callID] for callID in calls} <= others
        assert len(server.children()) == 2
        server.program.signal(signal.SIGHUP)
        waitFor(lambda: set(server.states().values()) == {"ready"}, "a new generation", START)
        assert len(set(askEach().values())) == 3
    server.stop()


def test_newConnectionsGoAroundAParkedSlot(
    configuration: Configuration, startServer: ServerStarter
) -> None:
    """Those that others hold do not notice."""
    configuration.tcpChildren = 3
    configuration.listen("tcp")
    server = startServer(configuration)
    with server.connect("tcp", "tcp/2") as survivor:
        server.crashLoop("tcp/0")
        for _ in range(30):
            with StreamSocket(server.endpoint("tcp").address) as client:
                assert client.options(f"sip:{DOMAIN}").status == 200
        assert survivor.options(f"sip:{DOMAIN}").status == 200
    server.stop()
