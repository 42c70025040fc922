"""URIs of any scheme."""

from __future__ import annotations

import re
from functools import lru_cache

from sipapp.sip.errors import MalformedURI, clip
from sipapp.sip.host import PLAIN_HOST, PLAIN_PORT
from sipapp.sip.sipuri import PLAIN_USER, SIP_URI, SIPURI, sipURIFromMatch
from sipapp.sip.teluri import TelURI, parseTelURI

__all__ = ["URI", "OtherURI", "parseURI"]

_plainSIPURI = re.compile(
    rf"(sips?):(?:({PLAIN_USER})@)?({PLAIN_HOST})(?::({PLAIN_PORT}))?\Z"
).match
_sipURI = re.compile(SIP_URI + r"\Z").match
_otherURI = re.compile(r"([A-Za-z][A-Za-z0-9+\-.]*+):[^\x00-\x20<>\"\x7f]++\Z").match


class OtherURI:
    """
    A URI of a scheme that sipapp does not know.

    @ivar scheme: in lower case.
    @ivar text: the whole URI.
    """

    __slots__ = ("scheme", "text")

    def __init__(self, scheme: str, text: str) -> None:
        self.scheme = scheme
        self.text = text

    def aor(self) -> str:
        """The URI itself: nothing is known about its parts."""
        return self.text

    def equivalent(self, other: object) -> bool:
        """Whether both are written alike."""
        return self == other

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<OtherURI {self.text!r}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OtherURI) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


URI = SIPURI | TelURI | OtherURI

_REMEMBERED = 4096
_LONGEST_REMEMBERED = 128


def parseURI(text: str) -> URI:
    """Parse a URI. Most URIs are seen again and again, so the last ones are remembered.

    @param text: a URI, without white space around it.
    @raise MalformedURI: if it breaks the grammar of its scheme.
    """
    return _remembered(text) if len(text) <= _LONGEST_REMEMBERED else _parse(text)


def _parse(text: str) -> URI:
    found = _plainSIPURI(text)
    if found is not None:
        scheme, user, host, port = found.groups()
        number = None if port is None else int(port)
        return SIPURI(scheme, user, None, host, number, None, "", text)
    found = _sipURI(text)
    if found is not None:
        return sipURIFromMatch(text, *found.groups())
    other = _otherURI(text)
    if other is None:
        raise MalformedURI(f"{clip(text)} is not a URI")
    scheme = other[1].lower()
    if scheme in ("sip", "sips"):
        raise MalformedURI(f"{clip(text)} is not a SIP URI")
    return parseTelURI(text) if scheme == "tel" else OtherURI(scheme, text)


_remembered = lru_cache(_REMEMBERED)(_parse)
