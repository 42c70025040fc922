"""How documents and their users are called (RFC 4825 §6.2)."""

from __future__ import annotations

import re
from urllib.parse import quote

import msgspec

from sipapp.sip.errors import MalformedURI, clip
from sipapp.sip.grammar import escape, unescape
from sipapp.sip.sipuri import SIPURI, escapeParam
from sipapp.sip.teluri import TelURI
from sipapp.sip.uri import URI, parseURI
from sipapp.xcap.errors import BadSelector
from sipapp.xcap.references import UNESCAPED

__all__ = ["DocumentName", "canonicalXUI"]

_control = re.compile("[\x00-\x1f\x7f-\x9f]").search
_scheme = re.compile("[A-Za-z][A-Za-z0-9+.-]*:").match

_LITERAL = frozenset(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()&=+$,;?"
)
"""What the user part of an XUI may hold unescaped: RFC 3261 §25.1 but for the slash."""
_WRITTEN = _LITERAL | frozenset(b"%:/")
"""What is left alone in a user part that may hold escapes and a password."""


class DocumentName(msgspec.Struct, frozen=True, order=True):
    """
    What a document selector says (RFC 4825 §6.2).

    @ivar auid: the application usage.
    @ivar xui: whose it is, empty for the global tree. Stores and usages are given it as
        L{canonicalXUI} makes it.
    @ivar path: the document within its home directory: C{index}, or C{a/b}.
    """

    auid: str
    xui: str
    path: str

    def __post_init__(self) -> None:
        """
        @raise ValueError: if a part is empty, or nothing that one segment of a path can say.
        """
        _check(self.auid)
        if self.xui:
            _check(self.xui)
        for segment in self.path.split("/"):
            _check(segment)

    @property
    def isGlobal(self) -> bool:
        """Whether it is nobody's document, but that of all users."""
        return not self.xui

    def canonical(self, domain: str) -> DocumentName:
        """
        @param domain: the one of users that are called by their name alone.
        @return: the same document with the one spelling of its user.
        @raise BadSelector: if no user can be called so.
        """
        if self.isGlobal:
            return self
        return DocumentName(self.auid, canonicalXUI(self.xui, domain), self.path)

    def toPath(self) -> str:
        """
        @return: the document selector, percent-encoded, to be appended to the XCAP root and a
            slash.
        """
        tree = f"users/{quote(self.xui, safe=UNESCAPED)}" if self.xui else "global"
        return f"{quote(self.auid, safe=UNESCAPED)}/{tree}/{quote(self.path, safe=UNESCAPED + '/')}"


def _check(segment: str) -> None:
    """
    @raise ValueError: for what a path cannot say, and for what others may take for another path.
    """
    if not segment:
        raise ValueError("a name is empty")
    if segment in (".", ".."):
        raise ValueError("a name is a dot segment")
    if segment == "~~":
        raise ValueError("a name is the separator of node selectors")
    if "/" in segment:
        raise ValueError("there is a slash in a name")
    if _control(segment):
        raise ValueError("there is a control character in a name")


def canonicalXUI(text: str, domain: str) -> str:
    """Find the one spelling of an XCAP user identifier.

    @param text: a SIP or SIPS URI (which mean the same user), the same without its scheme, a name
        in C{domain}, or a URI of another scheme. Not percent-encoded as a whole, but a URI has
        escapes of its own.
    @param domain: the one of users that are called by their name alone.
    @return: a URI. That of a SIP user is an address-of-record (RFC 3261 §10.3 step 5), but with
        its escapes, so that it is a URI still: canonical, it stays as it is.
    @raise BadSelector: if it is nothing like these.
    """
    found = _scheme(text)
    scheme = found[0].lower() if found else ""
    if scheme not in ("", "sip:", "sips:"):
        return _otherUser(text)
    user, at, host = text[len(scheme) :].rpartition("@")
    if scheme or at:
        address = f"{escape(user, _WRITTEN)}{at}{host}"
    else:
        # A name alone is no URI: what looks like an escape in it, or like a password, is neither.
        address = f"{escape(text, _LITERAL)}@{domain}"
    return _sipUser(text, f"{scheme or 'sip:'}{address}")


def _sipUser(text: str, meant: str) -> str:
    """
    @param meant: the SIP or SIPS URI that the text means.
    """
    uri = _parsed(text, meant)
    assert isinstance(uri, SIPURI)
    host = uri.replace(user=None).aor().removeprefix("sip:")
    user = "" if uri.user is None else f"{escape(unescape(uri.user), _LITERAL)}@"
    # With a dot behind it an address that is none passes for a name, and comes out without.
    _parsed(text, f"sip:{user}{host}")
    return f"sip:{user}{host}"


def _otherUser(text: str) -> str:
    uri = _parsed(text, text)
    if isinstance(uri, TelURI):
        user = TelURI(uri.number).aor()
        context = uri.params.get("phone-context")
        if context is not None:
            user = f"{user};phone-context={escapeParam(context.lower())}"
    else:
        user = f"{uri.scheme}:{text.partition(':')[2]}"
    try:
        _check(user)
    except ValueError as error:
        raise BadSelector(f"{clip(text)} is not a user: {error}") from None
    return user


def _parsed(text: str, meant: str) -> URI:
    try:
        return parseURI(meant)
    except MalformedURI as error:
        raise BadSelector(f"{clip(text)} is not a user: {error.detail}") from None
