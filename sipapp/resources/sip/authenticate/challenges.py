"""Answers that ask for a proof: 401 and 407 (RFC 3261 §22.2, §22.3)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from sipapp.resources.sip.authenticate.demand import Demand
from sipapp.sip import Request, Response
from sipapp.sip.digest import ALGORITHMS, HASHES, Challenge, hashOf

__all__ = ["Challenges", "offered"]

_REALMS = 256
"""Realms whose challenges are kept as text. There are as many as the server has domains."""


def offered(wanted: Collection[str], known: Collection[str]) -> tuple[str, ...]:
    """
    @param wanted: the algorithms to offer.
    @param known: those that the accounts can be checked with, without those of a session.
    @return: those that can be offered, strongest first (RFC 8760 §2.3).
    @raise ValueError: if there is none.
    """
    both = [name for name in ALGORITHMS if name in wanted and hashOf(name) in known]
    if not both:
        raise ValueError(
            f"algorithms: the accounts can be checked with {', '.join(sorted(known))} only"
        )
    return tuple(sorted(both, key=lambda name: -HASHES.index(hashOf(name))))


class Challenges:
    """
    @param algorithms: those to offer, in this order.
    @param qop: what a proof may cover.
    """

    def __init__(self, algorithms: Sequence[str], qop: tuple[str, ...]) -> None:
        self._algorithms = algorithms
        self._qop = qop
        self._textOf = lru_cache(_REALMS)(self._write)

    def answer(
        self, request: Request, demand: Demand, nonce: str, tag: str, stale: bool
    ) -> Response:
        """
        @param nonce: one for all challenges: which of them is answered is the client's choice.
        @param tag: for the To.
        @param stale: whether only the nonce was at fault.
        @return: the answer, with a challenge for each algorithm.
        """
        response = request.respond(407 if demand.isProxy else 401, toTag=tag)
        name = "proxy-authenticate" if demand.isProxy else "www-authenticate"
        for before, after in self._textOf(demand, stale):
            response.lines.append(f"{before}{nonce}{after}")
            response.names.append(name)
        return response

    def _write(self, demand: Demand, stale: bool) -> list[tuple[str, str]]:
        """The lines of a challenge, each before and after its nonce."""
        name = "Proxy-Authenticate" if demand.isProxy else "WWW-Authenticate"
        lines = []
        for algorithm in self._algorithms:
            text = Challenge(demand.realm, "", algorithm, self._qop, stale).toText()
            # In a quoted realm there would be a backslash before the quotation mark.
            before, mark, after = text.partition(', nonce="')
            lines.append((f"{name}: {before}{mark}", after))
        return lines
