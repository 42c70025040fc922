"""Looks through what a worker has under way, for people who want to see it.

There may be a hundred thousand transactions or connections, and whoever looks must not keep anybody
waiting who calls. So they are looked at a few at a time, and what comes to the sockets has its turn
in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct
from twisted.internet.task import deferLater

__all__ = ["Asked", "Found", "find", "place", "shown"]

_AT_ONCE = 100
"""So many are looked at in one iteration of the reactor: half a millisecond, or two."""

_LONGEST = 200
"""Characters shown of a text that a peer has chosen."""

T = TypeVar("T")
V = TypeVar("V")


class Asked(Protocol):
    """Where questions get their answers: C{sipapp.answers.Answers}."""

    def add(self, question: str, answer: Callable[..., Any]) -> None: ...


class Found(Struct, Generic[V]):
    """What was looked for.

    @ivar rows: the first of them, as many as were wanted.
    @ivar matching: how many there are.
    """

    rows: list[V]
    matching: int = 0


async def find(
    reactor: Any,
    things: Sequence[T],
    isWanted: Callable[[T], bool],
    view: Callable[[T], V],
    limit: int,
) -> Found[V]:
    """Look through things, a few in each iteration of the reactor.

    @param things: nobody else's sequence; the things themselves may change meanwhile.
    @param limit: so many are shown at most; all that are wanted are counted.
    """
    found: Found[V] = Found([])
    for start in range(0, len(things), _AT_ONCE):
        if start:
            await deferLater(reactor, 0)
        for each in things[start : start + _AT_ONCE]:
            if isWanted(each):
                found.matching += 1
                if len(found.rows) < limit:
                    found.rows.append(view(each))
    return found


def shown(text: str) -> str:
    """
    @return: what a peer has written, as it can be shown: text, and not much of it.
    """
    if not text.isascii():
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def place(host: str, port: int) -> str:
    """
    @return: an address and a port as people write them.
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
