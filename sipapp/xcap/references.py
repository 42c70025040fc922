"""References from one document to another: URIs by their grammar alone (RFC 3986), since a server
does not follow them (RFC 4826 §3.1)."""

from __future__ import annotations

import re

__all__ = ["UNESCAPED", "isHTTP", "isRelativePath"]

UNESCAPED = "!$&'()*+,;=:@"
"""What needs no escape in a segment of a path, besides letters, digits and C{-._~} (RFC 3986
§3.3)."""

_ESCAPE = "%[0-9A-Fa-f]{2}"
_PCHAR = rf"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|{_ESCAPE})"
_REST = rf"(?:/{_PCHAR}*)*(?:\?(?:{_PCHAR}|[/?])*)?"

_isRelativePath = re.compile(rf"(?:[A-Za-z0-9\-._~!$&'()*+,;=@]|{_ESCAPE})+{_REST}").fullmatch
_isHTTP = re.compile(rf"https?://(?:{_PCHAR}|[\[\]])+{_REST}", re.IGNORECASE).fullmatch


def isRelativePath(text: str) -> bool:
    """
    @return: whether it is a relative path reference (§4.2): one that begins neither with a scheme
        nor with a slash. It may have a query.
    """
    return _isRelativePath(text) is not None


def isHTTP(text: str) -> bool:
    """
    @return: whether it is an absolute URI (§4.3) of HTTP or HTTPS.
    """
    return _isHTTP(text) is not None
