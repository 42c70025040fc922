"""What there is in the console."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from sipapp.admin.manhole.namespace import namespaceOf
from sipapp.admin.manhole.places import Here, InWorker, masked
from sipapp.admin.methods import Methods, Workforce, method
from sipapp.admin.methods.audit import Audit
from sipapp.config import parseSettings
from sipapp.evaluation import Answer, Leave
from sipapp.pool import WorkerState
from sipapp.rpc import Caller, Conflict
from tests.config.surroundings import RESOURCE_TYPES

ALICE = Caller("alice", "admin", "127.0.0.1", "manhole")

CONFIGURATION = """
[accounts]
checker = "memory:alice:wonderland"
[manhole]
users = {alice = ["ssh-ed25519 AAAA", "keys"]}
[[listen]]
address = "127.0.0.1"
transport = "udp"
"""


class Channel:
    """A worker that answers with what it was asked."""

    def ask(self, subject: str, body: bytes, timeout: float) -> Deferred[bytes]:
        asked = json.loads(body)
        if asked.get("source") == "1/0":
            return succeed(b'{"result": ["Traceback\\n  ZeroDivisionError\\n", true]}')
        if asked.get("source") == "hang":
            return succeed(b'{"fault": [503, "udp-0/0 has not answered within 60 s"]}')
        if subject == "complete":
            return succeed(json.dumps({"result": [f"{asked['text']}ing"]}).encode())
        return succeed(json.dumps({"result": [f"{asked['source']}\n", False]}).encode())


class Pool:
    def workers(self) -> list[WorkerState]:
        return [
            WorkerState("udp-0/0", 0, 100, "ready", 0.0, 0, ""),
            WorkerState("udp-0/1", 1, 101, "ready", 0.0, 2, "killed by SIGKILL"),
        ]

    def channel(self, worker: str) -> Channel:
        return Channel()


class Things:
    @method(name="list")
    def listAll(self, limit: int = 10) -> list[dict[str, Any]]:
        """List things.

        No more than limit.
        """
        return [{"thing": "spoon", "size": 3}, {"thing": "fork", "size": None}][:limit]

    @method(role="admin", changes=True)
    def lock(self, user: str, password: str) -> bool:
        """Lock something."""
        if user == "nobody":
            raise Conflict("nobody cannot")
        return True

    @method()
    def rows(self, matching: int) -> dict[str, Any]:
        """Find things."""
        rows = [{"thing": "spoon"}] if matching else []
        return {"rows": rows, "matching": matching, "silent": {}}


class Console:
    """What is typed, and what comes of it."""

    def __init__(self, directory: Path) -> None:
        self.entered: list[str] = []
        self.path = directory / "audit.log"
        audit = Audit(self.path)
        methods = Methods({"thing": Things()}, audit)
        staff = SimpleNamespace(
            pools={"udp-0": Pool()},
            plan=SimpleNamespace(pools=[SimpleNamespace(name="udp-0", kind="sip")]),
        )
        self.workforce = Workforce(lambda: staff)
        self.settings = parseSettings(CONFIGURATION, "etc/sipapp.toml", RESOURCE_TYPES)
        self.here = Here(
            namespaceOf(
                methods.descriptions(),
                lambda name, parameters: methods.call(ALICE, name, parameters),
                self.workforce,
                lambda: self.settings,
                self.entered.append,
            ),
            methods.descriptions(),
            audit,
            ALICE,
        )
        self.worker = InWorker("udp-0/0", self.workforce, audit, ALICE)

    def type(self, source: str) -> str:
        answer = outcome(self.here.run(source))
        assert isinstance(answer, Answer)
        return answer.output

    def audited(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


def outcome(coroutine: Any) -> Any:
    found: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(found.append)
    [result] = found
    if isinstance(result, Failure):
        result.raiseException()
    return result


@pytest.fixture
def console(tmp_path: Path) -> Console:
    return Console(tmp_path)


def test_workersAndPools(console: Console) -> None:
    assert console.type("pools").splitlines() == [
        "pool   kind  workers  ready  restarts",
        "udp-0  sip         2      2         2",
    ]
    assert console.type("workers").splitlines()[2] == (
        "udp-0/1  101  ready         2  killed by SIGKILL"
    )
    assert console.type("worker('udp-0/1')") == ("<worker udp-0/1: ready, pid 101, 2 restarts>\n")
    assert console.type("[each.pid for each in pools['udp-0']], len(workers), list(pools)") == (
        "([100, 101], 2, ['udp-0'])\n"
    )
    assert console.type("workers['udp-0/9']") == "NotFound: there is no worker 'udp-0/9'\n"
    assert console.type("pools['udp-9']") == "NotFound: there is no pool 'udp-9'\n"


def test_methodsAreFunctions(console: Console) -> None:
    assert console.type("thing.list()").splitlines() == [
        "thing  size",
        "spoon     3",
        "fork",
    ]
    assert console.type("found = await thing.list(limit=1)\nfound[0]['size']") == "3\n"
    assert console.type("thing.rows(1)").splitlines() == ["thing", "spoon", "{'matching': 1}"]
    assert console.type("thing.rows(0)") == "none\n"
    assert console.type("thing.lock('nobody', 'x')") == "Conflict: nobody cannot\n"
    assert "InvalidParameters: it takes no more than 1" in console.type("thing.list(1, 2)")
    assert "InvalidParameters: limit: Expected `int`" in console.type("thing.list('1')")
    assert "AttributeError: thing has no method lose" in console.type("thing.lose")


def test_namesSayWhatTheyAre(console: Console) -> None:
    assert console.type("thing").splitlines() == [
        "thing.list(limit=10)        List things.",
        "thing.lock(user, password)  Lock something.",
        "thing.rows(matching)        Find things.",
    ]
    assert console.type("thing.list") == (
        "thing.list(limit=10)\n\nList things.\n\nNo more than limit.\n"
    )
    assert console.type("help(thing.list)") == console.type("thing.list")
    assert console.type("help(thing)") == console.type("thing")
    assert "system, thing" in console.type("help()")
    assert "Run Python in all workers" in console.type("help(everywhere)")
    assert "shell() is a console in it" in console.type("help(workers['udp-0/0'])")
    assert outcome(console.here.complete("thing.lo")) == ["thing.lock"]
    assert outcome(console.here.complete("settings.sip.timer")) == ["settings.sip.timerC"]


def test_settings(console: Console) -> None:
    text = console.type("settings")
    assert text.startswith("# etc/sipapp.toml\n")
    assert "\nsip.timer_c = 185.0\n" in text
    assert "\nlisten[0].address = '127.0.0.1'\n" in text
    assert "\naccounts.checker = 'memory:…'\n" in text
    assert "wonderland" not in text
    assert console.type("settings.sip.t1") == "0.5\n"
    assert console.type("settings.listen[0].address") == "'127.0.0.1'\n"
    assert console.type("settings.accounts.checker") == "'memory:…'\n"
    assert console.type("settings.sip.dns").splitlines()[-1] == "max_entries = 10000"
    assert "AttributeError" in console.type("settings.nothing")


def test_workersEvaluate(console: Console) -> None:
    assert console.type("worker('udp-0/0').eval('x + 1')") == "x + 1\n"
    assert console.type("everywhere('1/0')").splitlines() == [
        "udp-0/0: Traceback",
        "      ZeroDivisionError",
        "udp-0/1: Traceback",
        "      ZeroDivisionError",
    ]
    assert console.type("everywhere('hang', pool='udp-0')").splitlines()[0] == (
        "udp-0/0: udp-0/0 has not answered within 60 s"
    )
    assert console.type("worker('udp-0/0').eval('hang')") == (
        "Unavailable: udp-0/0 has not answered within 60 s\n"
    )
    assert console.type("worker('udp-0/1').shell()") == ""
    assert console.entered == ["udp-0/1"]


def test_aConsoleInAWorker(console: Console) -> None:
    worker = console.worker
    assert worker.prompt == "udp-0/0> "
    assert outcome(worker.run("x + 1")) == Answer("x + 1\n", False)
    assert outcome(worker.run("hang")) == Answer(
        "Unavailable: udp-0/0 has not answered within 60 s\n", True
    )
    assert outcome(worker.complete("someth")) == ["something"]
    assert not worker.isComplete("for n in x:")
    for word in ("exit()", "quit", " exit "):
        with pytest.raises(Leave):
            outcome(worker.run(word))
    assert [each["parameters"] for each in console.audited()] == [
        {"worker": "udp-0/0", "source": "x + 1"},
        {"worker": "udp-0/0", "source": "hang"},
    ]


def test_leaving(console: Console) -> None:
    for word in ("exit()", "quit()"):
        with pytest.raises(Leave):
            console.type(word)


def test_whatIsRunIsWrittenDown(console: Console) -> None:
    console.type("1 + 1")
    console.type("1 / 0")
    console.type("thing.lock('bob', password='wonderland')")
    one, two, method, run = console.audited()
    assert (one["method"], one["who"], one["door"]) == ("manhole.run", "alice", "manhole")
    assert one["parameters"] == {"source": "1 + 1"}
    assert "fault" not in one
    assert two["fault"]["text"] == "it has failed"
    assert (method["method"], method["parameters"]["password"]) == ("thing.lock", "***")
    assert run["parameters"] == {"source": "thing.lock('***', password='***')"}


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("x = 1  # why", "x = 1  # why"),
        ("thing.list(3)", "thing.list(3)"),
        (
            "for u in us: await thing.lock(u, 'x')",
            "for u in us:\n    await thing.lock('***', '***')",
        ),
        ("print(thing.lock(*both))", "print(thing.lock('***'))"),
        ("thing.lock('a', 'x'", "(no Python)"),
        ("'\0'", "(no Python)"),
        pytest.param("-" * 100_000 + "1", "(no Python)", id="much too deep"),
        pytest.param(
            "thing.lock('a', 'x') or " + "+".join("1" * 500),
            "(passwords, and more than can be written down)",
            id="too deep",
        ),
    ],
)
def test_passwordsAreNot(console: Console, source: str, shown: str) -> None:
    assert masked(source, console.here._descriptions) == shown
