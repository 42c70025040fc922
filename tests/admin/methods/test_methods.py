"""How methods are described and called, and what of that is written down."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.logger import capturedLogs, formatEvent
from twisted.python.failure import Failure

from sipapp.admin.methods import Caller, Methods, Secret, Stream, method
from sipapp.admin.methods.audit import Audit
from sipapp.rpc import Conflict, Fault, MethodDescription, Parameter

ADMIN = Caller("alice", "admin", "pid 7", "unix")
OPERATOR = Caller("oscar", "operator", "192.0.2.1", "xmlrpc")
VIEWER = Caller("vera", "viewer", "192.0.2.2", "jsonrpc")


class Shape(msgspec.Struct):
    sides: int
    colour: str = "red"


class Things:
    """A namespace that does not much."""

    def __init__(self) -> None:
        self.waiting: Deferred[int] = Deferred()

    @method()
    def double(self, number: int) -> int:
        """Double a number.

        That is all.
        """
        return 2 * number

    @method(role="operator", changes=True)
    async def paint(self, caller: Caller, shape: Shape, callID: str | None = None) -> str:
        """Paint a shape."""
        await succeed(None)
        return f"{caller.name}: {shape.sides} {shape.colour} {callID}"

    @method(role="admin", changes=True)
    def lock(self, user: str, password: str, hint: Secret = "") -> bool:
        """Lock something."""
        return True

    @method(name="list")
    def listAll(
        self,
        kind: Literal["round", "square"] = "round",
        limit: Annotated[int, msgspec.Meta(ge=1)] = 10,
        near: float | None = None,
        tags: tuple[str, ...] = (),
        options: dict[str, Any] | None = None,
    ) -> list[Shape]:
        """List shapes."""
        return [Shape(limit)]

    @method(changes=True)
    def fail(self, how: str) -> Deferred[None]:
        """Fail."""
        if how == "fault":
            raise Conflict("it is there already")
        raise ZeroDivisionError

    @method()
    def wait(self) -> Deferred[int]:
        """Wait."""
        return self.waiting

    @method()
    def follow(self, stream: Stream | None) -> bool:
        """Follow."""
        if stream is not None:
            stream.send({"n": 1})
        return stream is not None

    @method(changes=True, isPrivate=True)
    def reveal(self, isThere: bool = True) -> str:
        """Reveal something."""
        if not isThere:
            raise Conflict("there is nothing")
        return "confidential"

    @method()
    def mumble(self) -> str:
        """Say what nobody can write down."""
        return "\udcff"

    def notOne(self) -> None:
        """It has no mark."""


class Outlet:
    isFull = False

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, parameters: Any) -> None:
        self.sent.append(parameters)

    def whenClosed(self) -> Deferred[None]:
        return Deferred()


Call = Callable[..., Any]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.log"


@pytest.fixture
def things() -> Things:
    return Things()


@pytest.fixture
def methods(path: Path, things: Things) -> Methods:
    return Methods({"thing": things}, Audit(path), lambda: 0.0)


@pytest.fixture
def call(methods: Methods) -> Call:
    """Calls, and returns the result or raises the fault."""

    def called(name: str, *parameters: Any, caller: Caller = ADMIN, **named: Any) -> Any:
        outcome: list[Any] = []
        methods.call(caller, name, named or parameters).addBoth(outcome.append)
        [result] = outcome
        if isinstance(result, Failure):
            result.raiseException()
        return result

    return called


def fault(code: int, text: str) -> Any:
    return pytest.raises(Fault, match=f"^{code} {text}$")


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(each) for each in path.read_text().splitlines()] if path.exists() else []


def test_whatThereIsToCall(methods: Methods) -> None:
    described = {each.name: each for each in methods.descriptions()}
    assert list(described) == [
        "system.describe",
        "thing.double",
        "thing.fail",
        "thing.follow",
        "thing.list",
        "thing.lock",
        "thing.mumble",
        "thing.paint",
        "thing.reveal",
        "thing.wait",
    ]
    assert described["thing.double"] == MethodDescription(
        "thing.double",
        "viewer",
        False,
        (Parameter("number", "int"),),
        "int",
        "Double a number.\n\nThat is all.",
        "int",
    )
    assert described["thing.paint"].parameters == (
        Parameter("shape", "struct"),
        Parameter("call_id", "string", False),
    )
    assert described["thing.paint"].returns == "string"
    assert described["thing.wait"].returns == "int"
    assert described["thing.list"].returns == "array"
    assert described["thing.list"].parameters == (
        Parameter("kind", "string", False, "round"),
        Parameter("limit", "int", False, 10),
        Parameter("near", "double", False),
        Parameter("tags", "array", False, []),
        Parameter("options", "struct", False),
    )
    assert described["thing.fail"].returns == "nil"


def test_describedToCallers(call: Call, methods: Methods) -> None:
    described = call("system.describe", caller=VIEWER)
    assert msgspec.convert(described, tuple[MethodDescription, ...]) == methods.descriptions()


def test_resultsAreMadeOfWhatJSONHas(call: Call) -> None:
    assert call("thing.double", 4) == 8
    assert call("thing.double", number=4) == 8
    assert call("thing.list", limit=3) == [{"sides": 3, "colour": "red"}]
    assert call("thing.paint", {"sides": 3}, "a@b") == "alice: 3 red a@b"
    assert call("thing.paint", shape={"sides": 3}, call_id="a@b") == "alice: 3 red a@b"


@pytest.mark.parametrize(
    ("parameters", "text"),
    [
        ((), "the parameter 'number' is missing"),
        ((1, 2), "thing.double takes 1 parameter"),
        (("1",), "number: Expected `int`, got `str`"),
        ((True,), "number: Expected `int`, got `bool`"),
        ((None,), "number: Expected `int`, got `null`"),
    ],
)
def test_otherParametersThanItTakes(call: Call, parameters: tuple[Any, ...], text: str) -> None:
    with fault(-32602, text):
        call("thing.double", *parameters)


def test_parametersThatAreNot(call: Call) -> None:
    with fault(-32602, "thing.double has no parameter 'size'"):
        call("thing.double", number=1, size=2)
    with fault(-32602, "shape: Expected `int`, got `str` - at `\\$.sides`"):
        call("thing.paint", {"sides": "three"})
    with fault(-32602, "thing.paint has no parameter 'callID'"):
        call("thing.paint", shape={"sides": 3}, callID="a")


def test_theCallerIsNoParameter(methods: Methods) -> None:
    failures: list[Failure] = []
    given = {"shape": {"sides": 3}, "caller": {}}
    methods.call(ADMIN, "thing.paint", given).addErrback(failures.append)
    [failure] = failures
    assert str(failure.value) == "-32602 thing.paint has no parameter 'caller'"


@pytest.mark.parametrize("name", ["thing.notOne", "thing.not_one", "thing", "", "nothing.double"])
def test_methodsThatAreNot(call: Call, path: Path, name: str) -> None:
    with fault(-32601, f"there is no method {name!r}"):
        call(name)
    assert lines(path) == []


def test_aRoleThatIsNotEnough(call: Call, path: Path) -> None:
    call("thing.double", 1, caller=VIEWER)
    call("thing.paint", {"sides": 3}, caller=OPERATOR)
    with fault(403, "thing.paint is for the role operator; vera is viewer"):
        call("thing.paint", {"sides": 3}, caller=VIEWER)
    with fault(403, "thing.lock is for the role admin; oscar is operator"):
        call("thing.lock", "u", "p", caller=OPERATOR)
    assert [(each["who"], "fault" in each) for each in lines(path)] == [
        ("oscar", False),
        ("vera", True),
        ("oscar", True),
    ]


def test_whatFails(call: Call, path: Path) -> None:
    with fault(409, "it is there already"):
        call("thing.fail", "fault")
    with fault(-32603, "thing.fail has failed: the log says why"):
        call("thing.fail", "")
    assert [each["fault"]["code"] for each in lines(path)] == [409, -32603]


def test_whatChangesSomethingIsWrittenDown(call: Call, path: Path) -> None:
    call("thing.double", 1)
    call("thing.paint", {"sides": 3}, caller=OPERATOR)
    [line] = lines(path)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "who": "oscar",
        "role": "operator",
        "door": "xmlrpc",
        "source": "192.0.2.1",
        "method": "thing.paint",
        "parameters": {"shape": {"sides": 3}},
        "result": "oscar: 3 red None",
        "seconds": 0.0,
    }
    assert path.stat().st_mode & 0o777 == 0o600


def test_secretsAreNotWrittenDown(call: Call, path: Path) -> None:
    call("thing.lock", "u", "pass-1", "pass-2")
    with fault(-32602, ".*"):
        call("thing.lock", user=3, password=["pass-1"], hint={"pass": 2})
    assert "pass-" not in path.read_text()
    assert lines(path)[0]["parameters"] == {"user": "u", "password": "***", "hint": "***"}


def test_privateResultsAreNotWrittenDown(call: Call, path: Path) -> None:
    assert call("thing.reveal") == "confidential"
    with fault(409, "there is nothing"):
        call("thing.reveal", False)
    revealed, refused = lines(path)
    assert revealed["result"] == "***"
    assert refused["fault"]["text"] == "there is nothing"


def test_whatCannotBeWrittenAsJSON(call: Call, path: Path) -> None:
    """From the console anything may come."""
    with fault(-32603, "thing.mumble has failed: the log says why"):
        call("thing.mumble")
    with fault(-32602, "user: .*"):
        call("thing.lock", object(), "p")
    assert call("thing.lock", "\udcff", "p") is True
    strange, foreign = lines(path)
    assert strange["parameters"].startswith("{'user': <object object at")
    assert foreign["parameters"] == r"{'user': '\udcff', 'password': '***'}"


def test_aLongResultIsNotWrittenDown(call: Call, path: Path) -> None:
    call("thing.paint", {"sides": 3}, "x" * 5000)
    [line] = lines(path)
    assert line["parameters"] == {"bytes": 5034}
    assert line["result"] == {"bytes": 5015}


def test_theLogSurvivesItsRotation(call: Call, path: Path) -> None:
    call("thing.lock", "u1", "p")
    path.rename(path.with_suffix(".1"))
    call("thing.lock", "u2", "p")
    path.unlink()
    call("thing.lock", "u3", "p")
    call("thing.lock", "u4", "p")
    assert [each["parameters"]["user"] for each in lines(path)] == ["u3", "u4"]


def test_aLogThatCannotBeWritten(tmp_path: Path, things: Things) -> None:
    methods = Methods({"thing": things}, Audit(tmp_path / "no" / "audit.log"))
    results: list[Any] = []
    methods.call(ADMIN, "thing.lock", ["u", "p"]).addCallback(results.append)
    assert results == [True]


def test_aLogWhoseDiskIsFull(call: Call, path: Path) -> None:
    """There is no half of a line that the next one goes on."""
    # Nothing else that is written meanwhile is so long.
    path.write_text(json.dumps({"parameters": {"user": "u1"}, "result": "x" * 1_000_000}) + "\n")
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, most))
    try:
        with capturedLogs() as events:
            assert call("thing.lock", "u2", "p") is True
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
    [event] = events
    assert '"user":"u2"' in str(formatEvent(event))
    call("thing.lock", "u3", "p")
    assert [each["parameters"]["user"] for each in lines(path)] == ["u1", "u3"]


def test_whatIsUnderWay(methods: Methods, things: Things) -> None:
    results: list[Any] = []
    methods.call(VIEWER, "thing.wait").addCallback(results.append)
    assert (methods.underWay, results) == (1, [])
    things.waiting.callback(3)
    assert (methods.underWay, results) == (0, [3])


def test_whatIsGivenUp(methods: Methods, things: Things) -> None:
    failures: list[Failure] = []
    called = methods.call(VIEWER, "thing.wait").addErrback(failures.append)
    called.cancel()
    [failure] = failures
    assert str(failure.value) == "503 thing.wait has taken too long"
    assert methods.underWay == 0


def test_aStream(methods: Methods) -> None:
    results: list[Any] = []
    outlet = Outlet()
    methods.call(VIEWER, "thing.follow").addCallback(results.append)
    methods.call(VIEWER, "thing.follow", (), outlet).addCallback(results.append)
    assert (results, outlet.sent) == ([False, True], [{"n": 1}])
