"""The target of a request: what its URI says of where it goes, and whether that is enough."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from sipapp.transport.records import familyOf

__all__ = [
    "PREFERENCE",
    "Address",
    "LocateError",
    "Target",
    "TargetURI",
    "addressAt",
    "fallback",
    "numeric",
    "transportOf",
]


class LocateError(Exception):
    """There is nowhere to send a request to. Its text says why."""

    status = 503
    """What the sender of the request deserves to hear: as after a transport failure, RFC 3261
    §8.1.3.1 and §16.9."""


class Address(NamedTuple):
    """Where to send, and how.

    @ivar transport: C{UDP}, C{TCP} or C{TLS}.
    @ivar host: an IPv4 or IPv6 address, without brackets.
    @ivar tlsName: for TLS, the name that the certificate must be for: the domain that was asked
        for, and not what the DNS made of it (RFC 5922 §4). Otherwise C{""}.
    """

    transport: str
    host: str
    port: int
    tlsName: str = ""


class TargetURI(Protocol):
    """What L{Target.ofURI} reads of a C{sipapp.sip.SIPURI}."""

    @property
    def scheme(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int | None: ...
    @property
    def transport(self) -> str | None: ...
    @property
    def maddr(self) -> str | None: ...


class Target(NamedTuple):
    """The parts of a next-hop URI, or of a Via sent-by (RFC 3263 §5), that say where it leads.

    @ivar host: name or address, IPv6 without brackets.
    @ivar transport: as in the C{transport} parameter, in lower case.
    @ivar secure: whether the URI is a C{sips:} one, so that nothing but TLS will do.
    """

    host: str
    port: int | None = None
    transport: str | None = None
    maddr: str | None = None
    secure: bool = False

    @classmethod
    def ofURI(cls, uri: TargetURI) -> Target:
        return cls(uri.host, uri.port, uri.transport, uri.maddr, uri.scheme == "sips")


_DEFAULT_PORT = {"UDP": 5060, "TCP": 5060, "TLS": 5061}

PREFERENCE = ("UDP", "TCP", "TLS")
"""Order of our own where the domain states none. UDP first because it is what RFC 3263 §4.1
falls back to."""


def transportOf(target: Target, supported: frozenset[str]) -> str | None:
    """The transport that the target names itself.

    @return: C{None} if it names none.
    @raise LocateError: if it cannot be used.
    """
    if target.transport is None:
        return None
    named = target.transport.upper()
    if target.secure:
        # RFC 3261 §19.1.2: with sips, transport=tcp means TLS over TCP.
        if named not in ("TCP", "TLS"):
            raise LocateError(f"a sips URI cannot be reached over {named}")
        named = "TLS"
    if named not in supported:
        raise LocateError(f"the transport {named} is not available here")
    return named


def fallback(target: Target, supported: frozenset[str]) -> str:
    """The transport where nobody names one: UDP for sip, TLS for sips (RFC 3263 §4.1)."""
    if target.secure:
        if "TLS" in supported:
            return "TLS"
        raise LocateError("a sips URI needs TLS, which is not available here")
    for transport in PREFERENCE:
        if transport in supported:
            return transport
    raise LocateError("no transport is available")


def addressAt(transport: str, host: str, port: int | None, target: Target) -> Address:
    """A host that was found for a target; without a port it is the transport's usual one."""
    return Address(
        transport,
        host,
        _DEFAULT_PORT[transport] if port is None else port,
        target.host if transport == "TLS" else "",
    )


def numeric(target: Target, supported: frozenset[str]) -> Address | None:
    """The address of a target that needs no DNS (RFC 3263 §4.1, §4.2).

    @return: C{None} if the target is a name.
    """
    host = target.maddr or target.host
    if not familyOf(host):
        return None
    transport = transportOf(target, supported) or fallback(target, supported)
    return addressAt(transport, host, target.port, target)
