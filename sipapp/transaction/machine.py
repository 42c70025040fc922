"""What the four machines of RFC 3261 §17 share: how a table is read, and two timers.

A machine is a table: C{TABLE[state][event]} gives the next state and the names of the actions to
take, in order. An action is a method of the machine's class; the names are looked up once, when
the class is made. An event that is missing from a state's row cannot happen there and raises
L{ImpossibleEvent}; what may happen but has no effect is written down with the actions that it
deserves, often none.

Two rules make the tables safe to read while they run. The new state is in place before the first
action. The transaction user is told last, when the transaction is otherwise done with the event,
so that the user may call back into it and its exceptions leave nothing half done.

States and events are plain strings: a step through nested dicts of strings costs a third of one
through dicts keyed by C{enum.Enum}.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from sipapp.sip import Message, Request
from sipapp.transaction.timers import Timer

if TYPE_CHECKING:
    from sipapp.transaction.layer import TransactionLayer
    from sipapp.transaction.parties import Flow

Row = Mapping[str, tuple[str, tuple[str, ...]]]
Table = Mapping[str, Row]

# States.
START = "Start"
CALLING = "Calling"
TRYING = "Trying"
PROCEEDING = "Proceeding"
ACCEPTED = "Accepted"
COMPLETED = "Completed"
CONFIRMED = "Confirmed"
TERMINATED = "Terminated"

# Events from the network and from the transaction user.
REQUEST = "request"
UNANSWERED = "unanswered"
ACK = "ACK"
CANCEL = "CANCEL"
PROVISIONAL = "1xx"
SUCCESS = "2xx"
REJECTION = "3xx-6xx"
FINAL = "2xx-6xx"
PERMITTED_100 = "100 in time"
UNWANTED_1XX = "1xx unwanted"
REQUEST_TIMEOUT = "408"
FAILED = "transport error"
ABANDON = "abandon"

# Events from the timers.
TIMER_100 = "Timer 100"
TIMER_A = "Timer A"
TIMER_B = "Timer B"
TIMER_D = "Timer D"
TIMER_E = "Timer E"
TIMER_F = "Timer F"
TIMER_G = "Timer G"
TIMER_H = "Timer H"
TIMER_I = "Timer I"
TIMER_J = "Timer J"
TIMER_K = "Timer K"
TIMER_L = "Timer L"
TIMER_M = "Timer M"
TIMER_CANCEL = "Timer CANCEL"


class TransactionError(Exception):
    """A mistake of the code that uses the transactions, never of a peer."""


class ImpossibleEvent(TransactionError):
    """Something happened that the state's row of the table does not have."""


class BranchInUse(TransactionError):
    """Two requests of the same method cannot be under way with the same branch."""


class Transaction(ABC):
    """One transaction of either side.

    @ivar layer: the layer that it belongs to.
    @ivar key: under what the layer has it.
    @ivar request: the request that it is about.
    @ivar flow: where its messages go.
    @ivar state: its state; for reading only.
    @ivar isFinal: whether there is a final response, or will never be one.
    """

    __slots__ = (
        "__weakref__",
        "_interval",
        "_limit",
        "_pulse",
        "flow",
        "isFinal",
        "key",
        "layer",
        "request",
        "state",
    )

    TABLE: ClassVar[Table]
    # The table with functions in the place of their names.
    _rows: ClassVar[dict[str, dict[str, tuple[str, tuple[Callable[..., None], ...]]]]]

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if "TABLE" in vars(cls):
            cls._rows = {
                state: {
                    event: (following, tuple([getattr(cls, action) for action in actions]))
                    for event, (following, actions) in row.items()
                }
                for state, row in cls.TABLE.items()
            }

    def __init__(self, layer: TransactionLayer, key: object, request: Request, flow: Flow) -> None:
        self.layer = layer
        self.key = key
        self.request = request
        self.flow = flow
        self.state = START
        self.isFinal = False
        self._interval = 0.0
        # Timers that repeat something (100, A, E, G), and those that end a state.
        self._pulse: Timer | None = None
        self._limit: Timer | None = None

    def step(self, event: str, now: float, message: Message | None = None) -> None:
        """Let an event happen.

        @raise ImpossibleEvent: if it cannot happen in this state.
        """
        try:
            self.state, actions = self._rows[self.state][event]
        except KeyError:
            raise ImpossibleEvent(
                f"{type(self).__name__} {self.key!r}: {event} in {self.state}"
            ) from None
        for action in actions:
            action(self, now, message)

    def timerFired(self, name: str, now: float) -> None:
        """One of the timers has run out (called by the L{TimerQueue})."""
        self.step(name, now)

    def pulse(self, name: str, duration: float, now: float) -> None:
        """Start a timer that repeats something, instead of the one that may be running."""
        if self._pulse is not None:
            self._pulse.cancel()
        self._pulse = self.layer.timers.start(now, duration, self, name)

    def limit(self, name: str, duration: float, now: float) -> None:
        """Start a timer that ends a state; no other such timer may be running.

        One of zero seconds fires at once: "zero seconds for reliable transports".
        """
        if duration:
            self._limit = self.layer.timers.start(now, duration, self, name)
        else:
            self.step(name, now)

    # Actions.

    def stopTimers(self, now: float, message: Message | None) -> None:
        if self._pulse is not None:
            self._pulse.cancel()
            self._pulse = None
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def finish(self, now: float, message: Message | None) -> None:
        """Note that the outcome is known: nothing is pending any more."""
        self.isFinal = True
        self.layer.pending -= 1

    def absorb(self, now: float, message: Message | None) -> None:
        """Count a message that the peer has repeated."""
        self.layer.absorbed += 1
