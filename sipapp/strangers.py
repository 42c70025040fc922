"""What a worker does about strangers: the ban list, and the rules of admission and overload, as the
settings want them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sipapp.config import Settings
from sipapp.interfaces import IBans
from sipapp.storage.banfile import BanFile, BanPolicy
from sipapp.storage.banlist import BanList
from sipapp.storage.nobans import NoBans
from sipapp.transport.admission import Admission, SourceRules
from sipapp.transport.limits import LimitLog
from sipapp.transport.networks import Networks
from sipapp.transport.overload import OverloadRules
from sipapp.transport.scanners import Scanners
from sipapp.transport.trust import TrustedPeers

__all__ = ["Strangers"]


class Strangers:
    """
    @ivar bans: L{sipapp.interfaces.IBans}
    @ivar overloadRules: what is too much to do; C{None} if nothing is.
    """

    def __init__(
        self,
        settings: Settings,
        trusted: TrustedPeers,
        endOfTurn: Callable[[Callable[[], object]], object],
        reactor: Any,
    ) -> None:
        """
        @param endOfTurn: as L{sipapp.interfaces.IWorker.endOfTurn}.
        """
        sources, bans, overload = settings.sources, settings.bans, settings.overload
        exempt = Networks((*sources.exempt, *settings.trusted.addresses))
        self._list: BanList | None = None
        self.bans: IBans = NoBans()
        if bans.enabled:
            policy = BanPolicy(
                bans.threshold,
                bans.halfLife,
                bans.duration,
                bans.longest,
                bans.datagramDuration,
            )
            self.bans = self._list = BanList(
                BanFile(Path(settings.bansPath), policy),
                {"authentication": bans.authentication, "scanner": bans.scanner},
                exempt.__contains__,
                endOfTurn,
                reactor,
            )
            self._list.start()
        self._sourceRules: SourceRules | None = None
        if bans.enabled or sources.requestsPerSecond:
            self._sourceRules = SourceRules(
                sources.requestsPerSecond,
                sources.burst,
                exempt,
                trusted,
                Scanners(bans.scanners if bans.enabled else ()),
            )
        self.overloadRules = None
        if overload.enabled:
            self.overloadRules = OverloadRules(
                overload.lag, overload.queue, overload.transactions, overload.retryAfter
            )

    def admission(self, limitLog: LimitLog) -> Admission | None:
        """
        @return: what decides who is listened to, if anything does.
        """
        if self._sourceRules is None:
            return None
        admission = Admission(self._sourceRules, self.bans, limitLog)
        if self._list is not None:
            self._list.banned = admission.noteBan
        return admission

    def stop(self) -> None:
        """Let go of the ban list."""
        if self._list is not None:
            self._list.stop()
