"""What a worker evaluates."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sipapp.admin.manhole.inworker import Consoles
from sipapp.answers import Answers, readOutcome


@pytest.fixture
def answers() -> Answers:
    made = Answers()
    Consoles({"worker": "w"}).addTo(made)
    return made


def ask(answers: Answers, question: str, **arguments: Any) -> Any:
    found: list[bytes] = []
    answers.answer(question, json.dumps(arguments).encode()).addCallback(found.append)
    return readOutcome(found[0])


def test_withoutAConsole(answers: Answers) -> None:
    assert ask(answers, "eval", source="x = worker; x") == ["'w'\n", False]
    output, isError = ask(answers, "eval", source="x")
    assert isError
    assert "NameError" in output
    assert ask(answers, "complete", text="wor") == ["worker"]


def test_eachConsoleHasItsNames(answers: Answers) -> None:
    ask(answers, "eval", source="thing = 1", console="one")
    ask(answers, "eval", source="thing = 2", console="two")
    assert ask(answers, "eval", source="thing", console="one") == ["1\n", False]
    assert ask(answers, "complete", text="thi", console="two") == ["thing"]
    assert ask(answers, "complete", text="thi") == []


def test_theOldestIsForgotten(answers: Answers) -> None:
    ask(answers, "eval", source="thing = 1", console="one")
    for number in range(7):
        ask(answers, "eval", source="1", console=f"c{number}")
    assert ask(answers, "eval", source="thing", console="one") == ["1\n", False]
    for number in range(8):
        ask(answers, "eval", source="1", console=f"d{number}")
    assert ask(answers, "eval", source="thing", console="one")[1]
