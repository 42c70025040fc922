"""The addresses that this server listens at, which of them suits a peer, and what to call it.

Every worker knows all of them, also those that it does not serve: what it sends over a connection
that it opens itself names the address where the server waits for connections (RFC 3261 §18.1.1).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from zlib import crc32

from sipapp.transport.records import familyOf

#: So many peers are remembered, for so many seconds: routes change.
_REMEMBERED = 4096
_MEMORY = 60.0

_WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared with, not bound)
"""What stands for every address of the machine, and where the kernel takes what is sent there."""

_MAPPED = "::ffff:"


def isLoopback(host: str) -> bool:
    """Tell whether a numeric address is of this machine alone."""
    return host.startswith("127.") or host == "::1"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A bound address.

    @ivar index: its place among all listeners of the server.
    @ivar transport: C{UDP}, C{TCP} or C{TLS}.
    @ivar host: numeric, IPv6 without brackets.
    @ivar port: the one that was bound, never 0.
    @ivar advertisedHost: what to call it instead, for a server behind address translation.
    @ivar key: a short name, the same whenever the address is.
    @ivar called: what it is called everywhere; C{None} if that depends on who asks, because it is
        bound to every address of the machine.
    """

    index: int
    transport: str
    host: str
    port: int
    advertisedHost: str | None = None
    advertisedPort: int | None = None
    family: int = field(init=False)
    isWildcard: bool = field(init=False)
    isLoopback: bool = field(init=False)
    key: str = field(init=False)
    called: tuple[str, int] | None = field(init=False)

    def __post_init__(self) -> None:
        wildcard = self.host in _WILDCARDS
        port = self.advertisedPort or self.port
        called: tuple[str, int] | None = None
        if self.advertisedHost is not None:
            called = (self.advertisedHost, port)
        elif not wildcard:
            called = (self.host, port)
        object.__setattr__(self, "family", 6 if ":" in self.host else 4)
        object.__setattr__(self, "isWildcard", wildcard)
        object.__setattr__(self, "isLoopback", isLoopback(self.host))
        object.__setattr__(
            self, "key", f"{crc32(f'{self.transport} {self.host} {self.port}'.encode()):x}"
        )
        object.__setattr__(self, "called", called)


class Endpoints:
    """All of a server's SIP endpoints.

    @ivar ports: those that they listen at, or are said to.
    """

    def __init__(
        self,
        endpoints: Iterable[Endpoint],
        clock: Callable[[], float],
        probe: Callable[[str], str] | None = None,
    ) -> None:
        """
        @param clock: gives seconds that never run backwards.
        @param probe: gives the local address that a peer sees, C{''} if there is none; by default
            it is L{probeSource}.
        """
        self._probe = probeSource if probe is None else probe
        self._all = {one.index: one for one in endpoints}
        self.ports = frozenset(
            port for one in self._all.values() for port in (one.port, one.advertisedPort) if port
        )
        self._byKey = {one.key: one for one in self._all.values()}
        self._names = {(one.host, one.port) for one in self._all.values()}
        self._names.update(one.called for one in self._all.values() if one.called is not None)
        self._wildcards = {(one.family, one.port) for one in self._all.values() if one.isWildcard}
        self._byTransport: dict[str, list[Endpoint]] = {}
        for one in self._all.values():
            self._byTransport.setdefault(one.transport, []).append(one)
        self._clock = clock
        self._sources: dict[str, str] = {}
        self._forgetAt = 0.0

    @property
    def transports(self) -> frozenset[str]:
        """The transports that the server listens on."""
        return frozenset(self._byTransport)

    def get(self, index: int) -> Endpoint | None:
        return self._all.get(index)

    def __getitem__(self, index: int) -> Endpoint:
        return self._all[index]

    def byKey(self, key: str) -> Endpoint | None:
        """The endpoint with this L{Endpoint.key}."""
        return self._byKey.get(key)

    def choose(self, transport: str, remote: str, preferred: int = -1) -> Endpoint | None:
        """The endpoint to talk to a peer from.

        @param remote: the peer's numeric address.
        @param preferred: index of the endpoint that a request came in by: it is kept if it can
            be, so that both sides of a proxied call go through one.
        @return: C{None} if nothing here speaks that transport and address family.
        """
        family = 6 if ":" in remote else 4
        loopback = remote.startswith("127.") or remote == "::1"
        known = self._all.get(preferred)
        if (
            known is not None
            and known.transport == transport
            and known.family == family
            and (known.isWildcard or known.isLoopback == loopback)
        ):
            return known
        candidates = [one for one in self._byTransport.get(transport, ()) if one.family == family]
        if len(candidates) < 2:
            return candidates[0] if candidates else None
        source = self.source(remote)

        def unsuitable(one: Endpoint) -> tuple[bool, bool, int]:
            fits = one.host == source or one.isWildcard
            return not fits, one.isLoopback != loopback, one.index

        return min(candidates, key=unsuitable)

    def sentBy(self, endpoint: Endpoint, remote: str) -> tuple[str, int]:
        """Host and port to call an endpoint by in messages to a peer (RFC 3261 §18.1.1)."""
        if endpoint.called is not None:
            return endpoint.called
        return self.source(remote) or endpoint.host, endpoint.advertisedPort or endpoint.port

    def source(self, remote: str) -> str | None:
        """The local address that the kernel would send from to a peer, C{None} if it would not."""
        now = self._clock()
        if now >= self._forgetAt or len(self._sources) >= _REMEMBERED:
            self._sources.clear()
            self._forgetAt = now + _MEMORY
        known = self._sources.get(remote)
        if known is None:
            if not familyOf(remote):
                # Of names, which may be as long as a message, there is nothing to remember.
                return None
            known = self._sources[remote] = self._probe(remote)
        return known or None

    def isOurs(self, host: str, port: int) -> bool:
        """Tell whether what is sent to a host and port arrives at an endpoint.

        @param host: an address in its shortest spelling, or an advertised name. For any other name
            the answer is no: the DNS is not asked.
        """
        if (host, port) in self._names:
            return True
        if host in _WILDCARDS:
            return self.isOurs(_WILDCARDS[host], port)
        if host.startswith(_MAPPED):
            return self.isOurs(_unmapped(host), port)
        family = 6 if ":" in host else 4
        if (family, port) in self._wildcards:
            # Only what is ours is reached from itself. All of 127.0.0.0/8 is reached from one.
            source = self.source(host)
            return source is not None and (source == host or isLoopback(source))
        return False


def _unmapped(host: str) -> str:
    """The IPv4 address that an IPv6 one stands for (RFC 4291 §2.5.5.2), C{""} if there is none."""
    try:
        return str(IPv6Address(host).ipv4_mapped or "")
    except ValueError:
        return ""


def probeSource(remote: str) -> str:
    """Ask the routing table: connecting a datagram socket sends nothing.

    @return: C{""} if there is no way there, or if it is a name, which would have to be waited for.
    """
    if not familyOf(remote):
        return ""
    family = socket.AF_INET6 if ":" in remote else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect((remote, 9))
        except (OSError, UnicodeError):
            return ""
        return str(sock.getsockname()[0])
