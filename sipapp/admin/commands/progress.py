"""A line on the terminal that says how far the server is with what takes long."""

from __future__ import annotations

import os
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TextIO

from sipapp.admin.client import Client, ServerAbsent
from sipapp.admin.commands.asking import connect
from sipapp.config import ConfigurationError
from sipapp.rpc import Fault

__all__ = ["Progress", "progress"]

_ERASE = "\r\x1b[K"


class Progress:
    """Writes over its line again and again."""

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
        @param file: a terminal.
        """
        self._doing = doing
        self._look = look
        self._file = file
        self._clock = clock
        self._began = clock()
        self._isDrawn = False

    def draw(self) -> None:
        """Write how things stand."""
        seconds = self._clock() - self._began
        words = (f"{self._doing} ...", self._look(), f"({seconds:.0f} s)")
        # Of a line that goes on in the next one, that alone would be erased.
        self._write(_ERASE + " ".join(filter(None, words))[: self._width - 1])
        self._isDrawn = True

    def erase(self) -> None:
        """Leave the line empty."""
        if self._isDrawn:
            self._write(_ERASE)

    @property
    def _width(self) -> int:
        # Terminals at a serial line do not know.
        return os.get_terminal_size(self._file.fileno()).columns or 80

    def _write(self, text: str) -> None:
        self._file.write(text)
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
    with ExitStack() as connection:
        looking = _Looking(given, connection)
        shown = Progress(doing, looking.look, sys.stderr)
        try:
            yield shown.draw
        finally:
            shown.erase()


class _Looking:
    """Asks how the workers are doing, over another connection than that which waits."""

    def __init__(self, given: Namespace, connection: ExitStack) -> None:
        """
        @param connection: holds the other one, once it is needed.
        """
        self._given = given
        self._connection = connection
        self._client: Client | None = None

    def look(self) -> str:
        """In a few words; in none if nobody answers."""
        try:
            if self._client is None:
                self._client = self._connection.enter_context(connect(self._given))
            workers = self._client.call("worker.list", patience=1.0)
            generations = self._client.call("core.info", patience=1.0)["generations"]
        except (Fault, ServerAbsent, ConfigurationError):
            # The server may be about to end, which is what is waited for.
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
