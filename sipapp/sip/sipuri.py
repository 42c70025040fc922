"""SIP and SIPS URIs (RFC 3261 §19.1).

A URI is parsed by one pattern. The values are immutable by convention: editing makes a new one,
and one that was not edited is written as it was received. Messages share them: one that is
changed in place is changed for messages to come as well.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sipapp.sip.errors import MalformedURI, clip
from sipapp.sip.grammar import HOST, escape, parseByte, unescape
from sipapp.sip.host import bracketed, checkHost, normalHost

__all__ = [
    "PLAIN_USER",
    "SIPURI",
    "SIP_URI",
    "escapeParam",
    "escapeUser",
    "parseURIParams",
    "sipURIFromMatch",
]

_HEX = "%[0-9A-Fa-f]{2}"
PLAIN_USER = r"[A-Za-z0-9\-_.!~*'()&=+$,;?/]++"
"""Pattern of a user part without escapes."""
_USER = rf"(?:{PLAIN_USER}|{_HEX})+"
_PASSWORD = rf"(?:[A-Za-z0-9\-_.!~*'()&=+$,]++|{_HEX})*"
_PARAM = rf"(?:[A-Za-z0-9\-_.!~*'()\[\]/:&+$]++|{_HEX})+"
_HEADER = rf"(?:[A-Za-z0-9\-_.!~*'()\[\]/?:+$]++|{_HEX})"
_HEADERS = rf"{_HEADER}+={_HEADER}*(?:&{_HEADER}+={_HEADER}*)*"

SIP_URI = (
    rf"([sS][iI][pP][sS]?):(?:({_USER})(?::({_PASSWORD}))?@)?({HOST})(?::([0-9]{{1,5}}))?"
    rf"((?:;{_PARAM}(?:={_PARAM})?)*)(?:\?({_HEADERS}))?"
)
"""Pattern of a SIP or SIPS URI. Its groups are: scheme, user, password, host, port, parameters
with their semicolons, headers."""

_escaped = re.compile("%([0-9A-Fa-f]{2})")
_new = object.__new__

_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()"
_SAFE_IN_USER = frozenset(_UNRESERVED + b"&=+$,;?/")
_SAFE_IN_PARAM = frozenset(_UNRESERVED + b"[]/:&+$")
_RESERVED = ";/?:@&=+$,"


def escapeParam(text: str) -> str:
    """
    @param text: any text.
    @return: the text as name or value of a URI parameter.
    """
    return escape(text, _SAFE_IN_PARAM)


def escapeUser(user: str) -> str:
    """
    @param user: any text.
    @return: the text as the user part of a SIP URI has to be written (RFC 3261 §19.1.2).
    """
    return escape(user, _SAFE_IN_USER)


class SIPURI:
    """
    A SIP or SIPS URI (RFC 3261 §19.1.1).

    @ivar scheme: C{'sip'} or C{'sips'}.
    @ivar user: the user part as received, that is escaped, or C{None}.
    @ivar password: likewise.
    @ivar host: as received, but an IPv6 address without its brackets.
    @ivar port: C{None} if there is none, whatever the default.
    @ivar params: the parameters by lower-case name, unescaped; C{None} where there is no value.
    @ivar headers: what follows the question mark, as received.
    """

    __slots__ = ("_text", "headers", "host", "params", "password", "port", "scheme", "user")

    def __init__(
        self,
        scheme: str = "sip",
        user: str | None = None,
        password: str | None = None,
        host: str = "",
        port: int | None = None,
        params: Mapping[str, str | None] | None = None,
        headers: str = "",
        text: str | None = None,
    ) -> None:
        """
        @param text: the URI as it was received, if it was.
        """
        self.scheme = scheme
        self.user = user
        self.password = password
        self.host = host
        self.port = port
        self.params: Mapping[str, str | None] = {} if params is None else params
        self.headers = headers
        self._text = text

    @property
    def transport(self) -> str | None:
        """The transport parameter in lower case."""
        value = self.params.get("transport")
        return value if value is None else value.lower()

    @property
    def lr(self) -> bool:
        """Whether the element that this names is a loose router (RFC 3261 §19.1.1)."""
        return "lr" in self.params

    @property
    def maddr(self) -> str | None:
        """The maddr parameter, an IPv6 address without brackets."""
        value = self.params.get("maddr")
        return value if value is None else value.strip("[]")

    @property
    def ttl(self) -> int | None:
        """The ttl parameter, C{None} if it is missing or no number from 0 to 255."""
        return parseByte(self.params.get("ttl"))

    def aor(self) -> str:
        """The canonical address-of-record: the key of a location service (RFC 3261 §10.3 step 5).

        A port says where a server is, and belongs into no To or From (§19.1.1, table 1). With sip
        and sips one and the same user is called (RFC 5630 §3.1).

        @return: unescaped user and host, as a sip URI.
        """
        host = bracketed(normalHost(self.host))
        return f"sip:{host}" if self.user is None else f"sip:{unescape(self.user)}@{host}"

    def equivalent(self, other: object) -> bool:
        """Compare as RFC 3261 §19.1.4 wants. Note that this relation is not transitive."""
        if not isinstance(other, SIPURI):
            return False
        return (
            self.scheme == other.scheme
            and self.port == other.port
            and _sameText(self.user, other.user)
            and _sameText(self.password, other.password)
            and normalHost(self.host) == normalHost(other.host)
            and _sameParams(self.params, other.params)
            and _headerSet(self.headers) == _headerSet(other.headers)
        )

    def replace(self, **fields: Any) -> SIPURI:
        """
        @param fields: attributes with their new values.
        @return: a URI with these changed and the others as they are here.
        """
        values: dict[str, Any] = {
            "scheme": self.scheme,
            "user": self.user,
            "password": self.password,
            "host": self.host,
            "port": self.port,
            "params": self.params,
            "headers": self.headers,
        }
        values.update(fields)
        return SIPURI(**values)

    def withParams(
        self, params: Mapping[str, str | None] | None = None, **more: str | None
    ) -> SIPURI:
        """
        @param params: parameters to add or change, by lower-case name, unescaped.
        @param more: the same, for names that are identifiers.
        @return: a URI that has them.
        """
        return self.replace(params={**self.params, **(params or {}), **more})

    def withoutParams(self, *names: str) -> SIPURI:
        """
        @param names: lower-case names of parameters; without any, all of them are meant.
        @return: a URI that does not have them.
        """
        kept = {k: v for k, v in self.params.items() if k not in names} if names else {}
        return self.replace(params=kept)

    def __str__(self) -> str:
        text = self._text
        if text is None:
            parts = [self.scheme, ":"]
            if self.user is not None:
                parts.append(self.user)
                if self.password is not None:
                    parts += (":", self.password)
                parts.append("@")
            parts.append(bracketed(self.host))
            if self.port is not None:
                parts.append(f":{self.port}")
            for name, value in self.params.items():
                parts += (";", escapeParam(name))
                if value is not None:
                    parts += ("=", escapeParam(value))
            if self.headers:
                parts += ("?", self.headers)
            text = self._text = "".join(parts)
        return text

    def __repr__(self) -> str:
        return f"<SIPURI {str(self)!r}>"

    def __eq__(self, other: object) -> bool:
        """Whether both are written alike. See L{equivalent} for whether they mean the same."""
        return isinstance(other, SIPURI) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def sipURIFromMatch(
    text: str,
    scheme: str,
    user: str | None,
    password: str | None,
    host: str,
    port: str | None,
    params: str,
    headers: str | None,
) -> SIPURI:
    """Make a SIP URI from the groups of the pattern L{SIP_URI}.

    @raise MalformedURI: for what the pattern cannot see.
    """
    number: int | None = None
    if port is not None:
        number = int(port)
        if number > 65535:
            raise MalformedURI(f"port out of range in {clip(text)}")
    if host[0] == "[" or host[-1] in "0123456789":
        try:
            host = checkHost(host)
        except ValueError as error:
            raise MalformedURI(f"{error} in {clip(text)}") from None
    # This way rather than by a call, which would take longer.
    uri = _new(SIPURI)
    uri.scheme = scheme if scheme == "sip" else scheme.lower()
    uri.user = user
    uri.password = password
    uri.host = host
    uri.port = number
    uri.params = parseURIParams(params, text) if params else {}
    uri.headers = headers or ""
    uri._text = text
    return uri


def parseURIParams(params: str, text: str) -> dict[str, str | None]:
    """
    @param params: the parameters of a URI, each with its semicolon.
    @param text: the whole URI, for the error.
    @return: unescaped values by unescaped lower-case name.
    @raise MalformedURI: for a name that appears twice (RFC 3261 §19.1.1).
    """
    result: dict[str, str | None] = {}
    parts = params.split(";")
    for part in parts[1:]:
        name, equals, value = part.partition("=")
        if "%" in part:
            name, value = unescape(name), unescape(value)
        result[name.lower()] = value if equals else None
    if len(result) != len(parts) - 1:
        raise MalformedURI(f"a parameter appears twice in {clip(text)}")
    return result


def _sameText(one: str | None, other: str | None) -> bool:
    """Compare with escapes: %hh equals its character unless that is reserved (§19.1.4)."""
    if one == other:
        return True
    return one is not None and other is not None and _plain(one) == _plain(other)


def _plain(text: str) -> str:
    return unescape(_escaped.sub(_protect, text))


def _protect(found: re.Match[str]) -> str:
    """Keep the escape of a reserved character (and of the percent sign) an escape."""
    character = chr(int(found[1], 16))
    return f"%25{found[1].upper()}" if character in _RESERVED or character == "%" else found[0]


_NEVER_IGNORED = frozenset(("user", "ttl", "method", "maddr", "transport"))
"""Parameters that one URI must not have without the other (§19.1.4). The transport is among them
by the RFC's third example of URIs that differ, though its rules do not name it."""


def _sameParams(ours: Mapping[str, str | None], theirs: Mapping[str, str | None]) -> bool:
    for name in _NEVER_IGNORED:
        if (name in ours) != (name in theirs):
            return False
    return all(
        (value or "").lower() == (theirs[name] or "").lower()
        for name, value in ours.items()
        if name in theirs
    )


def _headerSet(headers: str) -> list[tuple[str, str]]:
    """The header components in an order of their own; names in lower case."""
    pairs = []
    for part in headers.split("&"):
        name, _, value = part.partition("=")
        pairs.append((unescape(name).lower(), unescape(value)))
    pairs.sort()
    return pairs
