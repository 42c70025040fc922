"""Finds the addresses to send a request to (RFC 3263), without ever blocking."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, succeed

from sipapp.transport.dnscache import DNSCache
from sipapp.transport.dnsclient import DNSClient, parseNameserver, systemNameservers
from sipapp.transport.hosts import HostsFile
from sipapp.transport.records import Answer, Question, familyOf
from sipapp.transport.selection import Asking, Random, addresses
from sipapp.transport.target import Address, Target, numeric

__all__ = ["Locator", "makeLocator"]


class Locator:
    """Answers at once where it can: for numeric addresses, names of the hosts file, and what is
    in the cache.

    @ivar cache: what the DNS has said.
    """

    def __init__(
        self,
        cache: DNSCache,
        hosts: HostsFile,
        families: Sequence[int] = (4, 6),
        random: Random = random.randint,
    ) -> None:
        """
        @param families: the address families that can be sent to, the preferred one first.
        @param random: gives an integer between two, both included (RFC 2782).
        """
        self.cache = cache
        self._hosts = hosts
        self._families = tuple(families)
        self._random = random

    def locate(
        self, target: Target, supported: frozenset[str], random: Random | None = None
    ) -> list[Address] | Deferred[list[Address]]:
        """Find the addresses of a target, in the order to try them (RFC 3263 §4.3).

        @param supported: those of C{UDP}, C{TCP} and C{TLS} that may be used. Without C{UDP} it
            finds where to send a request that is too long for a datagram (RFC 3261 §18.1.1).
        @param random: chooses instead of the locator's own; a stateless proxy needs the same
            choice for the same transaction every time (RFC 3263 §4.4).
        @return: never empty. A Deferred only if the DNS has to be asked; it fails with
            L{LocateError}.
        @raise LocateError: if it is clear at once that there is none.
        """
        direct = numeric(target, supported)
        if direct is not None:
            return [direct]
        name = (target.maddr or target.host).lower().removesuffix(".")
        asking = addresses(
            target,
            supported,
            self._families,
            random or self._random,
            plain=bool(self._hosts.addresses(name)),
        )
        return self._resume(asking, None)

    def _resume(
        self, asking: Asking, answers: list[Answer] | None
    ) -> list[Address] | Deferred[list[Address]]:
        """Go on as long as the answers are known.

        @param answers: to what was asked last; C{None} at the beginning.
        """
        try:
            questions = next(asking) if answers is None else asking.send(answers)
            while True:
                known = [self._known(question) for question in questions]
                found = [answer for answer in known if answer is not None]
                if len(found) < len(known):
                    return self._ask(asking, questions, known)
                questions = asking.send(found)
        except StopIteration as stop:
            located: list[Address] = stop.value
            return located

    def _known(self, question: Question) -> Answer | None:
        """What can be said without asking."""
        name, kind = question
        if name == "invalid" or name.endswith(".invalid"):
            return ()  # RFC 6761 §6.4
        if kind in ("A", "AAAA"):
            found = self._hosts.addresses(name)
            if found:
                return [host for host in found if familyOf(host) == (4 if kind == "A" else 6)]
        return self.cache.known(question)

    def _ask(
        self, asking: Asking, questions: Sequence[Question], known: Sequence[Answer | None]
    ) -> Deferred[list[Address]]:
        """Ask for what is not known, all at the same time, and go on with the answers."""
        asked = [
            self.cache.ask(question) if answer is None else succeed(answer)
            for question, answer in zip(questions, known, strict=True)
        ]
        return gatherResults(asked).addCallback(lambda answers: self._resume(asking, answers))


def makeLocator(
    reactor: Any,
    nameservers: Sequence[str] = (),
    timeout: float = 2.0,
    negativeTTL: float = 30.0,
    maxEntries: int = 10_000,
    families: Sequence[int] = (4, 6),
) -> tuple[Locator, DNSClient]:
    """Put a locator together from the settings in C{[sip.dns]}.

    @param reactor: its clock is the one that answers grow old by.
    @param nameservers: as L{parseNameserver} reads them; none are those of the system.
    @return: the locator, and the client to C{stop()} at the end.
    @raise ValueError: if a name server cannot be read.
    """
    servers = [parseNameserver(text) for text in nameservers] or systemNameservers()
    client = DNSClient(reactor, servers, timeout)
    cache = DNSCache(client.ask, reactor.seconds, negativeTTL, maxEntries)
    return Locator(cache, HostsFile(reactor.seconds), families), client
