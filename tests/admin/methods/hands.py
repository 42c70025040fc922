"""Workers of the test's own: they answer questions, and that is all."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, fail

from sipapp.admin.methods import Workforce
from sipapp.answers import Answers
from sipapp.pool import Unanswered, WorkerState


class Hand:
    """A worker.

    @ivar refusal: why it does not answer; C{None} if it does.
    @ivar busy: fires when it comes to answering; C{None} is at once.
    """

    def __init__(self) -> None:
        self.answers = Answers()
        self.refusal: str | None = None
        self.busy: Deferred[None] | None = None

    def ask(self, subject: str, body: bytes, timeout: float) -> Deferred[bytes]:
        if self.refusal is not None:
            return fail(Unanswered(self.refusal))
        if self.busy is not None:
            return self.busy.addCallback(lambda _: self.answers.answer(subject, body))
        return self.answers.answer(subject, body)


class Hands:
    """Two workers that speak SIP and one that serves HTTP, all of them ready.

    @ivar hands: the workers by name.
    """

    def __init__(self) -> None:
        self.hands = {name: Hand() for name in ("udp-0/0", "udp-0/1", "http-1/0")}
        self.plan = SimpleNamespace(
            pools=[
                SimpleNamespace(name="udp-0", kind="udp"),
                SimpleNamespace(name="http-1", kind="web"),
            ]
        )
        self.pools: dict[str, Any] = {each.name: _Pool(each.name, self) for each in self.plan.pools}
        self.workforce = Workforce(lambda: self)


class _Pool:
    def __init__(self, name: str, hands: Hands) -> None:
        self._name = name
        self._hands = hands

    def workers(self) -> list[WorkerState]:
        names = [name for name in self._hands.hands if name.startswith(f"{self._name}/")]
        return [
            WorkerState(name, slot, 100 + slot, "ready", 0.0, 0, "")
            for slot, name in enumerate(names)
        ]

    def channel(self, worker: str) -> Hand | None:
        return self._hands.hands.get(worker)
