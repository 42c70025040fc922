"""Those who want to be told what changes in a store of documents."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.logger import Logger
from zope.interface import implementer

from sipapp.interfaces import ISubscription
from sipapp.storage.document import DocumentChange

__all__ = ["DocumentListener", "DocumentListeners"]

_log = Logger()

DocumentListener = Callable[[DocumentChange | None], object]
"""See L{sipapp.interfaces.IDocumentStore.subscribe}."""


@implementer(ISubscription)
class _Subscription:
    """
    @ivar last: the number of the last change that the listener knows of.
    """

    def __init__(
        self,
        listener: DocumentListener,
        auid: str | None,
        last: int,
        others: dict[_Subscription, None],
    ) -> None:
        """
        @param others: all subscriptions, of which this is one as long as it is not cancelled.
        """
        self._listener: DocumentListener | None = listener
        self._auid = auid
        self._last = last
        self._others = others
        others[self] = None

    def cancel(self) -> None:
        self._listener = None
        self._others.pop(self, None)

    def offer(self, change: DocumentChange) -> None:
        """Tell of a change, unless it is one from before the subscription."""
        missing = change.sequence - self._last - 1
        if missing < 0:
            return
        self._last = change.sequence
        if missing:
            self._tell(None)
        if self._auid in (None, change.name.auid):
            self._tell(change)

    def _tell(self, change: DocumentChange | None) -> None:
        if self._listener is None:
            return
        try:
            self._listener(change)
        except Exception:
            _log.failure("Somebody who follows the documents has failed")


class DocumentListeners:
    """All that want to be told."""

    def __init__(self) -> None:
        self._subscriptions: dict[_Subscription, None] = {}
        self._untold: deque[DocumentChange] = deque()
        self._isTelling = False

    def add(self, listener: DocumentListener, auid: str | None, last: int) -> _Subscription:
        """
        @param last: the number of the newest change of all: the listener is told what comes after
            it.
        """
        return _Subscription(listener, auid, last, self._subscriptions)

    def tell(self, change: DocumentChange) -> None:
        """Tell everybody, in the order of their subscriptions. What a listener changes itself is
        told when all have been told of what it is told of now."""
        self._untold.append(change)
        if self._isTelling:
            return
        self._isTelling = True
        while self._untold:
            told = self._untold.popleft()
            for each in tuple(self._subscriptions):
                each.offer(told)
        self._isTelling = False

    def clear(self) -> None:
        """Tell nobody any more."""
        for each in tuple(self._subscriptions):
            each.cancel()
