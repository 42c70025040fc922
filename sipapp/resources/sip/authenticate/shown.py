"""The credentials that a request shows, and those of ours among them (RFC 3261 §22.3).

Ours are those with a nonce that this server has signed. They are a proof for this server, and so
they go no further; what is for somebody else behind it stays as it came.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from sipapp.sip import Request, SIPError
from sipapp.sip.digest import Credentials, Nonces, parseCredentials
from sipapp.sip.fields import valueOf

__all__ = ["Shown", "credentialsIn", "oursAmong", "takeOut"]

_FIELDS = ("authorization", "proxy-authorization")

_MOST = 8
"""Lines that are looked at. Each is for another realm or algorithm, so there are hardly two."""

_REMEMBERED = 16
"""So many lines are known taken apart. Each is asked for twice: before there is a transaction, and
in it."""


class Shown(NamedTuple):
    """Credentials, and the header line that they are in."""

    line: str
    credentials: Credentials


def credentialsIn(request: Request) -> list[Shown]:
    """The credentials that can be read. It makes no difference which of the two header fields they
    are in: a phone uses what it has learnt from a 401 to its REGISTER for its calls as well."""
    names = request.names
    if _FIELDS[0] not in names and _FIELDS[1] not in names:
        return []
    lines = [line for line, name in zip(request.lines, names, strict=True) if name in _FIELDS]
    return [shown for line in lines[:_MOST] if (shown := _read(line)) is not None]


def oursAmong(shown: Iterable[Shown], nonces: Nonces) -> list[Shown]:
    """
    @return: those with a nonce of ours.
    """
    return [each for each in shown if nonces.expiry(each.credentials.nonce) is not None]


@lru_cache(_REMEMBERED)
def _read(line: str) -> Shown | None:
    try:
        return Shown(line, parseCredentials(valueOf(line)))
    except SIPError:
        return None


def takeOut(request: Request, shown: Iterable[Shown]) -> None:
    """Remove these credentials."""
    lines = [each.line for each in shown]
    kept = [index for index, line in enumerate(request.lines) if line not in lines]
    request.lines[:] = [request.lines[index] for index in kept]
    request.names[:] = [request.names[index] for index in kept]
