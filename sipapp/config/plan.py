"""The plan of a server: what settings come to on a machine."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from sipapp.config.listensettings import ListenSettings

SHARED = "tcp"
"""The name of the pool that stream listeners without workers of their own share."""

Kind = Literal["udp", "stream", "web"]


class ResolvedListener(Struct, frozen=True, kw_only=True):
    """One address to bind.

    @ivar index: its place in the plan.
    @ivar transport: C{udp}, C{tcp}, C{tls}, C{http} or C{https}.
    @ivar host: IPv4 or IPv6 address, without brackets.
    @ivar port: 0 leaves the choice to the kernel.
    @ivar family: 4 or 6.
    @ivar pool: name of the pool that serves it.
    @ivar slots: size of that pool, and so the number of sockets to bind.
    @ivar listen: the listen block that it comes from.
    @ivar block: the place of that block in the file, from 0.
    @ivar advertisedHost: the host to call it in messages; C{None} is its own address.
    @ivar advertisedPort: the port to call it in messages; C{None} is its own.
    """

    index: int
    transport: str
    host: str
    port: int
    family: Literal[4, 6]
    pool: str
    slots: int
    listen: ListenSettings
    block: int
    advertisedHost: str | None = None
    advertisedPort: int | None = None

    @property
    def name(self) -> str:
        """Transport, address and port, such as C{udp:127.0.0.1:5060} or C{tcp:[::1]:5060}."""
        host = f"[{self.host}]" if self.family == 6 else self.host
        return f"{self.transport}:{host}:{self.port}"


class PoolPlan(Struct, frozen=True, kw_only=True):
    """One pool of worker processes.

    @ivar name: C{udp-0}, C{tcp} (the shared one), C{tcp-1}, C{http-0}: the number counts the
        listeners of that kind.
    @ivar kind: what it serves.
    @ivar size: how many processes.
    @ivar reason: the setting that gives it this size.
    @ivar listeners: indices of the listeners that it serves.
    """

    name: str
    kind: Kind
    size: int
    reason: str
    listeners: tuple[int, ...] = ()


class Plan(Struct, frozen=True, kw_only=True):
    """What to bind and what to start."""

    listeners: tuple[ResolvedListener, ...]
    pools: tuple[PoolPlan, ...]

    @property
    def streamWorkers(self) -> int:
        """The number of worker processes that TCP and TLS connections come to."""
        return sum(pool.size for pool in self.pools if pool.kind == "stream")

    @property
    def processes(self) -> int:
        """The number of worker processes."""
        return sum(pool.size for pool in self.pools)

    def pool(self, name: str) -> PoolPlan:
        """The pool of this name."""
        return next(pool for pool in self.pools if pool.name == name)
