"""C{transaction.*}: the SIP transactions that are under way."""

from __future__ import annotations

from msgspec.structs import replace

from sipapp.admin.methods.asking import Limit, Rows, checkWord, rowsOf
from sipapp.admin.methods.workforce import Workforce
from sipapp.rpc import method
from sipapp.transaction.machine import (
    ACCEPTED,
    CALLING,
    COMPLETED,
    CONFIRMED,
    PROCEEDING,
    TRYING,
)

__all__ = ["TransactionMethods"]


_STATES = tuple(
    state.lower() for state in (CALLING, TRYING, PROCEEDING, ACCEPTED, COMPLETED, CONFIRMED)
)


class TransactionMethods:
    """Asks the workers, each of which has transactions of its own."""

    def __init__(self, workforce: Workforce) -> None:
        self._workforce = workforce

    @method(name="list")
    async def entries(
        self,
        method: str | None = None,
        state: str | None = None,
        callID: str | None = None,
        worker: str | None = None,
        limit: Limit = 100,
    ) -> Rows:
        """Show transactions that are under way, those first that have been there longest.

        method: such as INVITE. state: as RFC 3261 calls it, such as proceeding. call_id: of one
        call. worker: of one worker, such as udp-0/2. limit: shows so many; matching tells how many
        there are, as far as the workers have answered.
        """
        checkWord("state", state, _STATES)
        found = await rowsOf(
            self._workforce,
            "transactions",
            worker,
            "sip",
            limit,
            method=method,
            state=state,
            callID=callID,
        )
        oldest = sorted(found.rows, key=lambda row: row["seconds"], reverse=True)
        return replace(found, rows=oldest[:limit])
