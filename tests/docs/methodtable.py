"""The tables of methods in C{docs/xmlrpc.md}, made from what a server says. To write them anew::

sipappctl call --json system.describe | python -m tests.docs.methodtable
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

import msgspec

from sipapp.rpc import MethodDescription
from sipapp.rpc.introspection import Introspection
from sipapp.rpc.method import boundMethods

PAGE = Path(__file__).parents[2] / "docs" / "xmlrpc.md"
_TABLES = re.compile(r"(?<=<!-- methods -->\n).*(?=<!-- end of methods -->\n)", re.DOTALL)


def tables(described: Iterable[MethodDescription]) -> str:
    """
    @param described: the methods of the parent process.
    @return: a section for each namespace, those of the resource itself with them.
    """
    own = boundMethods("system", Introspection.__new__(Introspection))
    methods = sorted([*described, *(each.description for each in own)], key=lambda one: one.name)
    sections = [
        "\n".join(
            [
                f"\n### `{namespace}`\n",
                "| method | role | what it does | result |",
                "| --- | --- | --- | --- |",
                *map(_row, members),
                "",
            ]
        )
        for namespace, members in groupby(methods, lambda one: one.name.partition(".")[0])
    ]
    return "".join([*sections, "\n"])


def _row(method: MethodDescription) -> str:
    given = ", ".join(
        f"{each.name}: {each.type}" if each.isRequired else f"[{each.name}: {each.type}]"
        for each in method.parameters
    )
    paragraphs = [" ".join(part.split()) for part in method.help.split("\n\n")]
    text = "<br>".join(paragraphs).replace("|", "\\|")
    role = f"{method.role}, audited" if method.changes else method.role
    return f"| `{method.name}({given})` | {role} | {text} | `{method.shape}` |"


def tablesIn(page: str) -> str:
    """
    @return: the tables of a page.
    """
    [found] = _TABLES.findall(page)
    text: str = found
    return text


def main() -> None:
    described = msgspec.json.decode(sys.stdin.buffer.read(), type=list[MethodDescription])
    page = PAGE.read_text()
    PAGE.write_text(_TABLES.sub(lambda _: tables(described), page))


if __name__ == "__main__":
    main()
