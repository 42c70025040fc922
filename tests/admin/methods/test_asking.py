"""C{transaction.*} and C{connection.*}: what is made of what the workers say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, fail, succeed

from sipapp.admin.methods import Workforce
from sipapp.admin.methods.connection import ConnectionMethods
from sipapp.admin.methods.transaction import TransactionMethods
from sipapp.pool import Unanswered, WorkerState
from sipapp.rpc import Fault, Unavailable
from tests.admin.methods.outcomes import Called

Questions = list[tuple[str, str, dict[str, Any]]]


class Channel:
    """Answers for one worker.

    @ivar answers: by the question; an exception is raised.
    """

    def __init__(self, name: str, answers: dict[str, Any], asked: Questions) -> None:
        self._name = name
        self._answers = answers
        self._asked = asked

    def ask(self, subject: str, body: bytes, timeout: float) -> Deferred[bytes]:
        self._asked.append((self._name, subject, msgspec.json.decode(body)))
        answer = self._answers[subject]
        if isinstance(answer, Unanswered):
            return fail(answer)
        if isinstance(answer, Fault):
            return succeed(msgspec.json.encode({"fault": (answer.code, answer.text)}))
        return succeed(msgspec.json.encode({"result": answer}))


class Pool:
    """One worker each."""

    def __init__(self, name: str, answers: dict[str, Any], asked: Questions) -> None:
        self._name = f"{name}/0"
        self._channel = Channel(self._name, answers, asked)

    def workers(self) -> list[WorkerState]:
        return [WorkerState(self._name, 0, 1, "ready", 0.0, 0, "")]

    def channel(self, worker: str) -> Channel | None:
        return self._channel if worker == self._name else None


class PoolPlan(msgspec.Struct):
    name: str
    kind: str


class Plan(msgspec.Struct):
    pools: list[PoolPlan]


class Staff:
    """Two SIP workers and one for the web."""

    def __init__(self, udp: Any, tcp: Any, http: Any) -> None:
        self.asked: Questions = []
        kinds = {"udp-0": ("udp", udp), "tcp": ("stream", tcp), "http-0": ("web", http)}
        self.plan = Plan([PoolPlan(name, kind) for name, (kind, _) in kinds.items()])
        self.pools = {name: Pool(name, says, self.asked) for name, (_, says) in kinds.items()}


def called(path: Path, staff: Staff) -> Called:
    workforce = Workforce(lambda: staff)
    return Called(
        path, transaction=TransactionMethods(workforce), connection=ConnectionMethods(workforce)
    )


def rows(*ages: float, matching: int | None = None) -> dict[str, Any]:
    shown = [{"seconds": age, "id": f"{age}"} for age in ages]
    return {
        "transactions": {"rows": shown, "matching": matching or len(ages)},
        "connections": {"rows": shown, "matching": matching or len(ages)},
    }


def test_transactions(tmp_path: Path) -> None:
    staff = Staff(rows(9, 5, 1, matching=7), rows(6, 2), None)
    found = called(tmp_path, staff)("transaction.list", method="INVITE", call_id="c", limit=4)
    assert [(row["worker"], row["seconds"]) for row in found["rows"]] == [
        ("udp-0/0", 9),
        ("tcp/0", 6),
        ("udp-0/0", 5),
        ("tcp/0", 2),
    ]
    assert (found["matching"], found["silent"]) == (9, {})
    wanted = {"limit": 4, "method": "INVITE", "state": None, "callID": "c"}
    assert staff.asked == [(name, "transactions", wanted) for name in ("udp-0/0", "tcp/0")]


def test_connections(tmp_path: Path) -> None:
    """Those of HTTP are some as well."""
    staff = Staff(rows(), rows(1, 2), rows(3))
    found = called(tmp_path, staff)("connection.list", address="192.0.2.0/24")
    assert [row["worker"] for row in found["rows"]] == ["tcp/0", "tcp/0", "http-0/0"]
    found = called(tmp_path, staff)("connection.list", limit=1)
    assert (len(found["rows"]), found["matching"]) == (1, 3)


def test_someDoNotAnswer(tmp_path: Path) -> None:
    staff = Staff({"transactions": Unanswered("is silent")}, rows(1), None)
    found = called(tmp_path, staff)("transaction.list")
    assert [row["worker"] for row in found["rows"]] == ["tcp/0"]
    assert found["silent"] == {"udp-0/0": "udp-0/0 is silent"}


def test_oneWorker(tmp_path: Path) -> None:
    staff = Staff({"transactions": Unanswered("is silent")}, rows(1), None)
    call = called(tmp_path, staff)
    assert call("transaction.list", worker="tcp/0")["matching"] == 1
    assert call.fault(503, "transaction.list", worker="udp-0/0") == "udp-0/0 is silent"
    call.fault(404, "transaction.list", worker="udp-9/0")


def test_wordsThatThereAreNot(tmp_path: Path) -> None:
    """Nothing would be found: who has mistyped one is told."""
    staff = Staff(rows(), rows(), rows())
    call = called(tmp_path, staff)
    text = call.fault(-32602, "connection.list", transport="upd")
    assert text == "transport: 'upd' is none of tcp, tls, http, https"
    call.fault(-32602, "connection.list", state="opne")
    call.fault(-32602, "transaction.list", state="")
    assert staff.asked == []
    assert call("connection.list", transport="TLS", state="Open")["matching"] == 0
    assert call("transaction.list", state="Proceeding")["matching"] == 0


def test_noNetwork(tmp_path: Path) -> None:
    staff = Staff(rows(), rows(), rows())
    called(tmp_path, staff).fault(-32602, "connection.list", address="somewhere")
    assert staff.asked == []


def test_close(tmp_path: Path) -> None:
    """Whoever has it closes it."""
    no, yes = {"closeConnection": False}, {"closeConnection": True}
    staff = Staff(no, yes, no)
    assert called(tmp_path, staff)("connection.close", "a0.1.1", True) == "tcp/0"
    assert staff.asked[0][2] == {"connection": "a0.1.1", "atOnce": True}
    called(tmp_path, Staff(no, no, no)).fault(404, "connection.close", "a0.1.1")
    silent = {"closeConnection": Unavailable("is silent")}
    text = called(tmp_path, Staff(no, silent, no)).fault(503, "connection.close", "a0.1.1")
    assert text.startswith("tcp/0 did not answer")
