"""Remembers answers of the DNS as long as their TTL allows, negative ones included (RFC 2308)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred, fail, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from sipapp.transport.records import Answer, DNSFailure, Question, Records

__all__ = ["DNSCache", "Found", "IAsk"]

_log = Logger()

_MAX_TTL = 86_400.0
"""Seconds. An answer is not believed for longer, whatever it says."""

_MAX_NEGATIVE_TTL = 3600.0
"""RFC 2308 §5 suggests one to three hours."""

_MOST_ASKED = 512
"""So many questions wait for an answer at once, each with a socket of its own. While the name
servers are silent, whoever makes up names would take all descriptors that there are."""

_LONGEST_NAME = 255
"""The name of a domain is no longer (RFC 1035 §2.3.4). What else was asked about is not remembered:
it may be as long as a message."""

_FAILURE_TTL = 5.0
"""For so long a name that could not be asked about is not asked about again, so that a name
server that is silent is not waited for by one request after the other. RFC 2308 §7 allows five
minutes."""


class Found(NamedTuple):
    """An answer of the DNS.

    @ivar records: empty if there are none of the kind, or no such name.
    @ivar ttl: seconds; C{None} for a negative answer that does not say how long it holds.
    """

    records: Records
    ttl: float | None


class IAsk(Protocol):
    """Something that can be asked, such as a name server."""

    def __call__(self, question: Question) -> Deferred[Found]:
        """Fails with L{DNSFailure}."""


class _Entry(NamedTuple):
    until: float
    answer: Answer


class DNSCache:
    """Answers at once what it knows, and asks for the rest; the same question never twice at the
    same time.

    @ivar hits: how often an answer was known. @ivar asked: how many questions were asked.
    @ivar failures: how many of them nobody has answered.
    """

    def __init__(
        self,
        ask: IAsk,
        clock: Callable[[], float],
        negativeTTL: float = 30.0,
        maxEntries: int = 10_000,
    ) -> None:
        """
        @param clock: gives seconds that never run backwards.
        @param negativeTTL: for negative answers that do not come with an SOA record.
        @param maxEntries: the entry that was used longest ago makes room for a new one.
        """
        self.hits = 0
        self.asked = 0
        self.failures = 0
        self._ask = ask
        self._clock = clock
        self._negativeTTL = negativeTTL
        self._maxEntries = maxEntries
        self._entries: OrderedDict[Question, _Entry] = OrderedDict()
        self._asked: dict[Question, list[Deferred[Answer]]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def known(self, question: Question) -> Answer | None:
        """
        @return: the answer, if it is known; C{None} if it has to be asked for.
        """
        entry = self._entries.get(question)
        if entry is None:
            return None
        if entry.until <= self._clock():
            del self._entries[question]
            return None
        self._entries.move_to_end(question)
        self.hits += 1
        return entry.answer

    def ask(self, question: Question) -> Deferred[Answer]:
        """Ask for what is not L{known}.

        @return: never fails; a failure to get an answer is one.
        """
        answered: Deferred[Answer] = Deferred()
        waiting = self._asked.get(question)
        if waiting is not None:
            waiting.append(answered)
            return answered
        if len(self._asked) >= _MOST_ASKED:
            self.failures += 1
            return succeed(DNSFailure("too many questions wait for an answer", silent=True))
        self._asked[question] = [answered]
        self.asked += 1
        try:
            asked = self._ask(question)
        except Exception:
            asked = fail()
        asked.addCallbacks(self._found, self._failed).addCallback(self._settle, question)
        return answered

    def _found(self, found: Found) -> tuple[float, Answer]:
        if found.records:
            return min(found.ttl or 0.0, _MAX_TTL), found.records
        ttl = self._negativeTTL if found.ttl is None else found.ttl
        return min(ttl, _MAX_NEGATIVE_TTL), ()

    def _failed(self, failure: Failure) -> tuple[float, Answer]:
        self.failures += 1
        error = failure.value
        if not isinstance(error, DNSFailure):
            _log.failure("A DNS query failed in an unexpected way", failure=failure)
            error = DNSFailure(str(error))
        # It is kept, but not the frames that it has come through and what is in them.
        return min(_FAILURE_TTL, self._negativeTTL), error.with_traceback(None)

    def _settle(self, settled: tuple[float, Answer], question: Question) -> None:
        ttl, answer = settled
        if ttl > 0 and len(question.name) <= _LONGEST_NAME:
            self._entries[question] = _Entry(self._clock() + ttl, answer)
            self._entries.move_to_end(question)
            self._forget()
        for answered in self._asked.pop(question):
            answered.callback(answer)

    def _forget(self) -> None:
        """Drop what is too much, and what holds no longer: most that nobody has asked for since."""
        now = self._clock()
        while len(self._entries) > self._maxEntries:
            self._entries.popitem(last=False)
        while self._entries and next(iter(self._entries.values())).until <= now:
            self._entries.popitem(last=False)
