"""Turns: what a worker does between two looks at its sockets.

A turn begins when the reactor says that something has come to a socket, a connection or the bus,
or that a timer is due, and ends when all that was there has been dealt with. What would cost the
same for one message as for fifty is done once in a turn: the clock is read at its beginning, and
at its end the transaction layer is asked when its next timer is due, and what its resources have
put off is done, such as the commit of all that they have written.

The transaction layer never looks at a clock. Whoever enters it gives the time of the turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

from sipapp.sip import Message, about
from sipapp.transaction import TransactionLayer
from sipapp.transport.counters import MessageNotes, NoNotes

#: How late timers may fire, in seconds, so that those that are due one after the other fire in one
#: turn. The shortest that SIP knows is 200 ms.
_SLACK = 0.01

_log = Logger()


class Turns:
    """The turns of one worker, and the one reactor timer under all timers of its layer.

    @ivar now: the time of the turn that is under way, or of the last one.
    @ivar layer: its timers are fired here; C{None} if there are none.
    @ivar message: the one that is being handled; C{None} if none is.
    @ivar notes: is told when a turn is over, and with it the message noted last.
    """

    def __init__(self, reactor: Any) -> None:
        self.seconds: Callable[[], float] = reactor.seconds
        self.now = 0.0
        self.layer: TransactionLayer | None = None
        self.message: Message | None = None
        self._isFiring = False
        self.notes: MessageNotes = NoNotes()
        self._reactor = reactor
        self._depth = 0
        self._endings: list[Callable[[], object]] = []
        self._call: Any = None
        self._wakeAt = 0.0
        self._stopped = False

    def begin(self) -> float:
        """A turn begins, or a part of the one that is under way: L{end} must follow.

        @return: its time.
        """
        if not self._depth:
            now = self.seconds()
            if now < self.now:
                self._setBack(now)
            self.now = now
        self._depth += 1
        return self.now

    def end(self) -> None:
        """It is over."""
        if self._depth == 1:
            if self._endings:
                self._runEndings()
            self.notes.done()
            layer = self.layer
            if layer is not None:
                deadline = layer.nextDeadline()
                if deadline is not None:
                    wakeAt = deadline + _SLACK
                    if self._call is None or wakeAt < self._wakeAt:
                        self._wakeUpAt(wakeAt)
        self._depth -= 1

    def atEnd(self, call: Callable[[], object]) -> None:
        """Have something called at the end of this turn, after what was registered before it. An
        exception is logged. Outside of a turn, that is at the end of one that begins as soon as
        the reactor gets to it; after L{stop}, at once."""
        self._endings.append(call)
        if self._depth:
            return
        if self._stopped:
            self._runEndings()
        else:
            self._wakeUpAt(self.seconds())

    def clock(self) -> float:
        """What the layer asks for the time when it is entered without it, such as by a resource
        that answers late: timers may be started that no turn knows of yet."""
        if not self._depth:
            now = self.seconds()
            if now < self.now:
                self._setBack(now)
            self.now = now
            self._wakeUpAt(now)
        return self.now

    def about(self) -> dict[str, str]:
        """What is being handled, for the log; empty if nothing is."""
        message = self.message
        if self._isFiring and self.layer is not None:
            message = self.layer.requestOfTimer
        return {} if message is None else about(message)

    def stop(self) -> None:
        """No timer fires any more. What waits for the end of a turn is done."""
        self._stopped = True
        if self._call is not None:
            self._call.cancel()
            self._call = None
        if not self._depth:
            self._runEndings()

    def _setBack(self, now: float) -> None:
        """Somebody has set the clock of the machine back."""
        _log.warn("The clock was set back by {seconds:.1f} s", seconds=self.now - now)
        if self.layer is not None:
            self.layer.setBack(now)

    def _runEndings(self) -> None:
        endings = self._endings
        # What they register themselves belongs to this turn as well.
        for call in endings:
            try:
                call()
            except Exception:
                _log.failure("What was to be done at the end of a turn failed")
        endings.clear()

    def _wakeUpAt(self, when: float) -> None:
        if self._stopped:
            return
        if self._call is None:
            self._call = self._reactor.callLater(max(when - self.seconds(), 0.0), self._awake)
        elif when < self._wakeAt:
            self._call.reset(max(when - self.seconds(), 0.0))
        else:
            return
        self._wakeAt = when

    def _awake(self) -> None:
        self._call = None
        now = self.begin()
        try:
            if self.layer is not None:
                self._isFiring = True
                self.layer.handleTimers(now)
        except Exception:
            _log.failure("A transaction failed when its timer fired", about=self.about())
        finally:
            self._isFiring = False
            self.end()
