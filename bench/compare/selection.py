"""Which part of the comparison is run: cells, and the servers in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bench.compare.idle import IDLE
from bench.compare.rows import ORDER
from bench.compare.scenarios import SCENARIOS


@dataclass(frozen=True)
class Cell:
    scenario: str
    transport: str
    workers: int
    servers: tuple[str, ...] = ORDER

    def only(self, patterns: Iterable[str]) -> Cell:
        """
        @param patterns: C{scenario/transport/workers/server}, each part a pattern of the shell;
            parts that are left out at the end match everything.
        @return: the cell with the servers that a pattern matches.
        """
        wanted = tuple(
            server
            for server in self.servers
            if any(_matches((*self._path, server), pattern) for pattern in patterns)
        )
        return Cell(self.scenario, self.transport, self.workers, wanted)

    @property
    def _path(self) -> tuple[str, str, str]:
        return self.scenario, self.transport, str(self.workers)


def everything() -> Iterator[Cell]:
    for scenario in SCENARIOS:
        for transport in ("udp", "tcp"):
            for workers in (1, 2):
                yield Cell(scenario, transport, workers)
    for scenario, connections in IDLE.items():
        # A process may not open enough files for all connections.
        yield Cell(scenario, "tcp", 1 if connections < 10_000 else 4)


def quick() -> Iterator[Cell]:
    """What takes a few minutes."""
    for scenario in SCENARIOS:
        yield Cell(scenario, "udp", 1)


def select(cells: Iterable[Cell], patterns: Sequence[str]) -> list[Cell]:
    """
    @param patterns: none for all cells.
    """
    if not patterns:
        return list(cells)
    chosen = (cell.only(patterns) for cell in cells)
    return [cell for cell in chosen if cell.servers]


def _matches(path: Sequence[str], pattern: str) -> bool:
    parts = pattern.split("/")
    return len(parts) <= len(path) and all(map(fnmatchcase, path, parts))
