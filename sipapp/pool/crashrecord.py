"""What a slot remembers of the ends of its processes: how long to wait after the next one, and
whether they have become a habit."""

from __future__ import annotations

from collections import deque

from .patience import Patience

#: How a process has gone that had no choice.
_SIGKILLED = "killed by SIGKILL"


class CrashRecord:
    """The past of one slot.

    A process that an operator has ended did nothing wrong, nor one that served and was ended by a
    SIGKILL that is not ours: such an end is no crash, and forgives none.

    @ivar isAsked: whether an operator has the present process end.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._crashes: deque[float] = deque(maxlen=patience.crashes)
        self.forget()

    def forget(self) -> None:
        """Nothing is held against the next process."""
        self._delay = self._patience.firstDelay
        self._readySince: float | None = None
        self.launched()

    def launched(self) -> None:
        """There is another process."""
        self._isKilled = self.isAsked = False

    def ready(self, now: float) -> None:
        """It serves."""
        self._readySince = now

    def killed(self) -> None:
        """It gets a SIGKILL of ours."""
        self._isKilled = True

    def asked(self) -> None:
        """An operator has it end."""
        self.isAsked = True

    def crashed(self, how: str, now: float) -> None:
        """It has ended, or is beyond hope, and nobody had asked for that."""
        if not self._wasOthers(how):
            self._crashes.append(now)

    def nextDelay(self, how: str, now: float) -> float:
        """
        @param how: in what way the process has ended.
        @return: how long the slot stays empty, in seconds: twice as long each time.
        """
        wasOthers = self._wasOthers(how)
        since, self._readySince = self._readySince, None
        if wasOthers:
            return self._patience.firstDelay
        if since is not None and now - since >= self._patience.healthyAfter:
            self._delay = self._patience.firstDelay
        delay, self._delay = self._delay, min(2 * self._delay, self._patience.longestDelay)
        return delay

    @property
    def isLoop(self) -> bool:
        """Whether the processes crash one after the other."""
        crashes = self._crashes
        return len(crashes) == crashes.maxlen and (
            crashes[-1] - crashes[0] <= self._patience.window
        )

    def forgetLoop(self) -> None:
        """The loop has had its consequences."""
        self._crashes.clear()

    def _wasOthers(self, how: str) -> bool:
        wasKilled = self._readySince is not None and how == _SIGKILLED and not self._isKilled
        return wasKilled or self.isAsked
