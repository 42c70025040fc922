"""What a worker knows of those before it and after it, while one generation follows another.

The old worker says whose its server transactions are. Its successors hand it what belongs to
them: retransmissions, CANCEL, and the ACK to a response that is not 2xx. Responses need none of
this, their branch names the worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sipapp.sip import Request
from sipapp.transaction import ServerKey, keyDigest, requestDigests
from sipapp.transport.bus import Bus, Transactions
from sipapp.transport.steering import findCallID, slotOf

#: How many transactions one frame names: the smallest inboxes take frames of 200 KB.
_BATCH = 2000


class Predecessors:
    """The workers before this one, as long as any of them is there."""

    def __init__(self, codes: Iterable[str]) -> None:
        self._codes = set(codes)
        self._owners: dict[bytes, str] = {}

    def learn(self, frame: Transactions) -> None:
        """A predecessor says what it has, or what its own predecessor has."""
        self._codes.add(frame.owner)
        for digest in frame.digests:
            self._owners[digest] = frame.owner

    def owner(self, request: Request) -> str | None:
        """
        @return: the predecessor that has the transaction of a request, or, for a CANCEL, that of
            its INVITE; C{None} if none has.
        """
        owners = self._owners
        if owners:
            for digest in requestDigests(request):
                code = owners.get(digest)
                if code is not None:
                    return code
        return None

    def forgetGone(self, bus: Bus) -> bool:
        """
        @return: whether any predecessor is left.
        """
        gone = {code for code in self._codes if not bus.hasOwnInbox(code)}
        if gone:
            self._codes -= gone
            self._owners = {
                digest: code for digest, code in self._owners.items() if code not in gone
            }
        return bool(self._codes)

    def transactions(self) -> Iterator[Transactions]:
        """What the workers after this one have to know as well."""
        for owner in self._codes:
            digests = [digest for digest, code in self._owners.items() if code == owner]
            yield from _batches(owner, digests)


class Successors:
    """The workers after this one.

    @ivar codes: in slot order.
    @ivar heir: the one that gets what can have only one holder.
    """

    def __init__(self, codes: Sequence[str], slot: int) -> None:
        """
        @param slot: of the worker before.
        """
        self.codes = tuple(codes)
        self.heir = self.codes[slot % len(self.codes)]

    def tell(self, bus: Bus, frames: Iterable[Transactions]) -> None:
        """Tell all of them."""
        for frame in frames:
            for code in self.codes:
                bus.send(code, frame)

    def of(self, data: bytes) -> str:
        """The one that a new request belongs to."""
        return self.codes[slotOf(findCallID(data), len(self.codes))]


def transactionsOf(code: str, keys: Iterable[ServerKey]) -> Iterator[Transactions]:
    """What to tell successors of a worker's server transactions."""
    return _batches(code, [keyDigest(key) for key in keys])


def _batches(owner: str, digests: list[bytes]) -> Iterator[Transactions]:
    for start in range(0, len(digests), _BATCH):
        yield Transactions(owner, digests[start : start + _BATCH])
