"""What became of a change to the bindings of an address-of-record."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred

from sipapp.location.binding import Bindings, Change

__all__ = ["Committed", "LocationUnavailable", "Outcome", "deferredBy"]

Outcome = Bindings | Exception
"""The new bindings, or the exception with which the change has failed."""

Committed = Callable[[Outcome], object]
"""Is told the outcome of a change."""


class LocationUnavailable(Exception):
    """The store cannot make a change now, and the change is not at fault. Nothing that it held is
    lost. The text says why."""


def deferredBy(
    alter: Callable[[str, Change, Committed], None], aor: str, change: Change
) -> Deferred[Bindings]:
    """
    @param alter: the method of a store.
    @return: what it tells, as a Deferred.
    """
    told: Deferred[Bindings] = Deferred()
    alter(aor, change, partial(_tell, told))
    return told


def _tell(told: Deferred[Bindings], outcome: Outcome) -> None:
    if isinstance(outcome, Exception):
        told.errback(outcome)
    else:
        told.callback(outcome)
