"""C{sipappctl status}: a server at a glance; and C{sipappctl top}: the same again and again."""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec

from sipapp.admin.client import Client, ServerAbsent
from sipapp.admin.commands.asking import DONE, NOT_DONE, Misused, asking, connect, operating
from sipapp.admin.commands.glance import Line, drawn, summary
from sipapp.admin.commands.screen import Screen
from sipapp.admin.options import between
from sipapp.admin.stats.overview import Overview
from sipapp.admin.tables import writeJSON

__all__ = ["addTopCommands"]

_LEAVE = frozenset("qQ\x03\x04")
"""q, and what interrupts or ends elsewhere: Ctrl-C and Ctrl-D."""


class _Left(Exception):
    """Nobody wants to see any more."""


def addTopCommands(commands: Any) -> None:
    """
    @param commands: the subparsers that C{sipappctl} has its commands in.
    """
    status = commands.add_parser(
        "status",
        help="show whether the server is ready, what it does, and what the doctor says",
        description="Exits with 0 if the server is ready, 1 if it is not, 5 if none runs.",
        parents=[operating()],
    )
    status.set_defaults(run=asking(_status))
    top = commands.add_parser(
        "top",
        help="watch pools and workers; q leaves",
        parents=[operating(asJSON=False)],
    )
    top.add_argument(
        "-d", "--delay", type=_delay, default=1.0, help="seconds between looks (default: 1)"
    )
    top.set_defaults(run=asking(_top))


def _status(client: Client, given: Namespace) -> int:
    now = _look(client)
    if given.json:
        writeJSON(now)
    else:
        print("\n".join(summary(now)))
    return DONE if now.ready else NOT_DONE


def _top(client: Client, given: Namespace) -> None:
    if not Screen.isThere():
        raise Misused("top needs a terminal; status does not")
    server = client
    with suppress(_Left), Screen() as screen:
        while True:
            with server:
                cause = _watch(screen, server, given.delay)
            server = _another(screen, given, cause)


def _watch(screen: Screen, server: Client, delay: float) -> str:
    """
    @return: why there is nothing to see any more.
    @raise _Left: if nobody wants to.
    """
    before: Overview | None = None
    while True:
        try:
            # One that hangs keeps nobody here.
            now = _look(server, lambda: _wait(screen, 0))
        except ServerAbsent as absent:
            return str(absent)
        screen.draw(drawn(before, now, *screen.size))
        _wait(screen, delay)
        before = now


def _another(screen: Screen, given: Namespace, cause: str) -> Client:
    """Wait for a server to come back, as after a restart.

    @raise _Left: if nobody wants to wait any more.
    """
    while True:
        width, _ = screen.size
        screen.draw([Line(cause[:width], isLoud=True), Line("Tries again. q leaves."[:width])])
        _wait(screen, given.delay)
        try:
            return connect(given)
        except ServerAbsent as absent:
            cause = str(absent)


def _wait(screen: Screen, seconds: float) -> None:
    """
    @raise _Left: as soon as somebody leaves.
    """
    due = time.monotonic() + seconds
    left = seconds
    while True:
        typed = screen.keys(left)
        if typed is None or not _LEAVE.isdisjoint(typed):
            raise _Left
        left = due - time.monotonic()
        if left <= 0:
            return


def _look(client: Client, meanwhile: Callable[[], None] = lambda: None) -> Overview:
    return msgspec.convert(client.call("stats.overview", meanwhile=meanwhile), Overview)


def _delay(text: str) -> float:
    return between(text, 0.1, 3600)
