"""The page on C{sipappctl} tells of every command and every exit code."""

from __future__ import annotations

import argparse
import re
import shlex
from pathlib import Path

import pytest

from sipapp.admin.commands import asking
from sipapp.admin.ctl import _COMMANDS, makeParser
from sipapp.admin.doctor.examination import EXIT_CODES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "sipappctl.md").read_text()


def test_commands() -> None:
    [commands] = [
        action for action in makeParser()._actions if isinstance(action, argparse._SubParsersAction)
    ]
    assert set(re.findall(r"^\| `(\w+)[^`]*` \|", PAGE, re.MULTILINE)) == set(commands.choices)


def test_commandsAreFoundAlone() -> None:
    """What is imported for a command adds it, and nothing else is needed for it."""
    for name in _COMMANDS:
        [commands] = [
            action
            for action in makeParser(name)._actions
            if isinstance(action, argparse._SubParsersAction)
        ]
        assert name in commands.choices


def test_options() -> None:
    """Those that the page names are there."""
    [commands] = [
        action for action in makeParser()._actions if isinstance(action, argparse._SubParsersAction)
    ]
    for row in re.findall(r"^\| `\w.*\|$", PAGE, re.MULTILINE):
        [name] = re.findall(r"^\| `(\w+)", row)
        known = commands.choices[name].format_help()
        for option in re.findall(r"--[a-z-]+", row):
            assert option in known, f"{name} has no {option}"


def test_exitCodes() -> None:
    table = PAGE.partition("| exit code | meaning |")[2].partition("\n\n")[0]
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    ours = {asking.DONE, asking.NOT_DONE, asking.NOT_UNDERSTOOD, asking.NO_SERVER, 130}
    assert codes == ours | set(EXIT_CODES.values())


TYPED = [
    pytest.param(line, id=f"{page.stem}-{line}")
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    for line in re.findall(r"^(?: {4}|\$ )(?:\S*/)?sipappctl (.*)$", page.read_text(), re.MULTILINE)
]


@pytest.mark.parametrize("line", TYPED)
def test_whatIsTypedOnPages(line: str) -> None:
    """Its options stand where they are understood."""
    words = shlex.split(line.partition(" | ")[0].partition(" > ")[0], comments=True)
    makeParser(words[0]).parse_args(words)
