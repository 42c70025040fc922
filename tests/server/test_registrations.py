"""Registrations are the same for all workers, and outlive workers and servers."""

from __future__ import annotations

import signal

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
