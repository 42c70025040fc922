"""C{listener.*}: the addresses that are listened at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from sipapp.admin.methods.outcome import outcomeOf
from sipapp.admin.methods.pausing import Pausing
from sipapp.config import ResolvedListener, tomlKey
from sipapp.rpc import NotFound, method

if TYPE_CHECKING:
    from sipapp.adjusting import Adjusting
    from sipapp.succession import Succession

__all__ = ["ListenerEntry", "ListenerMethods"]


class ListenerEntry(Struct, frozen=True, kw_only=True, rename=tomlKey):
    """A listener.

    @ivar name: transport, address and port, such as C{udp:192.0.2.1:5060}.
    @ivar state: C{serving}, or C{paused}.
    @ivar pool: that serves it. @ivar slots: so many workers, and sockets, it has.
    @ivar resources: what is served, in order.
    @ivar isAdded: whether it is not in the configuration file.
    """

    name: str
    state: str
    transport: str
    host: str
    port: int
    pool: str
    slots: int
    resources: list[str]
    isAdded: bool


class ListenerMethods:
    """Shows listeners, adds and removes them, and pauses them."""

    def __init__(self, succession: Succession, adjusting: Adjusting, pausing: Pausing) -> None:
        self._succession = succession
        self._adjusting = adjusting
        self._pausing = pausing

    @method(name="list")
    def entries(self) -> list[ListenerEntry]:
        """Show the listeners: what they serve, by which pool, and whether they are paused."""
        return [self._entry(each) for each in self._succession.current.plan.listeners]

    @method(role="admin", changes=True)
    async def add(self, listen: dict[str, Any]) -> list[ListenerEntry]:
        """Listen at further addresses, and wait for the outcome.

        listen: a listen block with the keys that it has in the configuration file, such as
        {"address": "192.0.2.1", "port": 5070, "transport": "udp", "resources": ["options"]}; paths
        in it are absolute.

        It is a reload with one block more, all or nothing. The next reload of the file forgets it.
        What comes back is the new listeners. A port below 1024 may be out of reach, as the server
        is not root any more.
        """
        before = await outcomeOf(self._adjusting.addListener(listen))
        listeners = self._succession.current.plan.listeners
        return [self._entry(each) for each in listeners if each.index not in before]

    @method(role="admin", changes=True)
    async def remove(self, listener: str) -> ListenerEntry:
        """Listen no more at an address, and wait for the outcome.

        listener: its name, such as udp:192.0.2.1:5060.

        It is a reload without it: its workers finish what they have. The next reload of the
        configuration file brings one back that stands there.
        """
        found = self._find(listener)
        entry = self._entry(found)
        await outcomeOf(self._adjusting.removeListener(listener))
        # The number is that of the address, for whoever listens there again.
        await self._pause(found, False)
        return entry

    @method(role="operator", changes=True)
    async def pause(self, listener: str) -> ListenerEntry:
        """Take nothing new at an address, and finish what was begun.

        listener: its name, such as udp:192.0.2.1:5060.

        Requests that would begin something are answered with 503, new connections are closed at
        once; connections and calls that are there go on. It lasts until listener.resume, also
        through reloads and an upgrade.
        """
        found = self._find(listener)
        await self._pause(found, True)
        return self._entry(found)

    @method(role="operator", changes=True)
    async def resume(self, listener: str) -> ListenerEntry:
        """Take new work again at an address that was paused.

        listener: its name, such as udp:192.0.2.1:5060. While the whole server drains it stays
        paused: that ends with core.resume.
        """
        found = self._find(listener)
        await self._pause(found, False)
        return self._entry(found)

    async def _pause(self, listener: ResolvedListener, isPaused: bool) -> None:
        pauses = self._pausing.pauses
        others = tuple(each for each in pauses.listeners if each != listener.index)
        listeners = (*others, listener.index) if isPaused else others
        await self._pausing.change(replace(pauses, listeners=listeners))

    def _find(self, name: str) -> ResolvedListener:
        for each in self._succession.current.plan.listeners:
            if each.name == name:
                return each
        raise NotFound(f"there is no listener {name!r}")

    def _entry(self, listener: ResolvedListener) -> ListenerEntry:
        return ListenerEntry(
            name=listener.name,
            state="paused" if self._pausing.pauses.concerns(listener) else "serving",
            transport=listener.transport,
            host=listener.host,
            port=listener.port,
            pool=listener.pool,
            slots=listener.slots,
            resources=list(listener.listen.chain),
            isAdded=listener.block >= self._succession.current.settings.blocksOfFile,
        )
