"""Lists, for people and for programs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from sipapp.admin.tables import Column, Table, present, shown, writeJSON

COLUMNS = (Column("NAME", "name"), Column("SIZE", "size", isNumber=True), Column("NOTE", "note"))


def test_columns() -> None:
    file = io.StringIO()
    table = Table(COLUMNS, file)
    table.add([{"name": "udp-0", "size": 4, "note": "fine"}, {"name": "tcp", "size": 12}])
    # A later page: nothing gets narrower.
    table.add([{"name": "x", "size": None, "note": "\x1b[2J"}])
    assert file.getvalue().splitlines() == [
        "NAME   SIZE  NOTE",
        "udp-0     4  fine",
        "tcp      12",
        r"x            '\x1b[2J'",
    ]


def test_empty(capsys: pytest.CaptureFixture[str]) -> None:
    present(COLUMNS, [[]], asJSON=False)
    present(COLUMNS, [[], []], asJSON=True)
    assert capsys.readouterr().out == "NAME  SIZE  NOTE\n[]\n"


def test_pages(capsys: pytest.CaptureFixture[str]) -> None:
    """They are written as they come."""

    def pages() -> Iterator[list[dict[str, Any]]]:
        yield [{"name": "a"}, {"name": "b", "more": [1]}]
        assert capsys.readouterr().out == '[\n{"name":"a"},\n{"name":"b","more":[1]}'
        yield []
        yield [{"name": "\x1b"}]

    present(COLUMNS, pages(), asJSON=True)
    rest = capsys.readouterr().out
    assert json.loads(f"[{rest[1:]}") == [{"name": "\x1b"}]
    assert "\x1b" not in rest


def test_jsonAtATerminal(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"a": "Grüße \x1b \x7f \x9b \u202e \U000e0001 \U0001f600"}
    writeJSON(value)
    present(COLUMNS, [[value]], asJSON=True)
    one, other = capsys.readouterr().out.split("}", 1)
    assert json.loads(one + "}") == value
    assert json.loads(other) == [value]
    assert (one + other).replace("\n", "").isprintable()
    assert "Grüße" in one


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "yes"),
        (0.1 + 0.2, "0.3"),
        (1_795_338_833.25, "1795338833.25"),
        (["a", 1], "a, 1"),
        ({"a": [1, 2]}, "a=1, 2"),
        ("Grüße", "Grüße"),
        ("a\nb", r"'a\nb'"),
    ],
)
def test_shown(value: Any, text: str) -> None:
    assert shown(value) == text
