"""The configuration of a server that runs: what stands in its file, and what operators adjust.

Adjustments are part of the settings (C{sipapp.config.Adjustments}), and they take effect as any new
configuration does (L{sipapp.reload}): checked as a whole, and nothing has changed if something is
wrong. They hold for as long as those settings: a worker that is replaced has them, and the program
that is executed in the place of this one (SIGUSR2) goes on with them, on the file as it is then. A
reload of the file forgets them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sipapp.config import (
    SHARED,
    Adjustments,
    ConfigurationError,
    Place,
    Plan,
    ResolvedListener,
    Settings,
    adjustSettings,
    loadSettings,
    resolve,
)
from sipapp.outcomes import Reloaded
from sipapp.plugins import resourceTypes
from sipapp.reload import Reload
from sipapp.succession import Succession

__all__ = ["Adjusting", "loaded", "loadedAdjusted"]

_log = Logger()


def loaded(file: str | None) -> tuple[Settings, Plan]:
    """Read a configuration.

    @param file: C{None} is the embedded one.
    @raise ConfigurationError: if it cannot be used.
    """
    settings = loadSettings(file, resourceTypes())
    return settings, resolve(settings)


def loadedAdjusted(file: str | None, adjustments: Adjustments) -> tuple[Settings, Plan]:
    """Read a configuration and adjust it. Adjustments that do not fit are forgotten.

    @raise ConfigurationError: if it cannot be used as it is.
    """
    settings, plan = loaded(file)
    if adjustments == Adjustments():
        return settings, plan
    try:
        return _adjusted(settings, adjustments)
    except ConfigurationError as error:
        _log.critical(
            "What was adjusted does not fit the configuration any more and is forgotten: {it}."
            " {cause}",
            it="; ".join(adjustments.describe()),
            cause=error,
        )
        return settings, plan


class Adjusting:
    """Adjusts the configuration of a server. Each change is made to the configuration that there is
    when it is its turn."""

    def __init__(self, succession: Succession, reload: Reload) -> None:
        self._succession = succession
        self._reload = reload

    def resize(self, pool: str, size: int) -> Deferred[Reloaded]:
        """Give a pool another number of workers.

        @return: as of C{Reload.request}.
        """

        def load() -> tuple[Settings, Plan]:
            current = self._succession.current
            return _adjusted(current.settings, resized(current.settings, current.plan, pool, size))

        return self._reload.request(load)

    def addListener(self, table: Mapping[str, Any]) -> Deferred[set[int]]:
        """Listen at further addresses.

        @param table: a listen block, as it would stand in the file.
        @return: fires with the numbers of the listeners that there were before; fails as that of
            C{Reload.request}.
        """
        before: set[int] = set()

        def load() -> tuple[Settings, Plan]:
            current = self._succession.current
            before.update(each.index for each in current.plan.listeners)
            return _adjusted(current.settings, extended(current.settings, table))

        return self._reload.request(load).addCallback(lambda _: before)

    def removeListener(self, name: str) -> Deferred[Reloaded]:
        """Listen no more at an address.

        @param name: of the listener.
        @return: as of C{Reload.request}.
        """

        def load() -> tuple[Settings, Plan]:
            current = self._succession.current
            return _adjusted(current.settings, reduced(current.settings, current.plan, name))

        return self._reload.request(load)


def resized(settings: Settings, plan: Plan, pool: str, size: int) -> Adjustments:
    """
    @param plan: what the settings have come to.
    @raise ConfigurationError: if there is no such pool.
    """
    adjustments = settings.adjustments
    listener = next((each for each in plan.listeners if each.pool == pool), None)
    if listener is None:
        raise ConfigurationError(settings.file, pool, "there is no such pool")
    added = listener.block - settings.blocksOfFile
    if added < 0 or pool == SHARED:
        return replace(adjustments, sizes={**adjustments.sizes, pool: size})
    # The name of its pool is not for ever: it counts the listeners.
    table = {**adjustments.added[added], "socket_workers": size}
    return replace(adjustments, added=_exchanged(adjustments.added, added, table))


def extended(settings: Settings, table: Mapping[str, Any]) -> Adjustments:
    """
    @param table: a listen block. Each listener that it stands for can be removed alone.
    @raise ConfigurationError: if it cannot be used.
    """
    adjustments = settings.adjustments
    whole = replace(adjustments, added=(*adjustments.added, dict(table)))
    _, plan = _adjusted(settings, whole)
    tables = tuple(
        {
            **table,
            "transport": each.transport,
            "address": each.host,
            "port": each.port,
        }
        for each in plan.listeners
        if each.block == len(settings.listen)
    )
    return replace(adjustments, added=(*adjustments.added, *tables))


def reduced(settings: Settings, plan: Plan, name: str) -> Adjustments:
    """
    @param plan: what the settings have come to, with the ports that were bound.
    @raise ConfigurationError: if there is no such listener, or it cannot be told from another.
    """
    listener = next((each for each in plan.listeners if each.name == name), None)
    if listener is None:
        raise ConfigurationError(settings.file, name, "there is no such listener")
    adjustments = settings.adjustments
    added = listener.block - settings.blocksOfFile
    if added >= 0:
        return replace(adjustments, added=_exchanged(adjustments.added, added))
    place = _place(listener, plan, settings)
    return replace(adjustments, removed=(*adjustments.removed, place))


def _place(listener: ResolvedListener, plan: Plan, settings: Settings) -> Place:
    """Where a listener stands in the file, where its port may be left to the kernel."""
    if listener.listen.port != 0:
        return Place(listener.transport, listener.host, listener.port)
    place = Place(listener.transport, listener.host, 0)
    alike = [Place(each.transport, each.host, each.listen.port or 0) for each in plan.listeners]
    if alike.count(place) > 1:
        raise ConfigurationError(
            settings.file, listener.name, "there are several whose ports the kernel has chosen"
        )
    return place


def _exchanged(
    tables: tuple[dict[str, Any], ...], index: int, *new: dict[str, Any]
) -> tuple[dict[str, Any], ...]:
    return (*tables[:index], *new, *tables[index + 1 :])


def _adjusted(settings: Settings, adjustments: Adjustments) -> tuple[Settings, Plan]:
    """
    @raise ConfigurationError: if the settings cannot be used with other adjustments.
    """
    settings = adjustSettings(settings, adjustments, resourceTypes())
    return settings, resolve(settings)
