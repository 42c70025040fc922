"""What runs have found, one row for each line or cell, kept as JSON."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar


class Row(Protocol):
    """A dataclass of what JSON can hold."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def key(self) -> Hashable:
        """What it is about: a newer row with the same replaces it."""


R = TypeVar("R", bound=Row)


def merged(old: Iterable[R], new: Iterable[R]) -> list[R]:
    """
    @return: the old rows, but for those that there are new ones for.
    """
    return list({row.key: row for row in (*old, *new)}.values())


def load(path: Path, kind: type[R]) -> list[R]:
    """
    @return: the rows of a file; none if there is no file.
    """
    if not path.exists():
        return []
    return [kind(**row) for row in json.loads(path.read_text())]


def save(path: Path, rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
