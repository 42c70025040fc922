"""What of a message nobody gets to see who looks at traces: what somebody could log in with, or
guess a password from, and the keys of media.

It is written over with C{x}, byte for byte, so that lengths stay as they were:

 - of C{Authorization} and C{Proxy-Authorization}, the C{response} of Digest, and all of any other
   scheme (RFC 3261 §22.4, RFC 7617, RFC 8898);
 - C{rspauth} of C{Authentication-Info} and C{Proxy-Authentication-Info} (RFC 7615);
 - the keys of media in SDP: C{a=crypto} (RFC 4568 §6.1), C{a=key-mgmt} (RFC 4567 §3.1), C{k=} (RFC
   4566 §5.12); and C{a=ice-pwd} (RFC 8839 §5.4), with which somebody else could have them sent to
   him;
 - a password in a URI (RFC 3261 §19.1.1).

Names, numbers and what people write to each other are not masked.
"""

from __future__ import annotations

import re

__all__ = ["masked"]

# A line, with those that are folded to it.
_VALUE = rb"[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*"
_CREDENTIALS = re.compile(
    rb"^(?:proxy-)?(?:authorization|authentication-info)[ \t]*:" + _VALUE,
    re.IGNORECASE | re.MULTILINE,
)
_SCHEME = re.compile(rb"[^:]*:\s*([^\s,=]+)(?=\s)")
_PROOF = re.compile(rb"\b(?:response|rspauth)\s*=\s*(\"[^\"]*\"?|[^\s,]*)", re.IGNORECASE)
_KEY = re.compile(
    rb"(?:\binline:|^a=key-mgmt:[^\s]+[ \t]+|^a=ice-pwd:)([^\s|;]+)", re.IGNORECASE | re.MULTILINE
)
_OLD_KEY = re.compile(rb"^k=(?:clear|base64):([^\r\n]+)", re.IGNORECASE | re.MULTILINE)
_PASSWORD = re.compile(rb"\bsips?:[^\s@:<>\"]+:([^\s@:<>\"]+)@", re.IGNORECASE)


def masked(data: bytes) -> bytes:
    """
    @param data: a message.
    @return: one of the same size, without its secrets.
    """
    lowered = data.lower()
    if b"auth" in lowered:
        data = _CREDENTIALS.sub(_maskCredentials, data)
    if b"a=" in lowered:
        data = _KEY.sub(_mask, data)
    if b"k=" in lowered:
        data = _OLD_KEY.sub(_mask, data)
    if b"@" in data:
        data = _PASSWORD.sub(_mask, data)
    return data


def _maskCredentials(found: re.Match[bytes]) -> bytes:
    line = found[0]
    if b"authentication-info" not in line[:40].lower():
        scheme = _SCHEME.match(line)
        if scheme is None or scheme[1].lower() != b"digest":
            start = line.index(b":") + 1 if scheme is None else scheme.end()
            return line[:start] + re.sub(rb"[^\s]", b"x", line[start:])
    return _PROOF.sub(_mask, line)


def _mask(found: re.Match[bytes]) -> bytes:
    whole, secret = found[0], found[1]
    start = found.start(1) - found.start()
    hidden = re.sub(rb"[^\s\"]", b"x", secret)
    return whole[:start] + hidden + whole[start + len(secret) :]
