"""What the threads of a worker are doing: as it says itself, or as it is made to say.

One that serves looks at its own threads (L{stacks}). One that is stuck gets a signal, upon which
C{faulthandler} writes on its standard error whatever it is doing (L{StackDump}).
"""

from __future__ import annotations

import re
import sys
import threading
import traceback
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from .lines import LineSplitter

__all__ = ["StackDump", "formatStacks", "stacks"]

_DUMPED = re.compile(r"(Current thread|Thread) 0x|  File |  \.\.\.|  <")
#: Seconds that there is nothing to hear, after which nothing more will come: at first, and later.
_PATIENCE = 2.0
_QUIET = 0.3


def stacks() -> Deferred[str]:
    """
    @return: fires with the stack of every thread of this process. They are looked at from a thread
        of its own: the reactor's goes on meanwhile, and is found at whatever it is doing.
    """
    looked: Deferred[Any] = deferToThread(formatStacks)
    return looked


def formatStacks() -> str:
    """
    @return: the stack of every thread but the one that asks, each under its name.
    """
    names = {each.ident: each.name for each in threading.enumerate()}
    here = threading.get_ident()
    return "\n".join(
        f"{names.get(ident, ident)}, most recent call last:\n"
        + "".join(traceback.format_stack(frame))
        for ident, frame in sys._current_frames().items()
        if ident != here
    )


class StackDump:
    """Picks what C{faulthandler} writes from the standard error of a process.

    @ivar isOver: whether nothing more is waited for.
    """

    def __init__(self, reactor: Any) -> None:
        """
        @param reactor: provides C{IReactorTime}.
        """
        self.isOver = False
        self._waiting: list[Deferred[str]] = []
        self._splitter = LineSplitter()
        self._lines: list[str] = []
        self._end = reactor.callLater(_PATIENCE, self._finish)

    def heard(self) -> Deferred[str]:
        """
        @return: fires with all of it.
        """
        waiting: Deferred[str] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def feed(self, data: bytes) -> None:
        """Take what the process has written."""
        dumped = [line for line in self._splitter.feed(data) if _DUMPED.match(line)]
        if dumped:
            self._lines += dumped
            self._end.reset(_QUIET)

    def _finish(self) -> None:
        self.isOver = True
        text = "\n".join(self._lines)
        for each in self._waiting:
            each.callback(text)
