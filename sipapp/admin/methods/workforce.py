"""The workers, as methods see them: who there is, what they answer, and what they tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec
from msgspec import Struct
from twisted.internet.defer import Deferred, DeferredList, fail

from sipapp.answers import outcomeOf, readOutcome
from sipapp.pool import Unanswered, WorkerState
from sipapp.rpc import InvalidParameters, NotFound, Unavailable

__all__ = ["Kind", "Staff", "WorkerEntry", "Workforce"]

Kind = Literal["sip", "web"]


class WorkerEntry(Struct, frozen=True):
    """A worker, as it is now.

    @ivar name: pool and slot.
    @ivar pid: C{None} while there is no process.
    @ivar state: C{ready}, or another of the states in C{sipapp.pool.slottable}.
    @ivar restarts: how many processes have replaced another in this slot.
    @ivar kind: of its pool.
    @ivar reason: why the last process was replaced; empty if none was.
    """

    name: str
    pool: str
    pid: int | None
    state: str
    restarts: int
    kind: Kind
    reason: str = ""


class _Pool(Protocol):
    def workers(self) -> list[WorkerState]: ...
    def channel(self, worker: str) -> _Channel | None: ...


class _Channel(Protocol):
    def ask(self, subject: str, body: bytes, timeout: float) -> Deferred[bytes]: ...


class _PoolPlan(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...


class _Plan(Protocol):
    @property
    def pools(self) -> Sequence[_PoolPlan]: ...


class Staff(Protocol):
    """What has the workers: a C{sipapp.generation.Generation}."""

    @property
    def plan(self) -> _Plan: ...
    @property
    def pools(self) -> Mapping[str, _Pool]: ...


class Workforce:
    """Asks the workers that serve, and hears what they tell.

    Those that only finish their work, after another generation has taken over, are not asked.

    @ivar listeners: for each subject, who is called with the name of the worker and what it tells.
    @ivar answers: for each subject that workers ask about, what is called with the name of the
        worker and the question; returns a Deferred of the answer, or fails with a L{Fault}.
    """

    def __init__(self, staff: Callable[[], Staff]) -> None:
        """
        @param staff: whoever serves now.
        """
        self.listeners: dict[str, Callable[[str, Any], object]] = {}
        self.answers: dict[str, Callable[[str, Any], Deferred[Any]]] = {}
        self._staff = staff

    def states(self) -> list[WorkerEntry]:
        """
        @return: all workers, pool by pool.
        """
        staff = self._staff()
        return [
            WorkerEntry(
                each.name, plan.name, each.pid, each.state, each.restarts, kind, each.reason
            )
            for plan in staff.plan.pools
            for kind in (_kind(plan),)
            for each in staff.pools[plan.name].workers()
        ]

    def ask(
        self, worker: str, question: str, /, timeout: float = 5.0, **arguments: Any
    ) -> Deferred[Any]:
        """Ask a worker: see C{sipapp.answers}.

        @param worker: its name.
        @param timeout: seconds that it may take.
        @param arguments: what can be written as JSON.
        @return: fires with what it answers, made of what JSON has; fails with a L{Fault}:
            L{NotFound} if there is no such worker, L{Unavailable} if it does not answer.
        """
        for name, pool in self._staff().pools.items():
            if worker.rpartition("/")[0] == name:
                return self._ask(pool, worker, question, timeout, arguments)
        return fail(NotFound(f"there is no worker {worker!r}"))

    def askAll(
        self,
        question: str,
        /,
        kind: Kind | None = None,
        pool: str | None = None,
        timeout: float = 5.0,
        **arguments: Any,
    ) -> Deferred[dict[str, Any]]:
        """Ask all workers that are ready, at the same time.

        @param kind: asks those of this kind only.
        @param pool: asks those of this pool only.
        @return: fires with the answer, or the L{Fault}, for each that was asked, by its name. Fails
            with L{NotFound} if there is no such pool.
        """
        staff = self._staff()
        if pool is not None and pool not in staff.pools:
            return fail(NotFound(f"there is no pool {pool!r}"))
        asked = [
            each.name
            for each in self.states()
            if each.state == "ready" and kind in (None, each.kind) and pool in (None, each.pool)
        ]
        answers = DeferredList(
            [self.ask(name, question, timeout, **arguments) for name in asked], consumeErrors=True
        )

        def collect(results: Iterable[tuple[bool, Any]]) -> dict[str, Any]:
            return {
                name: result if isAnswered else result.value
                for name, (isAnswered, result) in zip(asked, results, strict=True)
            }

        return answers.addCallback(collect)

    def _ask(
        self, pool: _Pool, worker: str, question: str, timeout: float, arguments: Mapping[str, Any]
    ) -> Deferred[Any]:
        channel = pool.channel(worker)
        if channel is None:
            states = {each.name: each.state for each in pool.workers()}
            if worker not in states:
                return fail(NotFound(f"there is no worker {worker!r}"))
            return fail(Unavailable(f"{worker} is {states[worker]}"))
        try:
            body = msgspec.json.encode(arguments)
        except (TypeError, ValueError) as error:
            return fail(InvalidParameters(str(error)))
        answered = channel.ask(question, body, timeout)

        def refuse(failure: Any) -> Any:
            failure.trap(Unanswered)
            raise Unavailable(f"{worker} {failure.value}") from None

        return answered.addCallbacks(readOutcome, refuse)

    # What the workers ask and tell: see sipapp.pool.Desk.

    def asked(self, worker: str, subject: str, body: bytes) -> Deferred[bytes]:
        """A worker has asked."""

        def answer() -> Any:
            if subject not in self.answers:
                raise NotFound(f"nobody answers {subject!r}")
            return self.answers[subject](worker, msgspec.json.decode(body))

        return outcomeOf(answer, subject)

    def told(self, worker: str, subject: str, body: bytes) -> None:
        """A worker has told something."""
        listener = self.listeners.get(subject)
        if listener is not None:
            listener(worker, msgspec.json.decode(body))


def _kind(plan: _PoolPlan) -> Kind:
    return "web" if plan.kind == "web" else "sip"
