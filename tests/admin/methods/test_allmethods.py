"""What there is to call at the doors of the parent, wherever it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed

from sipapp.admin.methods import Caller, Methods, method
from sipapp.admin.methods.allmethods import AllMethods
from sipapp.admin.methods.audit import Audit
from sipapp.administration import Administration
from sipapp.rpc import Conflict, Fault
from tests.admin.methods.hands import Hands
from tests.admin.methods.outcomes import ADMIN, outcome

SYSTEM = [
    f"system.{name}"
    for name in ("describe", "listMethods", "methodHelp", "methodSignature", "multicall")
]


class Pool:
    @method()
    def size(self) -> int:
        """Tell how large it is."""
        return 2


class Bell:
    @method(role="operator", changes=True)
    async def ring(self, caller: Caller, times: int = 1) -> str:
        """Ring."""
        if times < 1:
            raise Conflict("it has rung")
        return f"{caller.name}: {'ding ' * times}"


class Channel:
    """That of a worker. The parent hears it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bytes]] = []

    def ask(self, subject: str, body: bytes, timeout: float) -> Deferred[bytes]:
        raise NotImplementedError

    def tell(self, subject: str, body: bytes) -> Deferred[None]:
        self.told.append((subject, body))
        return succeed(None)


class Place:
    """A server, one of whose workers has methods of a plugin."""

    def __init__(self, directory: Path) -> None:
        hands = Hands()
        self.web = hands.hands["http-1/0"]
        self.channel = Channel()
        administration = Administration(self.channel, self.web.answers)
        self.audited: list[tuple[str, Any]] = []
        administration.offer(Methods({"bell": Bell()}, self))
        audit = Audit(directory / "audit.log")
        self._methods = AllMethods(Methods({"pool": Pool()}, audit), audit, hands.workforce)

    def write(
        self, caller: Caller, method: str, parameters: object, outcome: Any, seconds: float
    ) -> None:
        self.audited.append((method, outcome))

    def call(self, name: str, *parameters: Any, caller: Caller = ADMIN) -> Any:
        return outcome(self._methods.call(caller, name, parameters))

    def names(self) -> list[str]:
        return [each["name"] for each in self.call("system.describe")]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_described(place: Place) -> None:
    names = place.names()
    assert names == ["bell.ring", "pool.size", *SYSTEM]
    assert place.call("system.listMethods") == names
    assert place.call("system.methodHelp", "bell.ring").startswith("bell.ring(times: int = 1)")
    with pytest.raises(Fault, match=r"^-32602 "):
        place.call("system.describe", 1)


def test_called(place: Place) -> None:
    assert place.call("pool.size") == 2
    assert place.call("bell.ring", 2) == "root: ding ding "
    assert place.audited == [("bell.ring", "root: ding ding ")]
    calls = [{"methodName": "bell.ring"}, {"methodName": "pool.size"}]
    assert place.call("system.multicall", calls) == [["root: ding "], [2]]


@pytest.mark.parametrize(
    ("code", "name", "parameters"),
    [
        (409, "bell.ring", [0]),
        (-32602, "bell.ring", ["often"]),
        (-32601, "bell.paint", []),
        (-32601, "pool.paint", []),
        (-32601, "", []),
    ],
)
def test_faults(place: Place, code: int, name: str, parameters: list[Any]) -> None:
    with pytest.raises(Fault) as caught:
        place.call(name, *parameters)
    assert caught.value.code == code


def test_rolesAreThoseOfThePlugin(place: Place) -> None:
    with pytest.raises(Fault, match=r"^403 "):
        place.call("bell.ring", caller=Caller("vera", "viewer", "192.0.2.1", "unix"))


def test_aWorkerThatDoesNotAnswer(place: Place) -> None:
    """What is left is that of the server."""
    place.web.refusal = "has gone"
    assert place.names() == ["pool.size", *SYSTEM]
    assert place.call("pool.size") == 2
    with pytest.raises(Fault, match=r"^-32601 "):
        place.call("bell.ring")
