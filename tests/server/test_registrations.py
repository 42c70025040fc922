"""Registrations are the same for all workers, and outlive workers and servers."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path
from typing import Any

from tests.conftest import ServerStarter
from tests.support.configuration import Configuration
from tests.support.deadlines import waitFor
from tests.support.processes import sendSignal
from tests.support.server import Server
from tests.support.sipclient import StreamSocket, UDPSocket

USER = "alice"


def _isBound(server: Server, contact: str) -> bool:
    """Whether all workers say so: each question has a Call-ID of its own, which steers it to one
    of them."""
    with UDPSocket(server.endpoint("udp").address) as phone:
        answers = [phone.register(USER, contact="") for _ in range(12)]
    found = [answer.getAll("contact") for answer in answers]
    return all(len(contacts) == 1 and contact in contacts[0] for contacts in found)


def test_all_workers_of_all_pools_share_them(
    configuration: Configuration, startServer: ServerStarter
) -> None:
    configuration.listen("udp", workers=3)
    tcp = configuration.listen("tcp")
    server = startServer(configuration)
    with StreamSocket(tcp.address) as phone:
        assert phone.register(USER, callID="one", cseq=1).status == 200
        assert _isBound(server, phone.contact(USER))
        with UDPSocket(server.endpoint("udp").address) as other:
            removal = other.register(
                USER, contact=f"<{phone.contact(USER)}>", callID="two", expires=0
            )
            assert removal.status == 200
        assert phone.register(USER, contact="").getAll("contact") == []


def test_they_outlive_a_restart_of_the_server(
    configuration: Configuration, startServer: ServerStarter
) -> None:
    configuration.listen("udp", workers=2)
    server = startServer(configuration)
    with UDPSocket(server.endpoint("udp").address) as phone:
        assert phone.register(USER).status == 200
        contact = phone.contact(USER)
    server.stop()
    assert _isBound(startServer(configuration), contact)


def test_they_outlive_processes_that_are_killed(
    configuration: Configuration, startServer: ServerStarter
) -> None:
    configuration.listen("udp", workers=2)
    server = startServer(configuration)
    with UDPSocket(server.endpoint("udp").address) as phone:
        assert phone.register(USER).status == 200
        contact = phone.contact(USER)
    before = server.workers()
    for pid in before.values():
        sendSignal(pid, signal.SIGKILL)

    def replaced() -> bool:
        now = server.workers()
        return len(now) == len(before) and not set(now.values()) & set(before.values())

    waitFor(replaced, "new workers", 30)
    assert _isBound(server, contact)
    server.kill()
    assert _isBound(startServer(configuration), contact)


def test_they_outlive_the_machine_going_down(
    configuration: Configuration, startServer: ServerStarter
) -> None:
    """The disk has some pages of the store from earlier and some from later, and the machine has
    another boot. What had been copied by then is there."""
    configuration.listen("udp", workers=2)
    server = startServer(configuration)
    store = configuration.stateDirectory / "location"
    with UDPSocket(server.endpoint("udp").address) as phone:
        contact = phone.contact(USER)
        assert phone.register(USER).status == 200
        registered = time.time()

        def copied() -> bool:
            return phone.register(USER).status == 200 and _mark(store)["taken"] > registered

        waitFor(copied, "a copy with the registration")
    server.kill()
    data = store / "data.mdb"
    data.write_bytes(b"of another time" * (data.stat().st_size // 15))
    mark = _mark(store)
    assert not mark["closed"]
    (store / "mark").write_text(json.dumps({**mark, "boot": "the one before"}))

    server = startServer(configuration)
    assert _isBound(server, contact)
    assert server.lineWith("It starts from the copy taken", "with 1 addresses-of-record")
    server.stop()
    assert _mark(store)["closed"]


def _mark(store: Path) -> dict[str, Any]:
    mark: dict[str, Any] = json.loads((store / "mark").read_bytes())
    return mark
