"""What a configuration asks of a machine."""

from __future__ import annotations

from msgspec import Struct

from sipapp.config import Plan, PoolPlan, ResolvedListener, Settings
from sipapp.pool.sockets import BACKLOG, INBOX_BUFFER

__all__ = ["Demand"]

#: Descriptors of a worker for its listeners, stores, resolver, log and reactor.
_WORKER_FILES = 64
#: Of the parent, for itself and for each worker: its inbox, black box, control channel and output.
#: The workers are there twice while a generation follows another.
_PARENT_FILES = 64
_FILES_OF_A_CHILD = 16

#: Bytes that a worker occupies when it has just started.
_FRESH_WORKER = 40 << 20
#: Threads of a worker: the reactor's, and up to ten of its pool.
_THREADS = 11


class Demand(Struct, frozen=True):
    """What has to be there if everything that is allowed happens at once.

    @ivar settings: the configuration.
    @ivar plan: what it comes to.
    @ivar workers: ids of the worker processes by name, if a server runs.
    """

    settings: Settings
    plan: Plan
    workers: dict[str, int] = {}

    # Connections.

    @property
    def streams(self) -> list[ResolvedListener]:
        """The listeners that connections come to."""
        return [each for each in self.plan.listeners if each.transport != "udp"]

    @property
    def datagrams(self) -> list[ResolvedListener]:
        """The listeners that datagrams come to."""
        return [each for each in self.plan.listeners if each.transport == "udp"]

    @property
    def backlog(self) -> int:
        """Connections that wait in one socket until a worker accepts them."""
        return BACKLOG

    def accepted(self, pool: PoolPlan) -> int:
        """Connections that each worker of a pool accepts."""
        listeners = [self.plan.listeners[index] for index in pool.listeners]
        allowed = [each.listen.bounds.connections for each in listeners if each.transport != "udp"]
        together = self.settings.pools.tcpMaxConnections
        if together is None or pool.kind != "stream":
            return sum(allowed)
        return min(sum(allowed), together // self.plan.streamWorkers)

    def opened(self, pool: PoolPlan) -> int:
        """Connections that each worker of a pool opens itself."""
        return 0 if pool.kind == "web" else self.settings.sip.outgoingConnections

    @property
    def connections(self) -> int:
        """Connections that all workers together accept."""
        return sum(self.accepted(pool) * pool.size for pool in self.plan.pools)

    @property
    def outgoing(self) -> int:
        """Connections that all workers together open."""
        return sum(self.opened(pool) * pool.size for pool in self.plan.pools)

    # Descriptors.

    def descriptors(self, pool: PoolPlan) -> int:
        """Those that a worker of a pool needs."""
        return self.accepted(pool) + self.opened(pool) + _WORKER_FILES

    @property
    def parentDescriptors(self) -> int:
        """Those that the parent needs."""
        sockets = sum(each.slots for each in self.plan.listeners)
        return sockets + _FILES_OF_A_CHILD * self.plan.processes + _PARENT_FILES

    @property
    def mostDescriptors(self) -> int:
        """Those of the process that needs most."""
        return max(self.parentDescriptors, *map(self.descriptors, self.plan.pools))

    @property
    def allDescriptors(self) -> int:
        """Those of all processes."""
        workers = sum(self.descriptors(pool) * pool.size for pool in self.plan.pools)
        return self.parentDescriptors + workers

    # Buffers.

    @property
    def receiveBuffer(self) -> int:
        """Bytes asked for, of each UDP socket."""
        return self.settings.sip.udpReceiveBuffer

    @property
    def inboxBuffer(self) -> int:
        """Bytes asked for, of each worker's inbox in either direction."""
        return INBOX_BUFFER

    @property
    def datagramSockets(self) -> int:
        return sum(each.slots for each in self.datagrams)

    # Processes.

    @property
    def leastMemory(self) -> int:
        """Bytes that all processes occupy when they have just started."""
        return _FRESH_WORKER * (self.plan.processes + 1)

    @property
    def mostMemory(self) -> int:
        """Bytes that they occupy when fresh workers start beside those that have grown to their
        limit, if there is one."""
        limit = self.settings.pools.memoryLimit
        grown = _FRESH_WORKER if limit is None else max(limit << 20, _FRESH_WORKER)
        return self.leastMemory + grown * self.plan.processes

    @property
    def tasks(self) -> int:
        """Threads of all processes, while a generation follows another."""
        return _THREADS * (2 * self.plan.processes + 1)
