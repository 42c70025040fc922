"""The LMDB file that holds bans, and the scores that lead to them: without a reactor.

Each database leads from the text of a network to a record that says when it is to be forgotten, and
has room for so many (L{sipapp.storage.shelf}):

 - C{bans}: who is not listened to;
 - C{scores}: the points of who has offended;
 - C{datagram-bans} and C{datagram-scores}: the same for offences of which it is not certain who has
   committed them. They are kept apart, so that nobody drives out the others with datagrams in a
   thousand names;
 - C{vouched}: who has shown to have an account here.

And C{state} has a number that changes whenever there are other bans, so that every worker knows
when to read them again.

After a power cut what can be read of it is L{salvaged<sipapp.storage.banrecovery>}.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from sipapp.ownership import asOwner
from sipapp.sharedfile import SharedFile
from sipapp.sources import Network
from sipapp.storage.shelf import Shelf

__all__ = ["Ban", "BanFile", "BanPolicy", "Offence"]

_MOST_BANS = 10_000
_MOST_SCORES = 50_000
MAP_SIZE = 256 << 20
"""Bytes that the file may grow to."""
SHELVES = (b"bans", b"scores", b"datagram-bans", b"datagram-scores", b"vouched")
DATABASES = len(SHELVES) + 1

_TOLERANCE = 0.5
"""Ten points given within a minute are somewhat less than ten at its end."""

_MEMORY = 86_400.0
"""So many seconds after the end of a ban the next one is still longer."""

_GENERATION = b"generation"


class Ban(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A network that is not listened to.

    @ivar since: when it began, in seconds since the epoch. @ivar ends: infinite if it does not.
    @ivar reason: for people. @ivar datagramsOnly: whether connections from there are welcome: of
        whom nothing is known but what datagrams claim to come from there.
    """

    since: float
    ends: float
    reason: str
    datagramsOnly: bool = False


class _Score(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The points of a source at some time, and how often it was banned."""

    ends: float
    points: float = 0.0
    at: float = 0.0
    bans: int = 0


class _Voucher(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A source with a good reputation."""

    ends: float


class Offence(NamedTuple):
    """What a source has done. See L{sipapp.interfaces.IBans.offence}."""

    source: Network
    points: float
    proven: bool
    reason: str


@dataclass(frozen=True, slots=True)
class BanPolicy:
    """When somebody is banned, and for how long; in seconds.

    @ivar threshold: so many points are too many. @ivar halfLife: in which they become half.
    @ivar duration: of the first ban; each further one is twice as long as the one before.
    @ivar longest: no ban is longer. @ivar datagramDuration: of bans for what is not proven.
    """

    threshold: float = 10.0
    halfLife: float = 300.0
    duration: float = 3600.0
    longest: float = 604_800.0
    datagramDuration: float = 300.0


class BanFile:
    """Open it in the process that uses it: see L{sipapp.sharedfile}."""

    def __init__(
        self,
        path: Path,
        policy: BanPolicy | None = None,
        mostBans: int = _MOST_BANS,
        mostScores: int = _MOST_SCORES,
    ) -> None:
        """
        @param path: directory; it is made if it is missing. Root makes and opens it as whoever the
            one above belongs to.
        """
        self._policy = BanPolicy() if policy is None else policy
        above = path.parent.stat()
        owner = above.st_uid, above.st_gid
        self._file = asOwner(owner, partial(SharedFile, path, MAP_SIZE, DATABASES))
        self._state = self._file.database(b"state")
        # Of processes that died while they read.
        self._file.environment.reader_check()
        # Both by whether it is proven who has offended.
        self._bans = {
            False: Shelf(self._file, "datagram-bans", Ban, mostBans),
            True: Shelf(self._file, "bans", Ban, mostBans),
        }
        self._scores = {
            False: Shelf(self._file, "datagram-scores", _Score, mostScores),
            True: Shelf(self._file, "scores", _Score, mostScores),
        }
        self._vouched = Shelf(self._file, "vouched", _Voucher, mostScores)

    def generation(self) -> int:
        """
        @return: a number that is another one whenever a ban was added or removed.
        """
        with self._file.begin() as transaction:
            return self._generation(transaction)

    def _generation(self, transaction: Any) -> int:
        value = transaction.get(_GENERATION, db=self._state)
        return 0 if value is None else int.from_bytes(value, "big")

    def _advance(self, transaction: Any) -> None:
        number = self._generation(transaction) + 1
        transaction.put(_GENERATION, number.to_bytes(8, "big"), db=self._state)

    def bans(self, now: float) -> tuple[int, dict[str, Ban]]:
        """
        @return: L{generation}, and each ban under the text of its network.
        """
        with self._file.begin() as transaction:
            # Whoever has both is banned by the one that says more.
            shelves = self._bans.values()
            bans = chain.from_iterable(shelf.items(transaction, now) for shelf in shelves)
            return self._generation(transaction), dict(bans)

    def add(self, network: Network, ban: Ban) -> None:
        """Ban a network, whatever it has done.

        @raise sipapp.storage.shelf.ShelfFull: if there is no room.
        """
        with self._file.begin(write=True) as transaction:
            self._bans[True].put(transaction, str(network), ban, ban.since)
            self._advance(transaction)

    def remove(self, network: Network) -> bool:
        """End the ban of a network, and forget what it has done.

        @return: whether there was one.
        """
        with self._file.begin(write=True) as transaction:
            for scores in self._scores.values():
                scores.delete(transaction, str(network))
            bans = self._bans.values()
            found = sum(shelf.delete(transaction, str(network)) for shelf in bans)
            if found:
                self._advance(transaction)
            return found > 0

    def vouch(self, sources: Iterable[Network], ends: float, now: float) -> None:
        """Let what is not proven not count against these sources for a while."""
        with self._file.begin(write=True) as transaction:
            for source in sources:
                self._vouched.put(transaction, str(source), _Voucher(ends), now)

    def offended(self, offences: Iterable[Offence], now: float) -> list[tuple[Network, Ban]]:
        """Count what sources have done.

        @return: who is banned for it, from now on.
        @raise sipapp.storage.shelf.ShelfFull: if somebody should be and there is no room.
        """
        made = []
        with self._file.begin(write=True) as transaction:
            for offence in offences:
                ban = self._count(transaction, offence, now)
                if ban is not None:
                    shelf = self._bans[offence.proven]
                    shelf.put(transaction, str(offence.source), ban, now)
                    made.append((offence.source, ban))
            if made:
                self._advance(transaction)
        return made

    def _count(self, transaction: Any, offence: Offence, now: float) -> Ban | None:
        source, proven = str(offence.source), offence.proven
        if not proven and self._vouched.get(transaction, source, now) is not None:
            return None
        if self._bans[proven].get(transaction, source, now) is not None:
            return None
        policy = self._policy
        shelf = self._scores[proven]
        score = shelf.get(transaction, source, now) or _Score(now, 0.0, now)
        # The clock may have been set back.
        age = max(now - score.at, 0.0)
        points = score.points * 0.5 ** (age / policy.halfLife) + offence.points
        if points + _TOLERANCE < policy.threshold:
            ends = max(now + 10 * policy.halfLife, score.ends)
            shelf.put(transaction, source, _Score(ends, points, now, score.bans), now)
            return None
        duration = policy.datagramDuration
        if proven:
            # Doubled no more often than it takes to outlast any limit.
            duration = min(policy.duration * 2.0 ** min(score.bans, 40), policy.longest)
        ends = now + duration
        shelf.put(transaction, source, _Score(ends + _MEMORY, 0.0, now, score.bans + 1), now)
        return Ban(now, ends, offence.reason, not proven)

    def close(self) -> None:
        self._file.environment.close()
