"""A machine that does what a table says.

The table is STATE -> INPUT -> (next state, names of actions). Inputs are taken one after the other:
one that an action causes waits until the action's transition is complete.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

#: What the actions of a state are, by input.
Row = Mapping[str, tuple[str, tuple[str, ...]]]


class ImpossibleInput(Exception):
    """An input has come in a state in which it cannot."""


class TableMachine:
    """Whoever derives from it has a method for each action: its name with an underscore before
    it, called with the detail of the input.

    @ivar name: for errors and the log.
    @ivar state: one of the keys of the table.
    @ivar since: when the state was entered.
    """

    def __init__(
        self, name: str, table: Mapping[str, Row], state: str, clock: Callable[[], float]
    ) -> None:
        """
        @param state: the first one.
        @param clock: tells the time in seconds.
        """
        self.name = name
        self.state = state
        self.since = clock()
        self._table = table
        self._clock = clock
        self._inputs: deque[tuple[str, str]] = deque()
        self._isBusy = False

    def receive(self, event: str, detail: str = "") -> None:
        """Take an input.

        @param detail: the reason that comes with a failure or an exit.
        @raise ImpossibleInput: if the table does not have it for the present state.
        """
        self._inputs.append((event, detail))
        if self._isBusy:
            return
        self._isBusy = True
        try:
            while self._inputs:
                self._step(*self._inputs.popleft())
        finally:
            self._isBusy = False

    def _step(self, event: str, detail: str) -> None:
        try:
            state, actions = self._table[self.state][event]
        except KeyError:
            raise ImpossibleInput(f"{self.name}: {event} while {self.state}") from None
        if state != self.state:
            self.state = state
            self.since = self._clock()
        for action in actions:
            getattr(self, f"_{action}")(detail)
