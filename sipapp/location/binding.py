"""A binding, and the rules about sets of bindings that every store shares."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from sipapp.sip import URI, parseURI

__all__ = [
    "Binding",
    "Bindings",
    "Change",
    "alive",
    "arrange",
    "earliest",
    "expireOldest",
    "indexOf",
]


class Binding(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One contact of an address-of-record (RFC 3261 §10.3).

    It is stored as an array: new fields are added at the end with a default, so that two versions
    of the program can share a store while one replaces the other.

    @ivar contact: the text of the contact URI, with all its parameters.
    @ivar expires: when the binding ends, in seconds since the epoch.
    @ivar q: the preference, 0 to 1.
    @ivar callID: Call-ID of the REGISTER that made or refreshed it.
    @ivar cseq: CSeq number of that REGISTER.
    @ivar path: the Path to the contact, topmost first, each a name-addr (RFC 3327).
    @ivar flow: token of the flow that the REGISTER came over, or C{""}.
    @ivar viaFlow: true if requests are to be sent over the flow before the contact URI is tried.
    @ivar instance: the C{+sip.instance} of the contact, or C{""} (RFC 5626 §4.1).
    @ivar regID: its C{reg-id}, or 0 (RFC 5626 §4.2).
    @ivar userAgent: what the phone calls itself; for people who look at the store.
    @ivar updated: when the binding was last made or refreshed, in seconds since the epoch.
    """

    contact: str
    expires: float
    q: float = 1.0
    callID: str = ""
    cseq: int = 0
    path: tuple[str, ...] = ()
    flow: str = ""
    viaFlow: bool = False
    instance: str = ""
    regID: int = 0
    userAgent: str = ""
    updated: float = 0.0


Bindings = tuple[Binding, ...]
Change = Callable[[Bindings], Iterable[Binding]]


def alive(bindings: Bindings, now: float) -> Bindings:
    """Those that have not expired. Gives the same tuple back when all are alive."""
    for binding in bindings:
        if binding.expires <= now:
            return tuple(b for b in bindings if b.expires > now)
    return bindings


def indexOf(uri: URI, bindings: Sequence[Binding]) -> int | None:
    """
    @return: which one is the binding of a contact, by URI comparison (RFC 3261 §19.1.4); C{None} if
        there is none.
    """
    text = str(uri)
    for index, binding in enumerate(bindings):
        if binding.contact == text:
            return index
    for index, binding in enumerate(bindings):
        if uri.equivalent(parseURI(binding.contact)):
            return index
    return None


def _preference(binding: Binding) -> tuple[float, float]:
    return -binding.q, -binding.updated


def arrange(bindings: Iterable[Binding], now: float) -> Bindings:
    """The order in which they are used: highest q first, then the most recently updated, without
    those that have expired."""
    bindings = tuple(bindings)
    if len(bindings) == 1:
        return bindings if bindings[0].expires > now else ()
    return tuple(sorted((b for b in bindings if b.expires > now), key=_preference))


def earliest(bindings: Bindings) -> float:
    """When the first of them expires."""
    if len(bindings) == 1:
        return bindings[0].expires
    return min(b.expires for b in bindings)


def expireOldest(bindings: Bindings, now: float, limit: int) -> tuple[Bindings, int]:
    """Drop up to C{limit} expired bindings, oldest first.

    @return: what is left, and how many were dropped.
    """
    expired = sorted((b for b in bindings if b.expires <= now), key=lambda b: b.expires)[:limit]
    return tuple(b for b in bindings if b not in expired), len(expired)
