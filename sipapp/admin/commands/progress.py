"""A line on the terminal that says how far the server is with what takes long."""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO

from sipapp.admin.client import Client, ServerAbsent
from sipapp.admin.commands.asking import connect
from sipapp.config import ConfigurationError
from sipapp.rpc import Fault

__all__ = ["Progress", "progress"]

_ERASE = "\r\x1b[K"


class Progress:
    """Writes over its line again and again. Where nobody sees it, it writes nothing."""

    def __init__(
        self,
        doing: str,
        look: Callable[[], str],
        file: TextIO,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        @param doing: what takes long.
        @param look: finds out how things stand.
        """
        self._doing = doing
        self._look = look
        self._file = file
        self._clock = clock
        self._began = clock()

    def draw(self) -> None:
        """Write how things stand."""
        seconds = self._clock() - self._began
        line = f"{self._doing} ... {self._look()} ({seconds:.0f} s)"
        self._file.write(_ERASE + line)
        self._file.flush()

    def erase(self) -> None:
        """Leave the line empty."""
        self._file.write(_ERASE)
        self._file.flush()


@contextmanager
def progress(doing: str, given: Namespace) -> Iterator[Callable[[], None]]:
    """
    @return: what is to be called again and again until this is left; it shows how the workers are
        doing, on standard error if that is a terminal.
    """
    if not sys.stderr.isatty():
        yield lambda: None
        return
    try:
        # The other connection waits for its answer.
        client: Client | None = connect(given)
    except (ServerAbsent, ConfigurationError):
        client = None
    shown = Progress(doing, lambda: _workers(client), sys.stderr)
    try:
        yield shown.draw
    finally:
        shown.erase()
        if client is not None:
            client.close()


def _workers(client: Client | None) -> str:
    if client is None:
        return ""
    try:
        workers = client.call("worker.list", patience=1.0)
        generations = client.call("core.info", patience=1.0)["generations"]
    except (Fault, ServerAbsent):
        # It may be about to end, which is what is waited for.
        return ""
    return inStates(workers, generations)


def inStates(workers: Sequence[Mapping[str, Any]], generations: Sequence[Mapping[str, Any]]) -> str:
    """
    @param workers: those that serve, and those in whose place others will.
    @param generations: all that there are, the last one last.
    @return: how many of the workers are in which state, and how far the last generation is if there
        are others.
    """
    counts = Counter(str(worker["state"]) for worker in workers)
    states = ", ".join(f"{count} {state}" for state, count in counts.most_common())
    if len(generations) < 2:
        return states
    last = generations[-1]
    return f"{states}; generation {last['number']}: {last['ready']} of {last['workers']} ready"
