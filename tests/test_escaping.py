"""Nothing that was received is written to the log as it came: it could move the cursor of a
terminal, begin a line of its own, or read from right to left."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "sipapp"
LEVELS = frozenset(("debug", "info", "warn", "error", "critical", "failure"))
FIELD = re.compile(r"\{([^}]*)\}")

RECEIVED = re.compile(
    r"\b(request|response|message|invite|via|uri|aor|contact|binding|credentials|data|text"
    r"|callID|target|username|realm)\b"
)
"""What expressions that stand for something received are made of."""

SAFE = frozenset(("message", "request.method", "response.status"))
"""Messages say themselves what they are, escaped; methods are tokens."""


def fields() -> Iterator[tuple[str, str, str]]:
    """
    @return: of each field in a format of a log call: where it is, its name with its conversion, and
        the expression that it is given, as far as that stands beside it.
    """
    for file in sorted(SOURCE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr not in LEVELS or not ast.unparse(node.func.value).endswith("log"):
                continue
            given = {one.arg: ast.unparse(one.value) for one in node.keywords}
            for field in FIELD.findall(ast.literal_eval(node.args[0])):
                name = re.split("[!:]", field)[0]
                yield f"{file.name}:{node.lineno}", field, given.get(name, "")


def test_logs() -> None:
    every = list(fields())
    assert len(every) > 50
    assert [
        (where, field, expression)
        for where, field, expression in every
        if RECEIVED.search(expression) and expression not in SAFE and "!" not in field
    ] == []
    # Call-IDs are what lines are about: admin/test_log.py has those.
    assert sum(field.endswith("!a") for _, field, _ in every) >= 2
