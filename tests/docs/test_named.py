"""The pages that say what is done, and which test shows it, name modules and tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
COMPLIANCE = (ROOT / "docs" / "compliance.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()
NAME = re.compile(r"`([\w/]+\.py(?:::\w+)*)`")
NAMED = sorted({*NAME.findall(COMPLIANCE), *NAME.findall(SECURITY)})

ATTACKS = [
    line
    for table in re.findall(r"^\| attack \|.*\n\|.*\n((?:\|.*\n)*)", SECURITY, re.MULTILINE)
    for line in table.splitlines()
]
"""The rows of the tables whose first column is an attack."""


def _defined(tree: ast.Module | ast.ClassDef) -> dict[str, ast.stmt]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name: node for node in tree.body if isinstance(node, kinds)}


def test_namesSomething() -> None:
    assert len(NAMED) > 50
    assert len(ATTACKS) > 10


@pytest.mark.parametrize("name", NAMED)
def test_exists(name: str) -> None:
    path, *inside = name.split("::")
    if path.startswith("tests/"):
        file = ROOT / path
    else:
        isTest = path.rpartition("/")[2].startswith("test_")
        file = ROOT / ("tests" if isTest else "sipapp") / path
    assert file.is_file()
    node: ast.Module | ast.ClassDef = ast.parse(file.read_text())
    for part in inside:
        found = _defined(node).get(part)
        assert found is not None, f"{file.name} has no {part}"
        if isinstance(found, ast.ClassDef):
            node = found


@pytest.mark.parametrize("row", ATTACKS)
def test_everyAttackHasItsTest(row: str) -> None:
    *_, attack, defence, tests, _ = row.split(" |")
    assert attack.strip("| ")
    assert defence.strip()
    assert any(name.rpartition("/")[2].startswith("test_") for name in NAME.findall(tests))
