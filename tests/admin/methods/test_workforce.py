"""Asking workers, and hearing what they tell."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure

from sipapp.admin.methods import Workforce
from sipapp.pool import Unanswered, WorkerState
from sipapp.rpc import Conflict, Fault


class Channel:
    """A worker's, which answers with what it was asked."""

    def __init__(self) -> None:
        self.refusal: Exception | None = None
        self.timeouts: list[float] = []

    def ask(self, subject: str, body: bytes, timeout: float) -> Deferred[bytes]:
        self.timeouts.append(timeout)
        if self.refusal is not None:
            return fail(self.refusal)
        if subject == "refuse":
            return succeed(b'{"fault": [409, "no"]}')
        return succeed(json.dumps({"result": [subject, json.loads(body)]}).encode())


class Pool:
    def __init__(self, name: str, *states: str) -> None:
        self._workers = [
            WorkerState(f"{name}/{slot}", slot, 100 + slot, state, 0.0, slot, "")
            for slot, state in enumerate(states)
        ]
        self.channels = {each.name: Channel() for each in self._workers if each.state == "ready"}

    def workers(self) -> list[WorkerState]:
        return self._workers

    def channel(self, worker: str) -> Channel | None:
        return self.channels.get(worker)


class Staff:
    def __init__(self) -> None:
        self.pools = {
            "udp-0": Pool("udp-0", "ready", "backing off", "ready"),
            "http-1": Pool("http-1", "ready"),
        }
        self.plan = SimpleNamespace(
            pools=[
                SimpleNamespace(name="udp-0", kind="udp"),
                SimpleNamespace(name="http-1", kind="web"),
            ]
        )

    def channel(self, name: str) -> Channel:
        return self.pools[name.rpartition("/")[0]].channels[name]


@pytest.fixture
def staff() -> Staff:
    return Staff()


@pytest.fixture
def workforce(staff: Staff) -> Workforce:
    return Workforce(lambda: staff)


def outcome(asked: Deferred[Any]) -> Any:
    found: list[Any] = []
    asked.addBoth(found.append)
    [result] = found
    if isinstance(result, Failure):
        result.raiseException()
    return result


def test_whoThereIs(workforce: Workforce) -> None:
    states = workforce.states()
    assert [(each.name, each.pool, each.state, each.kind) for each in states] == [
        ("udp-0/0", "udp-0", "ready", "sip"),
        ("udp-0/1", "udp-0", "backing off", "sip"),
        ("udp-0/2", "udp-0", "ready", "sip"),
        ("http-1/0", "http-1", "ready", "web"),
    ]
    assert [(each.pid, each.restarts) for each in states][2] == (102, 2)


def test_askingOne(workforce: Workforce, staff: Staff) -> None:
    assert outcome(workforce.ask("udp-0/2", "what", timeout=3.0, limit=7)) == [
        "what",
        {"limit": 7},
    ]
    assert staff.channel("udp-0/2").timeouts == [3.0]


def test_aQuestionMayHaveParametersOfAnyName(workforce: Workforce) -> None:
    asked = workforce.ask("udp-0/0", "what", worker="x", question="y", self="z")
    assert outcome(asked) == ["what", {"worker": "x", "question": "y", "self": "z"}]


@pytest.mark.parametrize(
    ("worker", "fault"),
    [
        ("udp-0/3", "404 there is no worker 'udp-0/3'"),
        ("udp-9/0", "404 there is no worker 'udp-9/0'"),
        ("udp-0", "404 there is no worker 'udp-0'"),
        ("", "404 there is no worker ''"),
        ("udp-0/1", "503 udp-0/1 is backing off"),
    ],
)
def test_askingNobody(workforce: Workforce, worker: str, fault: str) -> None:
    with pytest.raises(Fault, match=f"^{fault}$"):
        outcome(workforce.ask(worker, "what"))


def test_whatComesInsteadOfAnAnswer(workforce: Workforce, staff: Staff) -> None:
    with pytest.raises(Conflict, match="no"):
        outcome(workforce.ask("udp-0/0", "refuse"))
    staff.channel("udp-0/0").refusal = Unanswered("has not answered within 5 s")
    with pytest.raises(Fault, match=r"^503 udp-0/0 has not answered within 5 s$"):
        outcome(workforce.ask("udp-0/0", "what"))
    with pytest.raises(Fault, match=r"^-32602 "):
        outcome(workforce.ask("udp-0/2", "what", about=object()))


def test_askingAllThatAreReady(workforce: Workforce, staff: Staff) -> None:
    staff.channel("udp-0/2").refusal = Unanswered("has gone")
    answers = outcome(workforce.askAll("what"))
    assert list(answers) == ["udp-0/0", "udp-0/2", "http-1/0"]
    assert answers["udp-0/0"] == answers["http-1/0"] == ["what", {}]
    assert isinstance(answers["udp-0/2"], Fault)
    assert answers["udp-0/2"].text == "udp-0/2 has gone"


def test_askingSome(workforce: Workforce) -> None:
    assert list(outcome(workforce.askAll("what", kind="web"))) == ["http-1/0"]
    assert list(outcome(workforce.askAll("what", pool="udp-0"))) == ["udp-0/0", "udp-0/2"]
    assert outcome(workforce.askAll("what", pool="udp-0", kind="web")) == {}
    with pytest.raises(Fault, match=r"^404 there is no pool 'tcp'$"):
        outcome(workforce.askAll("what", pool="tcp"))


def test_workersAsk(workforce: Workforce) -> None:
    workforce.answers["sum"] = lambda worker, question: succeed([worker, sum(question)])
    workforce.answers["bad"] = lambda worker, question: fail(Conflict("no"))
    assert json.loads(outcome(workforce.asked("udp-0/0", "sum", b"[1, 2]"))) == {
        "result": ["udp-0/0", 3]
    }
    assert json.loads(outcome(workforce.asked("udp-0/0", "bad", b"[]"))) == {"fault": [409, "no"]}
    assert json.loads(outcome(workforce.asked("udp-0/0", "none", b"[]")))["fault"][0] == 404


def test_workersTell(workforce: Workforce) -> None:
    heard: list[Any] = []
    workforce.listeners["news"] = lambda worker, body: heard.append((worker, body))
    workforce.told("udp-0/0", "news", b'{"a": 1}')
    workforce.told("udp-0/0", "weather", b"{}")
    assert heard == [("udp-0/0", {"a": 1})]
