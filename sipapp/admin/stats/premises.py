"""Where the numbers of a server are found."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol

from sipapp.admin.doctor.examination import Report
from sipapp.admin.methods.ban import BanEntry
from sipapp.admin.methods.workforce import Workforce
from sipapp.admin.stats.gathering import Gathering, Sources
from sipapp.admin.stats.overview import BanView

__all__ = ["gatheringOf"]

_SHOWN = 100
"""Bans."""


class Premises(Protocol):
    """A C{sipapp.operations.Premises}."""

    @property
    def workforce(self) -> Workforce: ...
    @property
    def succession(self) -> Any: ...
    @property
    def listening(self) -> Any: ...
    @property
    def isReady(self) -> Callable[[], bool]: ...
    @property
    def report(self) -> Callable[[], Report | None]: ...


def gatheringOf(
    premises: Premises,
    registrations: Callable[[], Awaitable[int]],
    bans: Callable[[], Awaitable[list[BanEntry]]],
) -> Gathering:
    """
    @param registrations: counts them. @param bans: gives them all.
    """
    succession, listening = premises.succession, premises.listening

    def sockets() -> Iterator[tuple[str, tuple[socket.socket, ...]]]:
        for listener in succession.current.plan.listeners:
            yield listener.name, listening.sockets(listener.index)

    def unready() -> str:
        if not premises.isReady():
            return "the server starts or stops"
        return "the server drains" if listening.pauses.isDraining else ""

    async def latest() -> tuple[list[BanView], int]:
        every = await bans()
        every.sort(key=lambda ban: -ban.since)
        views = [
            BanView(network=each.network, left=each.left, reason=each.reason)
            for each in every[:_SHOWN]
        ]
        return views, len(every)

    return Gathering(
        Sources(
            premises.workforce,
            lambda: succession.current.plan,
            lambda: succession.current.number,
            sockets,
            unready,
            premises.report,
            registrations,
            latest,
        )
    )
