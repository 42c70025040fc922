"""What is typed after a method, and what the method is given."""

from __future__ import annotations

from typing import Any

import pytest

from sipapp.admin.commands.asking import Misused
from sipapp.admin.commands.words import parametersOf, usage
from sipapp.rpc import MethodDescription, Parameter

METHOD = MethodDescription(
    name="pool.mend",
    role="operator",
    changes=True,
    parameters=(
        Parameter("pool", "string"),
        Parameter("size", "int"),
        Parameter("hard", "boolean", False, False),
        Parameter("share", "double", False, None),
        Parameter("slots", "array", False, None),
        Parameter("more", "struct", False, None),
    ),
)


@pytest.mark.parametrize(
    ("words", "parameters"),
    [
        (["udp-0", "4"], {"pool": "udp-0", "size": 4}),
        (["size=4", "udp-0"], {"pool": "udp-0", "size": 4}),
        (["a=b", "-1", "yes"], {"pool": "a=b", "size": -1, "hard": True}),
        (["pool=a=b", "4", "hard=OFF"], {"pool": "a=b", "size": 4, "hard": False}),
        (
            ["", "4", "share=1e-1", "slots=[1, null]", 'more={"a": {}}'],
            {"pool": "", "size": 4, "share": 0.1, "slots": [1, None], "more": {"a": {}}},
        ),
    ],
)
def test_understood(words: list[str], parameters: dict[str, Any]) -> None:
    assert parametersOf(METHOD, words) == parameters


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["udp-0"], "size is missing: pool.mend pool:string size:int [hard:boolean=false]"),
        (["udp-0", "four"], "size: 'four' is not a whole number"),
        (["udp-0", "4", "maybe"], "hard: 'maybe' is not true or false"),
        (["udp-0", "4", "share=x"], "share: 'x' is not a number"),
        (["udp-0", "4", "share=nan"], "share: 'nan' is not a number"),
        (["udp-0", "4", "share=-inf"], "share: '-inf' is not a number"),
        (["udp-0", "4", "slots={}"], "slots: '{}' is not a JSON array"),
        (["udp-0", "4", "more=["], "more: '\\[' is not a JSON object"),
        (["pool=x", "pool=y", "4"], "pool is given twice"),
        (["a", "1", "on", "1", "[]", "{}", "x"], "'x' is too much"),
    ],
)
def test_misused(words: list[str], cause: str) -> None:
    with pytest.raises(Misused) as raised:
        parametersOf(METHOD, words)
    assert cause.replace("\\", "") in str(raised.value)


def test_usage() -> None:
    assert usage(METHOD) == (
        "pool.mend pool:string size:int [hard:boolean=false] [share:double] [slots:array]"
        " [more:struct]"
    )
