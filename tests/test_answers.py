"""Tests of C{sipapp.answers} and C{sipapp.administration}: the two ends of a question."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from sipapp.administration import Administration
from sipapp.answers import Answers, readOutcome
from sipapp.interfaces import IAdministration
from sipapp.pool import Unanswered
from sipapp.rpc import Caller, Conflict, Fault, MethodDescription, NotFound, Parameter

CALLER = Caller("alice", "operator", "192.0.2.1", "xmlrpc")


class Row(msgspec.Struct):
    name: str


@pytest.fixture
def answers() -> Answers:
    return Answers()


def outcome(asked: Deferred[Any]) -> Any:
    found: list[Any] = []
    asked.addBoth(found.append)
    [result] = found
    if isinstance(result, Failure):
        result.raiseException()
    return result


def ask(answers: Answers, question: str, **arguments: Any) -> Any:
    return readOutcome(outcome(answers.answer(question, json.dumps(arguments).encode())))


async def later(name: str) -> list[Row]:
    await succeed(None)
    return [Row(name)]


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (lambda name: name, "n"),
        (lambda name: succeed(Row(name)), {"name": "n"}),
        (later, [{"name": "n"}]),
        (lambda name: None, None),
    ],
)
def test_anAnswer(answers: Answers, answer: Any, wanted: Any) -> None:
    answers.add("what", answer)
    assert ask(answers, "what", name="n") == wanted


def test_aQuestionIsAnsweredByOne(answers: Answers) -> None:
    answers.add("what", dict)
    with pytest.raises(ValueError, match="'what' is answered already"):
        answers.add("what", dict)


def test_whatIsNotKnown(answers: Answers) -> None:
    with pytest.raises(NotFound, match="does not answer 'what'"):
        ask(answers, "what")


def test_whatIsNotTaken(answers: Answers) -> None:
    answers.add("what", lambda size: size)
    with pytest.raises(Fault, match=r"^-32602 .*'name'"):
        ask(answers, "what", name="n")


@pytest.mark.parametrize("error", [TypeError("mine"), ZeroDivisionError()])
def test_aMistakeIsLoggedWhereItIs(answers: Answers, error: Exception) -> None:
    def answer() -> None:
        raise error

    answers.add("what", answer)
    with capturedLogs() as logged, pytest.raises(Fault, match=r"^-32603 what has failed"):
        ask(answers, "what")
    assert [each["log_failure"].value for each in logged] == [error]


def test_aResultThatCannotBeWritten(answers: Answers) -> None:
    answers.add("what", object)
    with capturedLogs(), pytest.raises(Fault, match=r"^-32603 "):
        ask(answers, "what")


def test_aFaultIsTold(answers: Answers) -> None:
    answers.add("one", lambda: fail(Conflict("there is one")))
    answers.add("other", lambda: fail(Fault("odd", 499)))
    with pytest.raises(Conflict, match="there is one"):
        ask(answers, "one")
    with pytest.raises(Fault, match=r"^499 odd$"):
        ask(answers, "other")


def test_anAnswerThatIsGivenUp(answers: Answers) -> None:
    answers.add("what", Deferred)
    asked = answers.answer("what", b"{}")
    asked.cancel()
    with pytest.raises(Fault, match=r"^503 what has taken too long$"):
        readOutcome(outcome(asked))


class Channel:
    """The parent, as a worker sees it."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.answer: Deferred[bytes] = Deferred()

    def ask(self, subject: str, body: bytes, timeout: float) -> Deferred[bytes]:
        self.asked.append((subject, json.loads(body)))
        return self.answer

    def tell(self, subject: str, body: bytes) -> Deferred[None]:
        self.asked.append((subject, json.loads(body)))
        return succeed(None)


def test_callingTheParent() -> None:
    channel = Channel()
    called = Administration(channel, Answers()).call("pool.resize", ["udp-0", 4], CALLER)
    [(subject, question)] = channel.asked
    assert subject == "method"
    assert question["name"] == "pool.resize"
    assert question["parameters"] == ["udp-0", 4]
    assert msgspec.convert(question["caller"], Caller) == CALLER
    channel.answer.callback(b'{"result": [1]}')
    assert outcome(called) == [1]


def test_whatTheParentRefuses() -> None:
    channel = Channel()
    channel.answer.callback(b'{"fault": [404, "no such pool"]}')
    with pytest.raises(NotFound, match="no such pool"):
        outcome(Administration(channel, Answers()).call("pool.resize", [], CALLER))


def test_aParentThatDoesNotAnswer() -> None:
    channel = Channel()
    channel.answer.errback(Unanswered("has not answered within 900 s"))
    with pytest.raises(Fault, match=r"^503 the server has not answered within 900 s$"):
        outcome(Administration(channel, Answers()).call("pool.resize", [], CALLER))


def test_whatTheParentDescribes() -> None:
    channel = Channel()
    described = (MethodDescription("a.b", "viewer", True, (Parameter("c", "int", False, 3),)),)
    channel.answer.callback(msgspec.json.encode({"result": described}))
    assert outcome(Administration(channel, Answers()).descriptions()) == described
    assert channel.asked[0][1]["name"] == "system.describe"


def test_itProvidesItsInterface() -> None:
    verifyObject(IAdministration, Administration(Channel(), Answers()))
