"""Who is listened to, and how much: bans, and the rate of each source.

Asked for each message before anything else is done with it, so that what is refused costs next to
nothing: one look-up in a dictionary and a few comparisons. What is known of sources is bounded:
those not heard of for the longest time are forgotten first, and with them no more than that they
have used up what they may send.

The rate is kept by one number for each source, the time until which it has used what it may send
(the generic cell rate algorithm): each request moves that on by the interval between two requests,
and who is further ahead than the burst has sent too many.

A stranger is looked at closely, for the marks of a scanner; who has sent some requests without one
is not bothered any more.

Anybody can send a datagram in somebody else's name. A flood in the name of an address uses up what
that address may send here; more it cannot do. It draws one answer in a second, which is about as
large as a request.
"""

from __future__ import annotations

import math
import socket
from dataclasses import dataclass, field
from typing import Any, Final

from sipapp.sip import Request, Response
from sipapp.sources import Network
from sipapp.transport.flows import Flow
from sipapp.transport.limits import LimitLog
from sipapp.transport.networks import Networks
from sipapp.transport.scanners import Scanners
from sipapp.transport.trust import TrustedPeers

__all__ = ["DROP", "EXPEL", "LOOK", "REFUSE", "WELCOME", "Admission", "SourceRules"]

# What becomes of a message, from the best to the worst.
WELCOME: Final = 0
LOOK: Final = 1
"""It is taken, unless L{Admission.isScanner}."""
REFUSE: Final = 2
"""It is answered with 503."""
DROP: Final = 3
EXPEL: Final = 4
"""It is dropped, and the connection that it has come over is closed."""

_REMEMBERED = 16_384
"""So many sources are known, and as many that have not been heard of since there were too many."""

_CLOSE_LOOKS = 16
"""So many requests of a stranger are looked at closely."""

_BETWEEN_ANSWERS = 1.0
"""Who sends too many requests gets one answer in so many seconds."""

_LONGEST_PAUSE = 60


@dataclass(frozen=True, slots=True)
class SourceRules:
    """What a source may do.

    @ivar rate: requests in a second; 0 is no limit. @ivar burst: requests at once.
    @ivar exempt: addresses that may do anything.
    @ivar trusted: flows over which anything may be done; of connections only.
    @ivar scanners: what strangers must not be.
    """

    rate: float = 0.0
    burst: int = 1
    exempt: Networks = field(default_factory=lambda: Networks(()))
    trusted: TrustedPeers = field(default_factory=TrustedPeers)
    scanners: Scanners = field(default_factory=Scanners)


class _Source:
    """What is known of a source.

    @ivar generation: of the ban list when the next three were found out.
    @ivar isFree: whether nothing is asked about it.
    @ivar isBanned: whether it is not listened to at all.
    @ivar isMuted: whether its datagrams are not.
    @ivar used: until when it has used what it may send.
    @ivar answered: when it was last told that it sends too many requests.
    @ivar looks: how often it is still looked at closely.
    """

    __slots__ = ("answered", "generation", "isBanned", "isFree", "isMuted", "looks", "used")

    def __init__(self) -> None:
        self.generation = -1
        self.isFree = False
        self.isBanned = False
        self.isMuted = False
        self.used = 0.0
        self.answered = -math.inf
        self.looks = _CLOSE_LOOKS


class Admission:
    """Decides about the messages and connections that come to one worker.

    @ivar pause: so many seconds later, who has sent too many requests may send a burst again.
    """

    def __init__(self, rules: SourceRules, bans: Any, log: LimitLog) -> None:
        """
        @param bans: L{sipapp.interfaces.IBans}
        """
        self._rules = rules
        self._bans = bans
        self._log = log
        self._interval = 1.0 / rules.rate if rules.rate else 0.0
        # Half a request more, for what is lost in rounding.
        self._ahead = (rules.burst - 0.5) * self._interval
        self.pause = max(1, min(round(rules.burst * self._interval), _LONGEST_PAUSE))
        # By address, and by the /64 of IPv6 addresses. Whoever is heard of again moves to the new.
        self._new: dict[str | bytes, _Source] = {}
        self._old: dict[str | bytes, _Source] = {}

    def judge(self, address: str, datagram: bool, request: bool, now: float) -> int:
        """Decide about a message.

        @param address: where it comes from. @param datagram: whether it is one.
        @param request: whether it looks like one: responses that somebody waits for cost nothing.
        @return: L{WELCOME}, L{LOOK}, L{REFUSE}, L{DROP} or L{EXPEL}.
        """
        source = self._new.get(address)
        if source is None:
            source = self._find(address)
        if source.generation != self._bans.generation:
            self._askForBans(source, address)
        if source.isFree:
            return WELCOME
        if source.isBanned or (datagram and source.isMuted):
            self._log.count("bans")
            return EXPEL
        used = source.used
        if used < now:
            used = now
        elif used > now + self._ahead:
            return self._tooMany(source, address, request, now)
        if request:
            source.used = used + self._interval
            if source.looks:
                source.looks -= 1
                return LOOK
        return WELCOME

    def charge(self, address: str, now: float) -> None:
        """Count what has come and is no request: a response that nobody has waited for, or a
        keep-alive."""
        source = self._find(address)
        source.used = max(source.used, now) + self._interval

    def accepts(self, address: str) -> bool:
        """Decide about a connection that somebody has made."""
        source = self._find(address)
        self._askForBans(source, address)
        if source.isBanned:
            self._log.count("bans")
        return not source.isBanned

    def isTrusted(self, flow: Flow) -> bool:
        """Tell whether anything is welcome that comes over a connection."""
        return flow in self._rules.trusted

    def isScanner(self, message: Request | Response, flow: Flow) -> bool:
        """Look closely at a message. If it is from a scanner, that is counted against its source,
        and the message should be dropped."""
        if not isinstance(message, Request) or not self._rules.scanners.sent(message):
            return False
        address = flow.remote[0]
        self._log.hit("scanners", "this server", address, "has the mark of one, dropped")
        self._bans.offence(address, "scanner", flow.reliable)
        return True

    def noteBan(self, network: Network, seconds: float, reason: str) -> None:
        """Say that somebody is banned from now on."""
        detail = f"banned for {seconds:.0f} s, at last for {reason}"
        self._log.hit("offences", "this server", str(network), detail)

    def _tooMany(self, source: _Source, address: str, request: bool, now: float) -> int:
        detail = "more than may be, answered with 503 once in a while and dropped"
        self._log.hit("requestsPerSecond", "this server", address, detail)
        if not request or now - source.answered < _BETWEEN_ANSWERS:
            return DROP
        source.answered = now
        return REFUSE

    def _find(self, address: str) -> _Source:
        source = self._recall(address)
        if source is None and ":" in address and address not in self._rules.exempt:
            network = _networkOf(address)
            source = self._recall(network)
            if source is None:
                source = self._remember(network, _Source())
            self._remember(address, source)
        return source or self._remember(address, _Source())

    def _recall(self, key: str | bytes) -> _Source | None:
        source = self._new.get(key)
        if source is None:
            source = self._old.pop(key, None)
            if source is not None:
                self._remember(key, source)
        return source

    def _remember(self, key: str | bytes, source: _Source) -> _Source:
        if len(self._new) >= _REMEMBERED:
            self._old = self._new
            self._new = {}
        self._new[key] = source
        return source

    def _askForBans(self, source: _Source, address: str) -> None:
        bans = self._bans
        source.generation = bans.generation
        source.isMuted = bans.isBanned(address, datagram=True)
        source.isBanned = source.isMuted and bans.isBanned(address, datagram=False)
        source.isFree = not source.isMuted and address in self._rules.exempt


def _networkOf(address: str) -> bytes:
    """
    @return: the first half of an IPv6 address: what L{sipapp.sources.sourceOf} gives, for those who
        are in a hurry. Mapped IPv4 addresses have nothing in it, and stay whole.
    """
    packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    return packed[:8] if any(packed[:8]) else packed
