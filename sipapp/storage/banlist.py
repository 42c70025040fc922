"""The ban list as one worker has it: its own copy of the bans that all workers share."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import lmdb
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from zope.interface import implementer

from sipapp.interfaces import IBans
from sipapp.sources import Network, SourceTable, parseNetwork, sourceOf
from sipapp.storage.banfile import Ban, BanFile, Offence
from sipapp.storage.shelf import ShelfFull

__all__ = ["BanList"]

_log = Logger()

_INTERVAL = 1.0
"""Seconds between two looks at what others have banned."""

_VOUCHED = 3600.0
"""Seconds for which a source has a good reputation."""
_RENEWED = 600.0
"""It is written down again after so many."""
_MOST_VOUCHED = 20_000
"""So many sources are remembered to have been written down."""

_QUIET = 60.0
"""Seconds between two complaints about the file."""


def _nobody(network: Network, seconds: float, reason: str) -> None:
    """Nobody wants to know."""


@implementer(IBans)
class BanList:
    """An L{IBans} over a L{BanFile}.

    Whether somebody is banned is looked up in memory. What is to be written in a turn is written
    in one transaction at its end.

    @ivar generation: another number whenever L{isBanned} may give another answer than before.
    @ivar banned: called with each network that this worker has banned, for how many seconds, and
        why.
    """

    def __init__(
        self,
        file: BanFile,
        points: Mapping[str, float],
        isExempt: Callable[[str], bool],
        endOfTurn: Callable[[Callable[[], object]], object],
        reactor: Any,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        @param points: for each kind of offence; those that are missing or 0 do not count.
        @param isExempt: tells of an address whether it is never banned by its offences.
        @param endOfTurn: as L{sipapp.interfaces.IWorker.endOfTurn}.
        @param reactor: provides C{IReactorTime}.
        @param clock: gives the seconds since the epoch.
        """
        self.generation = 0
        self.banned: Callable[[Network, float, str], object] = _nobody
        self._file = file
        self._points = points
        self._isExempt = isExempt
        self._endOfTurn = endOfTurn
        self._clock = clock
        self._table: SourceTable[Ban] = SourceTable()
        # The same by the text of the network.
        self._bans: dict[str, Ban] = {}
        self._fileGeneration = -1
        # When the first of the bans that are known here ends.
        self._nextEnd = math.inf
        self._offences: list[Offence] = []
        self._vouched: dict[str, float] = {}
        self._toVouch: list[Network] = []
        self._complainAt = -math.inf
        self._looks = LoopingCall(self.refresh)
        self._looks.clock = reactor

    def start(self) -> None:
        """Read the file, now and whenever another process has changed it."""
        self._looks.start(_INTERVAL)

    def stop(self) -> None:
        """Write and read no more."""
        if self._looks.running:
            self._looks.stop()
        self._write()
        self._file.close()

    # What resources and the transport ask and tell.

    def isBanned(self, address: str, datagram: bool) -> bool:
        now = self._clock()
        return any(
            ban.ends > now and (datagram or not ban.datagramsOnly)
            for ban in self._table.find(address)
        )

    def offence(self, address: str, kind: str, proven: bool) -> None:
        points = self._points.get(kind, 0.0)
        if not points or self._isExempt(address):
            return
        self._writeLater()
        self._offences.append(Offence(sourceOf(address), points, proven, kind))

    def vouch(self, address: str) -> None:
        now = self._clock()
        if self._vouched.get(address, -math.inf) > now:
            return
        if len(self._vouched) >= _MOST_VOUCHED:
            self._vouched.clear()
        self._vouched[address] = now + _RENEWED
        self._writeLater()
        self._toVouch.append(sourceOf(address))

    # The file.

    def refresh(self) -> None:
        """See whether the bans are still those that are known here."""
        try:
            if self._file.generation() != self._fileGeneration or self._clock() >= self._nextEnd:
                self._read()
        except lmdb.Error as error:
            self._complain(error)

    def _read(self) -> None:
        self._fileGeneration, bans = self._file.bans(self._clock())
        self._nextEnd = min((ban.ends for ban in bans.values()), default=math.inf)
        known, self._bans = self._bans, bans
        if bans == known:
            return
        # There may be thousands, and few of them new.
        for text in known.keys() - bans.keys():
            self._table.discard(parseNetwork(text))
        for text, ban in bans.items():
            if known.get(text) != ban:
                self._table.add(parseNetwork(text), ban)
        self.generation += 1

    def _writeLater(self) -> None:
        if not self._offences and not self._toVouch:
            self._endOfTurn(self._write)

    def _write(self) -> None:
        offences, self._offences = self._offences, []
        sources, self._toVouch = self._toVouch, []
        now = self._clock()
        try:
            if sources:
                self._file.vouch(sources, now + _VOUCHED, now)
            if offences:
                for network, ban in self._file.offended(offences, now):
                    self._ban(network, ban)
        except (lmdb.Error, ShelfFull) as error:
            self._complain(error)

    def _ban(self, network: Network, ban: Ban) -> None:
        """Take note of a ban at once. To read all others again whenever there is one more would
        take more time than bans save."""
        known = self._bans.get(str(network))
        if known is None or known.datagramsOnly or not ban.datagramsOnly:
            self._bans[str(network)] = ban
            self._table.add(network, ban)
        self._nextEnd = min(self._nextEnd, ban.ends)
        self.generation += 1
        self.banned(network, ban.ends - ban.since, ban.reason)

    def _complain(self, error: Exception) -> None:
        now = self._clock()
        if now >= self._complainAt:
            self._complainAt = now + _QUIET
            _log.error("The ban list cannot be used: {error}", error=error)
