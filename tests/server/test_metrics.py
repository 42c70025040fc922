"""What a real server tells of what it has counted: Prometheus's page, read by Prometheus's library,
and C{stats.*}."""

from __future__ import annotations

import os
import signal
import ssl
from collections import defaultdict
from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sipapp.admin.client import Client
from sipapp.admin.stats.catalogue import METRICS
from tests.conftest import ServerStarter
from tests.server.test_reload import reload
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.httpclient import HTTPClient
from tests.support.httptext import Answer
from tests.support.server import START, Server
from tests.support.sipclient import StreamSocket, UDPSocket

Page = dict[str, dict[frozenset[tuple[str, str]], float]]
"""Values by name and labels."""


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.table("server", drain_timeout=5.0)
    configuration.listen("udp")
    configuration.listen("tcp")
    configuration.listen("tls")
    configuration.listen("http", resources=["health", "ready", "metrics"])
    configuration.table("resource.metrics", viewers=["127.0.0.0/8"])
    return startServer(configuration)


def get(server: Server, path: str) -> Answer:
    with HTTPClient(server.endpoint("http").address) as client:
        return client.get(path)


def page(server: Server) -> Page:
    answer = get(server, "/metrics")
    assert answer.status == 200
    found: Page = defaultdict(dict)
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = frozenset(sample.labels.items())
            assert labels not in found[sample.name], f"{sample} is there twice"
            found[sample.name][labels] = sample.value
    return found


def total(page: Page, name: str, **labels: str) -> float:
    """The sum of all values with these labels."""
    wanted = labels.items()
    return sum(value for row, value in page[name].items() if wanted <= row)


def client(server: Server) -> Client:
    return Client(str(server.configuration.runDirectory / "control.sock"))


@pytest.fixture
def phones(server: Server) -> Iterator[tuple[UDPSocket, UDPSocket]]:
    """One that is registered as "callee", and one that calls."""
    address = server.endpoint("udp").address
    with UDPSocket(address) as phone, UDPSocket(address) as caller:
        assert phone.register("callee").status == 200
        yield phone, caller


def call(phones: tuple[UDPSocket, UDPSocket]) -> None:
    """A call that is answered, and ends."""
    phone, caller = phones
    Call(caller, f"sip:callee@{DOMAIN}").run(Callee(phone, "callee"))


def test_page(
    server: Server, phones: tuple[UDPSocket, UDPSocket], authority: CertificateAuthority
) -> None:
    call(phones)
    with StreamSocket(server.endpoint("tcp").address) as connection:
        assert connection.options(f"sip:{DOMAIN}").status == 200
        connection.send(b"NONSENSE\r\n\r\n")
        now = page(server)
        # The endpoint of its own, and the one that nobody has come to.
        tcp = f"tcp:127.0.0.1:{server.endpoint('tcp').port}"
        assert total(now, "sipapp_connections", endpoint=tcp) in (0, 1)
    with StreamSocket(
        server.endpoint("tls").address, ssl.create_default_context(cafile=str(authority.file))
    ) as connection:
        assert connection.options(f"sip:{DOMAIN}").status == 200
        tls = f"tls:127.0.0.1:{server.endpoint('tls').port}"
        later = page(server)
        assert total(later, "sipapp_tls_handshakes_total", endpoint=tls) == 1
        assert total(later, "sipapp_connections", endpoint=tls) == 1
    metrics = {"resource": "metrics", "method": "GET", "code": "200"}
    assert total(later, "sipapp_web_requests_total", **metrics) == 1
    assert total(later, "sipapp_web_answer_seconds_count", resource="metrics") == 1
    assert total(later, "sipapp_messages_malformed_total") == 1
    udp = f"udp:127.0.0.1:{server.endpoint('udp').port}"

    # All that is documented is there, and nothing else: tests/docs/test_metrics.py.
    text = get(server, "/metrics").text
    types = {line.split()[2]: line.split()[3] for line in text.splitlines() if "# TYPE" in line}
    assert types == {metric.exported: metric.kind for metric in METRICS.values()}

    for method in ("REGISTER", "INVITE", "ACK", "BYE"):
        received = total(now, "sipapp_requests_received_total", endpoint=udp, method=method)
        assert received >= 1, method
    assert total(now, "sipapp_requests_received_total", endpoint=tcp, method="OPTIONS") == 1
    assert total(now, "sipapp_responses_sent_total", method="REGISTER", code="200") == 1
    assert total(now, "sipapp_responses_sent_total", method="INVITE", code="200") == 1
    assert total(now, "sipapp_responses_sent_total", method="OPTIONS", code="200") == 1
    assert total(now, "sipapp_responses_received_total", code="200") >= 2
    assert total(now, "sipapp_requests_sent_total", method="INVITE") == 1
    assert total(now, "sipapp_requests_taken_total", resource="registrar") == 1
    assert total(now, "sipapp_requests_taken_total", resource="options") == 1
    assert total(now, "sipapp_requests_taken_total", resource="proxy") >= 2
    assert total(now, "sipapp_resource_events_total", event="branches") >= 2
    assert total(now, "sipapp_answer_seconds_count", method="INVITE") == 1
    assert total(now, "sipapp_answer_seconds_bucket", method="INVITE", le="+Inf") == 1
    assert total(now, "sipapp_transactions_created_total", side="server") >= 3
    assert total(now, "sipapp_connections_accepted_total", endpoint=tcp) == 1
    assert total(now, "sipapp_registrations") == 1
    assert total(now, "sipapp_ready") == 1

    workers = set(server.workers())
    for name in ("sipapp_worker_ready", "sipapp_worker_answers"):
        slots = {"{pool}/{slot}".format(**dict(row)) for row in now[name]}
        assert slots == workers
        assert set(now[name].values()) == {1}
    for name in ("sipapp_busy_ratio", "sipapp_cpu_seconds_total", "sipapp_worker_memory_bytes"):
        assert len(now[name]) == len(workers)
        assert all(value >= 0 for value in now[name].values())
    # The kernel tells of each socket: two slots of UDP, and whatever the streams have.
    assert len([row for row in now["sipapp_socket_drops_total"] if ("endpoint", udp) in row]) == 2
    assert total(now, "sipapp_receive_queue_limit_bytes", endpoint=udp) > 0
    # The workers do of what waits there.
    assert len(now["sipapp_queue_wait_seconds_count"]) == 2
    assert {("endpoint", udp) in row for row in now["sipapp_queue_wait_recent_seconds"]} == {True}
    assert total(now, "sipapp_accept_queue_limit", endpoint=tcp) > 0


def test_doctor(server: Server) -> None:
    """What he finds is there as soon as he has been there."""
    waitFor(lambda: total(page(server), "sipapp_doctor_checks") > 0, "the doctor", START)


def test_countersStay(server: Server, phones: tuple[UDPSocket, UDPSocket]) -> None:
    """Workers are killed and replaced, and what was counted does not fall."""
    call(phones)

    def counted() -> list[float]:
        now = page(server)
        return [
            total(now, "sipapp_responses_sent_total", method="INVITE", code="200"),
            total(now, "sipapp_responses_sent_total", method="REGISTER", code="200"),
            total(now, "sipapp_answer_seconds_count", method="REGISTER"),
        ]

    assert counted() == [1, 1, 1]
    os.kill(server.workers()["udp-0/0"], signal.SIGKILL)
    waitFor(lambda: total(page(server), "sipapp_worker_restarts_total") == 1, "a restart", START)
    waitFor(lambda: server.states()["udp-0/0"] == "ready", "the next worker", START)
    assert counted() == [1, 1, 1]

    call(phones)
    # Nobody has asked since: the old workers tell it at their end.
    reload(server)
    waitFor(lambda: "Generation 0 has gone" in server.output(), "the end of the old ones", START)
    assert counted() == [2, 1, 1]
    assert total(page(server), "sipapp_generation") == 1
    call(phones)
    assert counted() == [3, 1, 1]


def test_hungWorker(server: Server) -> None:
    """It is waited for, but not for long."""
    worker = server.workers()["udp-0/1"]
    os.kill(worker, signal.SIGSTOP)
    try:
        answers = page(server)["sipapp_worker_answers"]
    finally:
        os.kill(worker, signal.SIGCONT)
    silent = {"{pool}/{slot}".format(**dict(row)) for row, value in answers.items() if not value}
    assert "udp-0/1" in silent


def test_methods(server: Server, phones: tuple[UDPSocket, UDPSocket]) -> None:
    call(phones)
    with client(server) as door:
        overview = door.call("stats.overview")
        assert (overview["calls"], overview["registers"], overview["registrations"]) == (1, 1, 1)
        assert {pool["name"]: pool["kind"] for pool in overview["pools"]} == {
            "udp-0": "sip",
            "tcp": "sip",
            "http-0": "web",
        }
        assert [each["name"] for each in overview["workers"]] == list(server.workers())
        assert [each["pid"] for each in overview["workers"]] == list(server.workers().values())
        assert overview["ready"]
        assert overview["bans"] == []
        door.call("ban.add", ["192.0.2.1", 600.0])
        (ban,) = door.call("stats.overview")["bans"]
        assert (ban["network"], ban["reason"]) == ("192.0.2.1/32", "operator")
        (reading,) = door.call("stats.get", ["bans"])
        assert reading == {"name": "bans", "labels": {}, "value": 1}
        assert door.call("stats.metrics").startswith("# HELP sipapp_")


def test_readiness(server: Server) -> None:
    assert (get(server, "/readyz").status, get(server, "/healthz").status) == (200, 200)
    with client(server) as door:
        assert door.call("stats.ready") == {"ready": True, "reason": ""}
        door.call("core.drain")
        assert (get(server, "/readyz").status, get(server, "/healthz").status) == (503, 200)
        assert door.call("stats.ready")["reason"] == "the server drains"
        assert total(page(server), "sipapp_ready") == 0
