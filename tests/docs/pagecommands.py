"""The blocks of a page of the documentation, and the commands in them."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Command", "blocks", "commands"]


class Command(NamedTuple):
    """A command of a page, and what it prints there."""

    text: str
    output: str


def blocks(page: str, kind: str) -> list[str]:
    """
    @param page: in Markdown.
    @param kind: what the blocks say that they are, such as C{toml}.
    """
    return re.findall(rf"^```{kind}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[Command]:
    """
    @return: all that is typed at a prompt in the page.
    """
    found = []
    for block in blocks(page, "console"):
        for each in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            lines = each.splitlines()
            length = next(n for n, line in enumerate(lines, 1) if not line.endswith("\\"))
            found.append(Command("\n".join(lines[:length]), "\n".join(lines[length:])))
    return found
