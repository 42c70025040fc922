"""Tests of C{sipapp.evaluation}."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from sipapp.evaluation import Answer, Evaluation, Leave
from sipapp.rpc import NotFound


class Thing:
    def __init__(self) -> None:
        self.length = 3
        self._hidden = 4

    async def later(self) -> list[int]:
        return [await succeed(self.length)]


def missing() -> None:
    raise NotFound("there is no such thing")


def leave() -> None:
    raise Leave


@pytest.fixture
def evaluation() -> Evaluation:
    waiting: Deferred[int] = Deferred()
    names: dict[str, Any] = {
        "thing": Thing(),
        "things": {"a": Thing()},
        "waiting": waiting,
        "succeed": succeed,
        "missing": missing,
        "leave": leave,
    }
    return Evaluation(names)


def run(evaluation: Evaluation, source: str) -> Answer:
    outcome: list[Any] = []
    Deferred.fromCoroutine(evaluation.run(source)).addBoth(outcome.append)
    [answer] = outcome
    if isinstance(answer, Failure):
        answer.raiseException()
    assert isinstance(answer, Answer)
    return answer


@pytest.mark.parametrize(
    ("source", "output"),
    [
        ("1 + 1", "2\n"),
        ("x = 1", ""),
        ("x = 1; x", "1\n"),
        ("None", ""),
        ("'a'", "'a'\n"),
        ("'a\\nb\\n'", "a\nb\n"),
        ("'\\x1b[2J\\n\\t\\x9b\\u202eü\\r\\n'", "\\x1b[2J\n\t\\x9b\\u202eü\\r\n"),
        ("", ""),
        ("# nothing", ""),
        ("for n in range(2):\n    print(n)\n", "0\n1\n"),
        ("print('a', 1, sep='-', end='')", "a-1\n"),
        ("print('a'); 'b'", "a\n'b'\n"),
        ("import sys; n = sys.stdout.write('a')", "a\n"),
        ("print(chr(0xdcff))", "\\udcff\n"),
        ("succeed(3)", "3\n"),
        ("await succeed(3) + 1", "4\n"),
        ("y = await thing.later()\nprint(y)", "[3]\n"),
        ("thing.later()", "[3]\n"),
        ("1; _", ""),
    ],
)
def test_whatComesOfIt(evaluation: Evaluation, source: str, output: str) -> None:
    run(evaluation, "None")
    evaluation.namespace["_"] = None
    assert run(evaluation, source) == Answer(output, False)


def test_namesStay(evaluation: Evaluation) -> None:
    run(evaluation, "def double(n):\n    return 2 * n\n")
    assert run(evaluation, "double(4)").output == "8\n"
    assert run(evaluation, "_ + 1").output == "9\n"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (
            "def f():\n    1 / 0\nf()",
            [
                "Traceback (most recent call last):",
                '  File "<console>", line 3, in <module>',
                '  File "<console>", line 2, in f',
                "ZeroDivisionError: division by zero",
            ],
        ),
        ("missing()", ["NotFound: there is no such thing"]),
        ("1 +", ['  File "<console>", line 1', "SyntaxError: invalid syntax"]),
        ("raise SystemExit(3)", ["SystemExit: 3"]),
        ("raise KeyboardInterrupt", ["KeyboardInterrupt"]),
        ("print('before'); 1/0", ["before", "ZeroDivisionError: division by zero"]),
        ("'\\0' in eval('1\\0')", ["null bytes"]),
        pytest.param("-" * 100_000 + "1", ["MemoryError"], id="much too deep"),
        pytest.param("+".join("1" * 20_000), ["RecursionError"], id="too deep"),
    ],
)
def test_whatFails(evaluation: Evaluation, source: str, lines: list[str]) -> None:
    answer = run(evaluation, source)
    assert answer.isError
    position = -1
    for line in lines:
        position = answer.output.index(line, position + 1)
    assert "evaluation.py" not in answer.output


def test_whatIsGivenUp(evaluation: Evaluation) -> None:
    outcome: list[Any] = []
    running = Deferred.fromCoroutine(evaluation.run("print('a')\nwaiting"))
    running.addBoth(outcome.append)
    assert outcome == []
    running.cancel()
    assert outcome == [Answer("a\ngiven up\n", True)]


def test_leaving(evaluation: Evaluation) -> None:
    with pytest.raises(Leave):
        run(evaluation, "leave()")


@pytest.mark.parametrize(
    "source",
    [
        "list(range(10**6))",
        "'x' * 10**6",
        "'x\\n' * 10**6",
        "dict.fromkeys(range(10**6))",
        "for n in range(10**5): print('x' * 100)",
        "[list(range(1000)) for _ in range(1000)]",
        "[[[list(range(10**6))]]]",
        "['x' * 10**6]",
        "10 ** 4000",
        "import collections; collections.deque(range(10**6))",
        "type('Long', (), {'__repr__': lambda self: 'x' * 10**6})()",
    ],
)
def test_whatIsLongIsCut(evaluation: Evaluation, source: str) -> None:
    output = run(evaluation, source).output
    assert 300 < len(output) < 101_000


def test_howValuesLookIsForWhoShowsThem() -> None:
    evaluation = Evaluation({}, lambda value: f"<{value}>")
    assert run(evaluation, "3").output == "<3>\n"


@pytest.mark.parametrize(
    ("source", "isComplete"),
    [
        ("1", True),
        ("", True),
        ("x = (", False),
        ("x = (\n1)", True),
        ("for n in x:", False),
        ("for n in x:\n    n", False),
        ("for n in x:\n    n\n", True),
        ("await x", True),
        ("if x:\n    await x", False),
        ("1 +", True),
        ("'''a", False),
        ("x\0", True),
        pytest.param("-" * 100_000 + "1", True, id="much too deep"),
        pytest.param("+".join("1" * 20_000), True, id="too deep"),
    ],
)
def test_whetherItGoesOn(evaluation: Evaluation, source: str, isComplete: bool) -> None:
    assert evaluation.isComplete(source) is isComplete


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("thin", ["thing", "things"]),
        ("x = thing.l", ["thing.later", "thing.length"]),
        ("thing.len", ["thing.length"]),
        ("thing._hid", ["thing._hidden"]),
        ("thing.", ["thing.later", "thing.length"]),
        ('things["a"].len', ['things["a"].length']),
        ("yie", ["yield"]),
        ("print(isins", ["isinstance"]),
        ("nothing.at", []),
        ("thing.nothing.at", []),
        ("1 + ", []),
        ("", []),
    ],
)
def test_completion(evaluation: Evaluation, text: str, found: list[str]) -> None:
    assert evaluation.complete(text) == found
