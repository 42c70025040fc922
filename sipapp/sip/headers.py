"""Header field names, which of them are lists, and the values that are no addresses."""

from __future__ import annotations

import re
from typing import NamedTuple

from sipapp.sip.errors import MalformedHeader, clip
from sipapp.sip.grammar import TOKEN, WHITESPACE, isToken, parseNumber

__all__ = [
    "COMPACT",
    "DISPLAY",
    "KNOWN",
    "LISTS",
    "CSeq",
    "canonical",
    "displayName",
    "parseCSeq",
    "parseCallID",
    "parseContentLength",
    "parseContentType",
    "parseMaxForwards",
    "parseSeconds",
    "parseTokens",
]

COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "d": "request-disposition",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "j": "reject-contact",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "n": "identity-info",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
    "y": "identity",
}
"""The registered compact forms (RFC 3261 §7.3.3 and later RFCs)."""

_DISPLAY_FORMS = """
Accept Accept-Contact Accept-Encoding Accept-Language Alert-Info Allow Allow-Events
Authentication-Info Authorization Call-ID Call-Info Contact Content-Disposition Content-Encoding
Content-Language Content-Length Content-Type CSeq Date Diversion Error-Info Event Expires
Flow-Timer From Geolocation History-Info Identity Identity-Info In-Reply-To Join Max-Breadth
Max-Forwards MIME-Version Min-Expires Min-SE Organization P-Access-Network-Info
P-Asserted-Identity P-Associated-URI P-Called-Party-ID P-Charging-Vector P-Preferred-Identity
P-Visited-Network-ID Path Priority Privacy Proxy-Authenticate Proxy-Authorization Proxy-Require
RAck Reason Record-Route Refer-Sub Refer-To Referred-By Reject-Contact Remote-Party-ID Replaces
Reply-To Request-Disposition Require Retry-After Route RSeq Security-Client Security-Server
Security-Verify Server Service-Route Session-Expires SIP-ETag SIP-If-Match Subject
Subscription-State Supported Timestamp To Unsupported User-Agent Via Warning WWW-Authenticate
"""

DISPLAY = {form.lower(): form for form in _DISPLAY_FORMS.split()}
"""How a header field is written, by its canonical key: the long name in lower case."""

_LIST_KEYS = """
accept accept-contact accept-encoding accept-language alert-info allow allow-events call-info
contact content-encoding content-language diversion error-info geolocation history-info
in-reply-to p-asserted-identity p-associated-uri p-preferred-identity p-visited-network-id
path proxy-require reason record-route reject-contact require route security-client
security-server security-verify service-route supported unsupported via warning
"""

LISTS = frozenset(_LIST_KEYS.split())
"""Canonical keys of the header fields whose grammar is a list with commas. Authenticate and
Authorization fields are not among them (RFC 3261 §7.3.1)."""

KNOWN: dict[str, str] = {}
"""Canonical keys by the spellings that occur in practice: the fast path of L{canonical}."""

for _key, _form in DISPLAY.items():
    for _spelling in (_key, _form, _form.upper(), _form.title(), _form.capitalize()):
        KNOWN[_spelling] = _key
for _letter, _key in COMPACT.items():
    KNOWN[_letter] = KNOWN[_letter.upper()] = _key

_callID = re.compile(r"[^\x00-\x20\x7f]++\Z").match
_cseq = re.compile(rf"([0-9]++)[ \t]++({TOKEN})\Z").match
_mediaType = re.compile(rf"({TOKEN})[ \t]*+/[ \t]*+({TOKEN})[ \t]*+(?:;|\Z)").match

_BYTES = {str(number): number for number in range(256)}
_MAXIMUM_CSEQ = 2**31 - 1
_MAXIMUM_SECONDS = 2**32 - 1
_MAXIMUM_LENGTH = 2**31 - 1


def canonical(name: str) -> str:
    """
    @param name: a header field name in any case or compact form.
    @return: its key: the long name in lower case.
    """
    key = KNOWN.get(name)
    if key is None:
        # Only ASCII has case here: a Kelvin sign is not a k.
        key = name.strip(WHITESPACE)
        if key.isascii():
            key = key.lower()
        key = KNOWN.get(key, key)
    return key


def displayName(name: str) -> str:
    """
    @param name: a canonical key or a name as somebody wants it written.
    @return: the name to write.
    """
    return DISPLAY.get(name, name)


class CSeq(NamedTuple):
    """A CSeq value (RFC 3261 §20.16)."""

    number: int
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def parseCSeq(text: str) -> CSeq:
    """
    @raise MalformedHeader: for bad syntax or a number of 2**31 or more (RFC 3261 §8.1.1.5).
    """
    found = _cseq(text)
    if found is None:
        raise MalformedHeader(f"{clip(text)} is not a CSeq", "CSeq")
    digits, method = found.groups()
    number = int(digits) if len(digits) < 10 else parseNumber(digits, _MAXIMUM_CSEQ)
    if number > _MAXIMUM_CSEQ:
        raise MalformedHeader("the number is out of range", "CSeq")
    return CSeq(number, method)


def parseCallID(text: str) -> str:
    """Check a Call-ID. Anything visible is taken: it is an opaque text that is only compared,
    and many that are in use break the grammar of RFC 3261 §20.8.

    @raise MalformedHeader: if it is empty or holds white space or control characters.
    """
    if _callID(text) is None:
        raise MalformedHeader(f"{clip(text)} is not a Call-ID", "Call-ID")
    return text


def _number(text: str, maximum: int) -> int:
    try:
        return parseNumber(text, maximum)
    except ValueError:
        raise MalformedHeader(f"{clip(text)} is not a number") from None


def parseMaxForwards(text: str) -> int:
    """
    @raise MalformedHeader: if it is not a number from 0 to 255 (RFC 3261 §20.22).
    """
    number = _BYTES.get(text)
    if number is None:
        number = _number(text, 255)
        if number > 255:
            raise MalformedHeader("the number is out of range", "Max-Forwards")
    return number


def parseSeconds(text: str) -> int:
    """Parse a duration such as Expires. One beyond 2**32-1 counts as that: it asks for more than
    anybody grants in any case (RFC 3261 §20.10, §20.19).

    @raise MalformedHeader: if it is not a number.
    """
    if len(text) < 10 and text.isascii() and text.isdigit():
        return int(text)
    return min(_number(text, _MAXIMUM_SECONDS), _MAXIMUM_SECONDS)


def parseContentLength(text: str) -> int:
    """
    @raise MalformedHeader: if it is not a number, or one that no body will ever reach.
    """
    if len(text) < 10 and text.isascii() and text.isdigit():
        return int(text)
    number = _number(text, _MAXIMUM_LENGTH)
    if number > _MAXIMUM_LENGTH:
        raise MalformedHeader("the number is out of range", "Content-Length")
    return number


def parseContentType(text: str) -> str:
    """
    @return: type and subtype in lower case, without parameters.
    @raise MalformedHeader: if there is no media type.
    """
    found = _mediaType(text)
    if found is None:
        raise MalformedHeader(f"{clip(text)} is not a media type", "Content-Type")
    return f"{found[1]}/{found[2]}".lower()


def parseTokens(values: list[str]) -> tuple[str, ...]:
    """Take a list of tokens, such as the option tags of Require. Empty elements mean nothing.

    @raise MalformedHeader: if an element is not a token.
    """
    tokens = tuple([value for value in values if value])
    for token in tokens:
        if not isToken(token):
            raise MalformedHeader(f"{clip(token)} is not a token")
    return tokens
