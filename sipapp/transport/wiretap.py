"""Who is shown every message that a worker reads or sends, while somebody wants to see them."""

from __future__ import annotations

from typing import Protocol

__all__ = ["Wiretap"]


class Wiretap(Protocol):
    """Sees messages as they are on the wire; of TLS, what is in it. What another worker has read
    and hands over is not shown again: it was seen there."""

    def seen(
        self,
        data: bytes,
        isSent: bool,
        transport: str,
        local: tuple[str, int],
        remote: tuple[str, int],
    ) -> None:
        """A message has been read, or is written. Nothing may be raised.

        @param isSent: whether it is one of ours. @param transport: C{UDP}, C{TCP} or C{TLS}.
        @param local: our numeric address. @param remote: the peer's.
        """
