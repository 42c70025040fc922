"""C{log.*}"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from sipapp.admin.methods.log import LogMethods
from sipapp.config import LogSettings, Settings
from sipapp.rpc import Fault
from tests.admin.methods.hands import Hands
from tests.admin.methods.outcomes import Called

CONFIGURED = {"level": "info", "namespace": "", "worker": "", "is_set": False}


class Logs(Hands):
    """Workers, and their parent.

    @ivar levels: what each of them logs.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.levels: dict[str, Mapping[str, str]] = {}
        for name, hand in self.hands.items():
            hand.answers.add("log.levels", partial(self._set, name))
        settings = Settings(file="test", log=LogSettings(level="info"))
        self.methods = LogMethods(self.workforce, lambda: settings, partial(self._set, "parent"))
        self.call = Called(path, log=self.methods)

    def _set(self, name: str, levels: Mapping[str, str]) -> None:
        self.levels[name] = levels


@pytest.fixture
def logs(tmp_path: Path) -> Logs:
    return Logs(tmp_path)


def row(level: str, namespace: str = "", worker: str = "") -> dict[str, Any]:
    return {"level": level, "namespace": namespace, "worker": worker, "is_set": True}


def test_everywhere(logs: Logs) -> None:
    assert logs.call("log.levels") == [CONFIGURED]
    assert logs.call("log.level", level="debug") == [CONFIGURED, row("debug")]
    assert logs.levels == {each: {"": "debug"} for each in ("parent", *logs.hands)}
    assert logs.call("log.level", level="default") == [CONFIGURED]
    assert logs.levels == {each: {"": "info"} for each in ("parent", *logs.hands)}
    # Once more does no harm.
    assert logs.call("log.level", level="default") == [CONFIGURED]


def test_somewhere(logs: Logs) -> None:
    """The nearest counts."""
    logs.call("log.level", level="debug", namespace="sipapp.transport", worker="udp-0/1")
    logs.call("log.level", level="error", namespace="sipapp.transport", worker="udp-0")
    logs.call("log.level", level="warn")
    logs.call("log.level", level="critical", worker="parent")
    assert logs.levels == {
        "parent": {"": "critical"},
        "udp-0/0": {"": "warn", "sipapp.transport": "error"},
        "udp-0/1": {"": "warn", "sipapp.transport": "debug"},
        "http-1/0": {"": "warn"},
    }
    assert logs.methods.levelsOf("udp-0/7") == logs.levels["udp-0/0"]
    assert logs.call("log.levels") == [
        CONFIGURED,
        row("warn"),
        row("critical", worker="parent"),
        row("error", "sipapp.transport", "udp-0"),
        row("debug", "sipapp.transport", "udp-0/1"),
    ]


def test_aWorkerThatDoesNotAnswer(logs: Logs) -> None:
    logs.hands["udp-0/0"].refusal = "has gone"
    assert logs.call("log.level", level="debug") == [CONFIGURED, row("debug")]
    assert logs.levels["udp-0/1"] == {"": "debug"}


@pytest.mark.parametrize(
    "parameters",
    [{"level": "loud"}, {"level": "info", "namespace": "a b"}, {"level": "info", "namespace": "é"}],
)
def test_refused(logs: Logs, parameters: dict[str, str]) -> None:
    logs.call.fault(-32602, "log.level", **parameters)
    assert logs.levels == {}


def test_nobody(logs: Logs) -> None:
    assert logs.call.fault(404, "log.level", level="info", worker="tcp") == (
        "there is no worker or pool 'tcp'"
    )


def test_ofOneThatHasGone(logs: Logs) -> None:
    """It can be taken back."""
    logs.call("log.level", level="debug", worker="udp-0/1")
    del logs.hands["udp-0/1"]
    assert logs.call("log.level", level="default", worker="udp-0/1") == [CONFIGURED]


def test_tooMany(logs: Logs) -> None:
    for number in range(100):
        logs.call("log.level", level="debug", namespace=f"a{number}")
    assert "100" in logs.call.fault(409, "log.level", level="debug", namespace="b")
    logs.call("log.level", level="info", namespace="a0")


def test_anObserverOfSomebodyElses(tmp_path: Path) -> None:
    """What the parent logs goes there, all of it."""
    hands = Hands()
    methods = LogMethods(hands.workforce, lambda: Settings(file="test"), None)
    call = Called(tmp_path, log=methods)
    assert call("log.level", level="debug") == [CONFIGURED, row("debug")]
    with pytest.raises(Fault, match="--logger"):
        call("log.level", level="debug", worker="parent")
    assert methods.levelsOf("udp-0/0") == {"": "debug"}
