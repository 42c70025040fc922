"""What the schemes of HTTP authentication have in common (RFC 9110 §11)."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from sipapp.storage import Account

__all__ = ["Fault", "Scheme"]

Fault = Literal["wrong", "stale", "misdirected"]
"""What keeps credentials from being a proof: nobody has this name and password; the nonce has ended
or has been used like this before; they are for another resource."""


class Scheme(Protocol):
    """One scheme, for users of one realm. A request is a C{twisted.web.server.Request}."""

    def isFor(self, request: Any, text: str) -> bool:
        """
        @param text: the value of Authorization.
        @return: whether it is of this scheme, and the scheme is taken here.
        """

    def prove(self, request: Any, text: str) -> Coroutine[Any, Any, Account | Fault | None]:
        """Find out whose credentials these are, and whether they are good for this request.

        @return: C{None} if they answer no challenge of ours.
        @raise Exception: if nobody can tell now.
        """

    def challenges(self, request: Any, stale: bool) -> list[str]:
        """
        @param stale: whether only the nonce was at fault.
        @return: values of WWW-Authenticate; none where the scheme is not offered.
        """
