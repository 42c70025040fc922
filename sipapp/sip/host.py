"""Hosts: the numbers of an address, and when two hosts are the same."""

from __future__ import annotations

import re
from ipaddress import IPv6Address

__all__ = ["PLAIN_HOST", "PLAIN_PORT", "bracketed", "checkHost", "normalHost"]

# Without leading zeros, which some take for octal digits (RFC 3986 §3.2.2).
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = r"\.".join([_OCTET] * 4)
_NAME = r"[A-Za-z0-9_]++(?:[.\-][A-Za-z0-9_]++)*(?<![0-9])"

PLAIN_HOST = rf"(?:{_IPV4}|{_NAME})"
"""Pattern of the hosts that most messages have, and that L{checkHost} returns as they are: IPv4
addresses, and names that do not end in a digit."""

PLAIN_PORT = r"(?:[1-5][0-9]{4}|6[0-4][0-9]{3}|[0-9]{1,4})"
"""Pattern of nearly all ports, and of nothing beyond them."""

_GROUP = r"[0-9A-Fa-f]{1,4}"
_LAST = rf"(?:{_GROUP}:{_GROUP}|{_IPV4})"
# RFC 5954 §4.1, which replaces the IPv6 grammar of RFC 3261.
_IPV6 = "|".join(
    [
        rf"(?:{_GROUP}:){{6}}{_LAST}",
        rf"::(?:{_GROUP}:){{5}}{_LAST}",
        rf"(?:{_GROUP})?::(?:{_GROUP}:){{4}}{_LAST}",
        rf"(?:(?:{_GROUP}:){{0,1}}{_GROUP})?::(?:{_GROUP}:){{3}}{_LAST}",
        rf"(?:(?:{_GROUP}:){{0,2}}{_GROUP})?::(?:{_GROUP}:){{2}}{_LAST}",
        rf"(?:(?:{_GROUP}:){{0,3}}{_GROUP})?::{_GROUP}:{_LAST}",
        rf"(?:(?:{_GROUP}:){{0,4}}{_GROUP})?::{_LAST}",
        rf"(?:(?:{_GROUP}:){{0,5}}{_GROUP})?::{_GROUP}",
        rf"(?:(?:{_GROUP}:){{0,6}}{_GROUP})?::",
    ]
)
_isIPv4 = re.compile(_IPV4 + r"\Z").match
_isIPv6 = re.compile(rf"(?:{_IPV6})\Z").match


def checkHost(host: str) -> str:
    """Look at what the pattern of a host cannot: whether an address is one.

    @param host: text that matches L{sipapp.sip.grammar.HOST}.
    @return: the host, without the brackets of an IPv6 reference.
    @raise ValueError: if it is neither an address nor could be a name: a name's last label is
        not all digits (RFC 3696 §2), which catches C{256.0.0.1}, C{10.1} and C{10.1.}.
    """
    if host[0] == "[":
        host = host[1:-1]
        if ":::" in host and "." in host:
            # RFC 5118 §4.10: the grammar of RFC 3261 put a colon too many before an embedded
            # IPv4 address, which has to be tolerated.
            host = host.replace(":::", "::", 1)
        if _isIPv6(host) is None:
            raise ValueError("not an IPv6 address")
        return host
    if host[-1] in "0123456789." and _isIPv4(host) is None:
        label = host.removesuffix(".").rpartition(".")[2]
        if not label.strip("0123456789"):
            raise ValueError("not an IPv4 address, and not a name")
    return host


def bracketed(host: str) -> str:
    """
    @param host: a host without brackets.
    @return: the host as it is written in a URI or a Via: an IPv6 address in brackets.
    """
    return f"[{host}]" if ":" in host else host


def normalHost(host: str) -> str:
    """
    @param host: a host without brackets.
    @return: the one spelling of it: names in lower case without the final dot, IPv6 addresses
        in the form of RFC 5952 (they compare as numbers, RFC 5954 §4.2).
    """
    if ":" in host:
        try:
            return IPv6Address(host).compressed
        except ValueError:
            return host.lower()
    return host.lower().rstrip(".")
