"""C{worker.*}: single worker processes."""

from __future__ import annotations

from signal import SIGABRT, SIGKILL, SIGTERM
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from sipapp.admin.methods.outcome import outcomeOf
from sipapp.admin.methods.trace import Seconds, SubjectText, Traces
from sipapp.admin.methods.workforce import WorkerEntry, Workforce
from sipapp.outcomes import Restarted
from sipapp.pool.process import WorkerProcess
from sipapp.pool.slot import Slot
from sipapp.rpc import Caller, Fault, InvalidParameters, NotFound, Stream, Unavailable, method
from sipapp.tracing import Traced

if TYPE_CHECKING:
    from sipapp.rolling import Rolling
    from sipapp.succession import Succession

__all__ = ["Signalled", "StackView", "WorkerMethods"]

_SIGNALS = {"TERM": SIGTERM, "KILL": SIGKILL, "ABRT": SIGABRT}

#: Seconds that a worker may take to answer before it is made to.
_PATIENCE = 2.0


class Signalled(Struct, frozen=True):
    """A process that was sent a signal."""

    worker: str
    pid: int


class StackView(Struct, frozen=True):
    """What a worker was doing.

    @ivar answers: whether it has said so itself. If not, it was interrupted at whatever keeps it.
    @ivar stack: of each of its threads.
    """

    worker: str
    pid: int
    answers: bool
    stack: str


class WorkerMethods:
    """Shows worker processes, and looks at them or ends them one by one."""

    def __init__(
        self, succession: Succession, rolling: Rolling, workforce: Workforce, traces: Traces
    ) -> None:
        self._succession = succession
        self._rolling = rolling
        self._workforce = workforce
        self._traces = traces

    @method(name="list")
    def entries(self) -> list[WorkerEntry]:
        """Show the workers: their pids and states, how often they were replaced, and why."""
        return self._workforce.states()

    @method(role="operator", changes=True)
    async def restart(self, worker: str, caller: Caller) -> Restarted:
        """Replace a worker by a fresh one that takes over from it, and wait for its end.

        worker: its name, such as udp-0/2. Calls and connections do not notice.
        """
        pool, slot = self._find(worker)
        return await outcomeOf(self._rolling.restart(pool, [slot], caller.through))

    @method(role="admin", changes=True)
    def kill(self, worker: str, signal: Literal["TERM", "KILL", "ABRT"] = "TERM") -> Signalled:
        """Send a worker a signal. Another one takes its place in either case.

        worker: its name, such as udp-0/2. signal: TERM has it finish what it has; KILL ends it at
        once; ABRT does so after its stacks are in the log. What it alone has is lost, such as its
        connections: worker.restart loses nothing.
        """
        slot, process = self._filled(worker)
        slot.end(_SIGNALS[signal])
        return Signalled(worker, process.pid or 0)

    @method(role="operator")
    async def stack(self, worker: str) -> StackView:
        """Tell what a worker is doing: the stack of each of its threads.

        worker: its name, such as udp-0/2. One that does not answer is interrupted where it hangs.
        """
        _, process = self._filled(worker)
        pid = process.pid or 0
        try:
            text = await self._workforce.ask(worker, "stack", timeout=_PATIENCE)
        except Fault:
            text = await process.stack()
            if not text:
                raise Unavailable(f"{worker}, pid {pid}, does not even react to a signal") from None
            return StackView(worker, pid, False, text)
        return StackView(worker, pid, True, text)

    @method(role="operator", changes=True, isPrivate=True)
    async def trace(
        self,
        subject: SubjectText = "",
        seconds: Seconds = 10.0,
        live: bool = False,
        stream: Stream | None = None,
    ) -> Traced:
        """Follow SIP messages as they come and go, across all workers.

        subject: an address or network, such as 192.0.2.1 or 192.0.2.1:5060; a user, such as alice,
        alice@example.com or +4930123456; or a Call-ID. If it is left out, everything is shown.
        seconds: how long, at most 60 unless live. live: whether to send messages as they come, to
        those on the unix socket, instead of all of them in the end.

        Once a message of an address or user is seen, all of its call are. The bytes are in base64,
        and what somebody could log in with is masked. When there are too many, some are left out;
        left_out counts them.
        """
        if not live:
            return await self._traces.collect(subject, seconds)
        if stream is None:
            raise InvalidParameters("live: only those on the unix socket are sent anything")
        return await self._traces.watch(subject, seconds, stream)

    def _find(self, worker: str) -> tuple[str, int]:
        """
        @return: its pool and slot.
        @raise NotFound: if there is no such worker.
        """
        for name, pool in self._succession.current.pools.items():
            for each in pool.workers():
                if each.name == worker:
                    return name, each.slot
        raise NotFound(f"there is no worker {worker!r}")

    def _filled(self, worker: str) -> tuple[Slot, WorkerProcess]:
        """
        @return: its slot, and the process there.
        @raise Unavailable: if its slot is empty.
        """
        name, number = self._find(worker)
        slot = self._succession.current.pools[name].slotAt(number)
        if slot.process is None:
            raise Unavailable(f"{worker} has no process: it is {slot.state}")
        return slot, slot.process
