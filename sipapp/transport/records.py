"""Questions to the DNS and the records in its answers, as plain values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from socket import AF_INET, AF_INET6, inet_pton
from typing import NamedTuple

__all__ = ["NAPTR", "SRV", "Answer", "DNSFailure", "Question", "Records", "familyOf"]

_DOTTED = re.compile(r"[0-9.]+", re.ASCII)


def familyOf(host: str) -> int:
    """4 or 6 for an address, 0 for a name."""
    if ":" in host:
        family, number = AF_INET6, 6
    elif _DOTTED.fullmatch(host):
        family, number = AF_INET, 4
    else:
        return 0
    try:
        inet_pton(family, host)
    except (OSError, ValueError):
        return 0
    return number


class DNSFailure(Exception):
    """A question of the DNS that got no usable answer."""

    def __init__(self, reason: str, silent: bool = False) -> None:
        """
        @param silent: no name server answered at all, so there is no use in further questions.
        """
        super().__init__(reason)
        self.silent = silent


class NAPTR(NamedTuple):
    """RFC 2915 §2, without the regular expression: RFC 3263 uses the replacement only."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


class SRV(NamedTuple):
    """RFC 2782. A target of C{""} is the root: the service is decidedly not there."""

    priority: int
    weight: int
    port: int
    target: str


class Question(NamedTuple):
    """@ivar kind: C{NAPTR}, C{SRV}, C{A} or C{AAAA}."""

    name: str
    kind: str


Records = Sequence[NAPTR] | Sequence[SRV] | Sequence[str]
"""An answer: addresses as text for A and AAAA; empty if there are none or no such name."""

Answer = Records | DNSFailure
