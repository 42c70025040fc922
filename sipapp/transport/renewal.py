"""Certificates that are renewed while the server runs: the files are looked at every few seconds.

Who renews a certificate writes several files, one after the other, and each perhaps in pieces. So
files that have changed are read when they have not changed any more between two looks. What cannot
be used then is told once, and the connections go on with what was there before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from twisted.logger import Logger

from sipapp.transport.pem import FileState, TLSError, stateOf

__all__ = ["CertificateWatch"]

#: Seconds between two looks.
INTERVAL = 5.0

_log = Logger()


class Loaded(Protocol):
    """What has been made from files: C{ServerTLS}, C{ClientTLS}.

    @ivar files: the files. @ivar state: which versions of them were read last.
    """

    @property
    def files(self) -> Sequence[str]: ...
    @property
    def state(self) -> FileState: ...

    def load(self) -> str:
        """Read them again.

        @return: what was read, for the log.
        @raise TLSError: if it cannot be used; all stays as it is.
        """


AnyLoaded = TypeVar("AnyLoaded", bound=Loaded)


class CertificateWatch:
    """Looks after the files of one worker."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        # What is looked after, with the state of its files at the last look.
        self._seen: dict[Loaded, FileState] = {}
        self._next: Any = None

    def watch(self, one: AnyLoaded) -> AnyLoaded:
        """Have something loaded again when its files have changed.

        @return: the same.
        """
        if one.files:
            self._seen[one] = one.state
            if self._next is None:
                self._wait()
        return one

    def stop(self) -> None:
        """Look no more."""
        self._seen.clear()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _wait(self) -> None:
        self._next = self._reactor.callLater(INTERVAL, self._look)

    def _look(self) -> None:
        self._wait()
        for one, seen in self._seen.items():
            state = stateOf(one.files)
            if state != one.state and state == seen:
                _load(one)
            self._seen[one] = state


def _load(one: Loaded) -> None:
    try:
        _log.info("New connections use the renewed {what}", what=one.load())
    except TLSError as error:
        _log.error(
            "Renewed certificates cannot be used, those of before stay: {error}", error=error
        )
