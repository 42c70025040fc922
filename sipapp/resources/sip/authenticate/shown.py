"""The credentials that a request shows, and those of ours among them (RFC 3261 §22.3).

Ours are those with a nonce that this server has signed. They are a proof for this server, and so
they go no further; what is for somebody else behind it stays as it came.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from itertools import islice

from sipapp.sip import Request, SIPError
from sipapp.sip.digest import Credentials, Nonces, parseCredentials
from sipapp.sip.fields import valueOf

__all__ = ["credentialLines", "lastExpiry", "oursAmong", "takeOut"]

_FIELDS = ("authorization", "proxy-authorization")

_MOST = 8
"""Lines that are looked at. Each is for another realm or algorithm, so there are hardly two."""

_LOOKED_AT = 16
"""Texts in a line that are looked at. Credentials have ten or so."""

_nonces = re.compile(r"(?<![A-Za-z0-9_\-])[A-Za-z0-9_\-]{32}(?![A-Za-z0-9_\-])").finditer


def credentialLines(request: Request) -> list[str]:
    """The header lines with credentials. It makes no difference which of the two header fields they
    are: a phone uses what it has learnt from a 401 to its REGISTER for its calls as well."""
    names = request.names
    if _FIELDS[0] not in names and _FIELDS[1] not in names:
        return []
    lines = [line for line, name in zip(request.lines, names, strict=True) if name in _FIELDS]
    return lines[:_MOST]


def lastExpiry(lines: Sequence[str], nonces: Nonces) -> float:
    """
    @return: when the last of the nonces of ours in these lines ends; 0 if there is none. That is
        known without taking them apart.
    """
    last = 0.0
    for line in lines:
        for found in islice(_nonces(line), _LOOKED_AT):
            last = max(last, nonces.expiry(found[0]) or 0.0)
    return last


def oursAmong(lines: Sequence[str], nonces: Nonces) -> list[tuple[str, Credentials]]:
    """
    @return: those of ours, each with its line. What cannot be read is not ours.
    """
    ours = []
    for line in lines:
        try:
            credentials = parseCredentials(valueOf(line))
        except SIPError:
            continue
        if nonces.expiry(credentials.nonce) is not None:
            ours.append((line, credentials))
    return ours


def takeOut(request: Request, lines: Container[str]) -> None:
    """Remove these header lines."""
    kept = [index for index, line in enumerate(request.lines) if line not in lines]
    request.lines[:] = [request.lines[index] for index in kept]
    request.names[:] = [request.names[index] for index in kept]
