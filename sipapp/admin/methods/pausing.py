"""Which listeners take nothing new, as the workers are told.

It is a matter of operation and not of configuration: it stays as it is through reloads and when the
server executes its program anew, until somebody says otherwise or the server ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sipapp.admin.methods.workforce import Workforce
from sipapp.estate import Pauses

if TYPE_CHECKING:
    from sipapp.listening import Listening
    from sipapp.succession import Succession

__all__ = ["Pausing"]

_log = Logger()


class Pausing:
    """Pauses listeners.

    Workers that are started later find it in what they are given. One that is just starting has
    been given what was: so all are told again whenever something has changed among them.
    """

    def __init__(self, succession: Succession, listening: Listening, workforce: Workforce) -> None:
        self._succession = succession
        self._listening = listening
        self._workforce = workforce
        self._hasChanged = False

    @property
    def pauses(self) -> Pauses:
        """What holds now."""
        return self._listening.pauses

    async def change(self, pauses: Pauses) -> None:
        """Have this hold from now on; returns when the workers know."""
        if pauses != self.pauses:
            self._listening.pauses = pauses
            self._hasChanged = True
            await self._tell()

    def workersChanged(self) -> None:
        """Workers have come, or another generation serves."""
        if self._hasChanged:
            self._tell()

    def _tell(self) -> Deferred[Any]:
        """One that does not answer will be replaced by one that knows."""
        listeners = self.pauses.among(self._succession.current.plan)
        told = self._workforce.askAll("pause", listeners=listeners)
        return told.addErrback(lambda failure: _log.failure("Not all know what is paused", failure))
