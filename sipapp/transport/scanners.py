"""The marks of programs that look for SIP servers to abuse."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sipapp.sip import Request

__all__ = ["Scanners"]


class Scanners:
    """Knows scanners by what they call themselves, in User-Agent or in the display name of From.
    The better ones lie; most do not bother."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        """
        @param names: what gives one away, in any case.
        """
        alternatives = "|".join(map(re.escape, names))
        self._find = re.compile(alternatives, re.IGNORECASE).search if alternatives else None

    def sent(self, request: Request) -> bool:
        """Tell whether a request bears a mark of one."""
        if self._find is None:
            return False
        agent = request.get("user-agent") or ""
        caller, bracket, _ = (request.get("from") or "").partition("<")
        return bool(self._find(agent) or (bracket and self._find(caller)))
