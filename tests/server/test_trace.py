"""Following users, addresses and calls across the workers of a server, and what its log says."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from threading import Thread
from typing import Any

import msgspec
import pytest

from sipapp.admin.client import Client
from sipapp.rpc import Fault
from sipapp.tracing import Sighting
from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.processes import sendSignal
from tests.support.server import Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import newToken

HOME = f"sip:{DOMAIN}"


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    sharedConfiguration.listen("udp", workers=2)
    sharedConfiguration.listen("tcp", workers=2)
    sharedConfiguration.table("log", format="json")
    return startSharedServer(sharedConfiguration)


def client(server: Server) -> Client:
    return Client(str(server.configuration.runDirectory / "control.sock"))


def call(server: Server, method: str, **parameters: Any) -> Any:
    with client(server) as asking:
        return asking.call(method, parameters)


class Trace:
    """One that is watched."""

    def __init__(self, server: Server, subject: str = "") -> None:
        self._client = client(server)
        parameters = {"subject": subject, "live": True, "seconds": 600.0}
        assert not self._client.call("worker.trace", parameters)["is_over"]
        self._notifications = self._client.notifications()
        self._seen: list[Sighting] = []

    def __enter__(self) -> Trace:
        return self

    def __exit__(self, *exception: object) -> None:
        self._client.close()

    def until(self, count: int) -> list[Sighting]:
        """Wait until so many messages have been seen, not counting 100 and what comes again: a slow
        machine sends them besides.

        @return: them, in their order.
        """
        while len(seen := self._exchanged()) < count:
            told = next(self._notifications)
            self._seen += msgspec.convert(told["sightings"], list[Sighting])
        return seen

    def _exchanged(self) -> list[Sighting]:
        first: dict[Any, Sighting] = {}
        for each in sorted(self._seen, key=lambda each: each.time):
            if each.status != 100:
                first.setdefault((kind(each), each.remote, each.callID), each)
        return list(first.values())


def kind(sighting: Sighting) -> tuple[str, str, int]:
    return sighting.direction, sighting.method, sighting.status


def exchanged(sightings: Iterable[Sighting]) -> list[tuple[str, str, int, tuple[str, int]]]:
    return [(*kind(each), each.remote) for each in sightings]


def reload(server: Server) -> None:
    before = server.output().count("Reloaded in")
    sendSignal(server.pid, signal.SIGHUP)
    waitFor(lambda: server.output().count("Reloaded in") > before, "the end of the reload", 120.0)


def test_aCallAcrossWorkers(server: Server) -> None:
    """From a datagram to a connection: each message is seen once, where it is on the wire."""
    user = newToken("traced-")
    with (
        UDPSocket(server.endpoint("udp").address) as caller,
        StreamSocket(server.endpoint("tcp").address) as phone,
        UDPSocket(server.endpoint("udp").address) as other,
    ):
        assert phone.register(user).status == 200
        with Trace(server, f"{user}@{DOMAIN}") as trace:
            made = Call(caller, f"sip:{user}@{DOMAIN}")
            other.options(HOME)
            made.run(Callee(phone, user))
            seen = trace.until(12)
    here, there = caller.local, phone.local
    # 180 and 200 come at once, to another worker than theirs.
    assert set(exchanged(seen)) == {
        ("received", "INVITE", 0, here),
        ("sent", "INVITE", 0, there),
        ("received", "INVITE", 180, there),
        ("sent", "INVITE", 180, here),
        ("received", "INVITE", 200, there),
        ("sent", "INVITE", 200, here),
        ("received", "ACK", 0, here),
        ("sent", "ACK", 0, there),
        ("received", "BYE", 0, here),
        ("sent", "BYE", 0, there),
        ("received", "BYE", 200, there),
        ("sent", "BYE", 200, here),
    }
    assert [kind(seen[0]), kind(seen[-1])] == [("received", "INVITE", 0), ("sent", "BYE", 200)]
    assert {each.callID for each in seen} == {made.callID}
    pools = {each.remote: each.worker.rpartition("/")[0] for each in seen}
    assert pools == {here: "udp-0", there: "tcp-0"}
    assert {each.local for each in seen if each.transport == "TCP"} == {
        server.endpoint("tcp").address
    }
    assert seen[0].message.startswith(f"INVITE sip:{user}@{DOMAIN} SIP/2.0\r\n".encode())


@pytest.mark.parametrize("by", ["address", "address and port", "network", "Call-ID"])
def test_subjects(server: Server, by: str) -> None:
    callID = newToken("by-")
    address = server.endpoint("udp").address
    with UDPSocket(address, "127.0.0.7") as one, UDPSocket(address) as other:
        subject = {
            "address": "127.0.0.7",
            "address and port": one.sentBy,
            "network": "127.0.0.7/32",
            "Call-ID": callID,
        }[by]
        with Trace(server, subject) as trace:
            other.options(HOME)
            one.options(HOME, callID=callID)
            seen = trace.until(2)
    assert exchanged(seen) == [
        ("received", "OPTIONS", 0, one.local),
        ("sent", "OPTIONS", 200, one.local),
    ]


def test_aTraceSurvivesAReload(server: Server) -> None:
    with UDPSocket(server.endpoint("udp").address) as phone:
        callIDs = [newToken("after-") for _ in range(8)]
        with Trace(server, phone.sentBy) as trace:
            reload(server)
            for each in callIDs:
                phone.options(HOME, callID=each)
            seen = trace.until(16)
            assert exchanged(seen) == 8 * [
                ("received", "OPTIONS", 0, phone.local),
                ("sent", "OPTIONS", 200, phone.local),
            ]


def test_collected(server: Server) -> None:
    """For those to whom nothing can be sent."""
    results: list[Any] = []
    with UDPSocket(server.endpoint("udp").address) as phone:
        waiting = Thread(
            target=lambda: results.append(
                call(server, "worker.trace", subject=phone.sentBy, seconds=1.0)
            )
        )
        waiting.start()
        while waiting.is_alive():
            phone.options(HOME)
        waiting.join()
    (traced,) = results
    seen = msgspec.convert(traced["sightings"], list[Sighting])
    assert traced["is_over"]
    assert seen
    assert {each.remote for each in seen} == {phone.local}
    assert [each.time for each in seen] == sorted(each.time for each in seen)


def test_refused(server: Server) -> None:
    with client(server) as asking:
        for parameters in ({"subject": "x" * 300}, {"seconds": 61.0}, {"seconds": 0}):
            with pytest.raises(Fault) as caught:
                asking.call("worker.trace", parameters)
            assert caught.value.code == -32602


def test_noMoreThanEight(server: Server) -> None:
    traces = [Trace(server, newToken()) for _ in range(8)]
    try:
        with pytest.raises(Fault, match="8 traces already"):
            call(server, "worker.trace", seconds=1.0)
    finally:
        for each in traces:
            each.__exit__()
    # As soon as the server has noticed.
    waitFor(lambda: not isRefused(server), "room for another trace")


def isRefused(server: Server) -> bool:
    try:
        call(server, "worker.trace", subject=newToken(), seconds=0.01)
    except Fault:
        return True
    return False


# The log.


def failedBranch(server: Server, user: str) -> str:
    """Call somebody whose phone is gone.

    @return: the Call-ID.
    """
    callID = newToken("gone-")
    with UDPSocket(server.endpoint("udp").address) as caller:
        answer = caller.ask("MESSAGE", f"sip:{user}@{DOMAIN}", callID=callID)
        assert answer.status >= 400
    return callID


def linesAbout(server: Server, callID: str) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in server.output().splitlines() if callID in line]
    return [event for event in events if event.get("call_id") == callID]


def test_levelsAtRunTime(server: Server) -> None:
    """What a line is about stands in fields of its own; levels hold for workers to come."""
    user = newToken("gone-")
    with UDPSocket(server.endpoint("udp").address) as phone:
        # Nobody is there once it is closed.
        assert phone.register(user).status == 200
    quiet = failedBranch(server, user)
    namespace = "sipapp.resources.sip.proxy"
    rows = call(server, "log.level", level="debug", namespace=namespace)
    assert rows == call(server, "log.levels")
    assert rows == [
        {"level": "info", "namespace": "", "worker": "", "is_set": False},
        {"level": "debug", "namespace": namespace, "worker": "", "is_set": True},
    ]
    for _ in range(2):
        loud = failedBranch(server, user)
        waitFor(lambda loud=loud: bool(linesAbout(server, loud)), "a line about the message")
        event = linesAbout(server, loud)[0]
        assert event["level"] == "debug"
        assert event["system"].startswith(namespace)
        assert event["method"] == "MESSAGE"
        assert event["source"].startswith("127.0.0.1:")
        assert event["slot"].startswith("udp-0/")
        assert user in event["message"]
        reload(server)
    assert not linesAbout(server, quiet)
    call(server, "log.level", level="default", namespace=namespace)
    assert len(call(server, "log.levels")) == 1


def test_levelOfOneWorker(server: Server) -> None:
    rows = call(server, "log.level", level="error", worker="udp-0/1")
    assert rows[1:] == [{"level": "error", "namespace": "", "worker": "udp-0/1", "is_set": True}]
    call(server, "log.level", level="default", worker="udp-0/1")
    for parameters in (
        {"level": "loud"},
        {"level": "info", "worker": "udp-7"},
        {"level": "info", "namespace": "a b"},
    ):
        with pytest.raises(Fault):
            call(server, "log.level", **parameters)
