"""The compliance table names modules and tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
NAMED = sorted(
    set(re.findall(r"`([\w/]+\.py(?:::\w+)*)`", (ROOT / "docs" / "compliance.md").read_text()))
)


def _defined(tree: ast.Module | ast.ClassDef) -> dict[str, ast.stmt]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return {node.name: node for node in tree.body if isinstance(node, kinds)}


def test_namesSomething() -> None:
    assert len(NAMED) > 50


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
