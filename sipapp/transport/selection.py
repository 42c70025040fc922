"""Where to send a request, as pure rules: RFC 3263 for SIP, RFC 2782 for the order of servers.

L{addresses} is a generator. It yields the DNS questions that it needs answered, gets the answers
sent in, and returns the addresses to try. Who answers, and whether at once or later, is not its
business: C{sipapp.transport.locate} asks the DNS, a test asks a dict.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import NamedTuple, Protocol

from sipapp.transport.records import NAPTR, SRV, Answer, DNSFailure, Question, Records, familyOf

__all__ = [
    "Address",
    "Asking",
    "LocateError",
    "Random",
    "Target",
    "addresses",
    "numeric",
    "orderServers",
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


Asking = Generator[tuple[Question, ...], list[Answer], list[Address]]

Random = Callable[[int, int], int]
"""Gives an integer between two, both included, as C{random.randint} does."""

_DEFAULT_PORT = {"UDP": 5060, "TCP": 5060, "TLS": 5061}

_SERVICES = {"SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS"}
"""NAPTR services, RFC 3263 §4.1. A secure URI takes only those that begin with SIPS."""

_SRV_PREFIX = {"UDP": "_sip._udp.", "TCP": "_sip._tcp.", "TLS": "_sips._tcp."}

_PREFERENCE = ("UDP", "TCP", "TLS")
"""Order of our own where the domain states none. UDP first because it is what RFC 3263 §4.1
falls back to."""

_MAX_SERVERS = 16
"""More servers than that are not tried: whoever owns a domain could make us ask for thousands."""


def orderServers(servers: Sequence[SRV], random: Random) -> list[SRV]:
    """The order to try servers in: by priority, and within one by chance in proportion to the
    weights (RFC 2782, "Usage rules")."""
    ordered: list[SRV] = []
    for priority in sorted({server.priority for server in servers}):
        # Those of weight 0 come first, which gives them a small chance each time.
        left = sorted((s for s in servers if s.priority == priority), key=lambda s: s.weight > 0)
        while left:
            chosen = random(0, sum(server.weight for server in left))
            running = 0
            for server in left:
                running += server.weight
                if running >= chosen:
                    break
            left.remove(server)
            ordered.append(server)
    return ordered


def _transportOf(target: Target, supported: frozenset[str]) -> str | None:
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


def _fallback(target: Target, supported: frozenset[str]) -> str:
    """The transport where nobody names one: UDP for sip, TLS for sips (RFC 3263 §4.1)."""
    if target.secure:
        if "TLS" in supported:
            return "TLS"
        raise LocateError("a sips URI needs TLS, which is not available here")
    for transport in _PREFERENCE:
        if transport in supported:
            return transport
    raise LocateError("no transport is available")


def _address(transport: str, host: str, port: int | None, target: Target) -> Address:
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
    transport = _transportOf(target, supported) or _fallback(target, supported)
    return _address(transport, host, target.port, target)


def addresses(
    target: Target,
    supported: frozenset[str],
    families: Sequence[int],
    random: Random,
    plain: bool = False,
) -> Asking:
    """All addresses of a target, in the order to try them (RFC 3263 §4.1 to §4.3).

    @param supported: those of C{UDP}, C{TCP} and C{TLS} that may be used.
    @param families: address families to use, 4 or 6, the preferred one first.
    @param plain: true for a name that has addresses and nothing else, such as one in the hosts
        file.
    @raise LocateError: if there is none.
    """
    direct = numeric(target, supported)
    if direct is not None:
        return [direct]
    name = (target.maddr or target.host).lower().removesuffix(".")
    transport = _transportOf(target, supported)
    found: list[Address] | None = None
    if target.port is None and not plain:
        if transport is not None:
            found = yield from _byService(
                [(transport, _SRV_PREFIX[transport] + name)], target, families, random
            )
        else:
            found = yield from _byDomain(name, target, supported, families, random)
    if found is None:
        transport = transport or _fallback(target, supported)
        answers = yield tuple(_questions(name, families))
        found = [_address(transport, host, target.port, target) for host in _flat(answers)]
        if not found:
            raise _nothing(name, answers)
    return found


Finding = Generator[tuple[Question, ...], list[Answer], list[Address] | None]


def _byDomain(
    name: str,
    target: Target,
    supported: frozenset[str],
    families: Sequence[int],
    random: Random,
) -> Finding:
    """Let the domain choose the transport by its NAPTR records, and if it has none, by the SRV
    records that there are (RFC 3263 §4.1).

    @return: C{None} if there are neither.
    """
    usable = frozenset(("TLS",)) & supported if target.secure else supported
    (answer,) = yield (Question(name, "NAPTR"),)
    rules = [r for r in _records(answer) if isinstance(r, NAPTR) and r.flags.lower() == "s"]
    if rules:
        matching = sorted(r for r in rules if _SERVICES.get(r.service.upper()) in usable)
        if not matching:
            offered = ", ".join(sorted({rule.service for rule in rules}))
            raise LocateError(f"{name} offers only {offered}")
        # RFC 2915 §2: once a rule matches, those of a higher order must not be considered.
        services = [
            (_SERVICES[rule.service.upper()], rule.replacement)
            for rule in matching
            if rule.order == matching[0].order
        ]
        found = yield from _byService(services, target, families, random)
        if found is None:
            raise LocateError(f"{name} names {services[0][1]}, which has no SRV record")
        return found
    for transport in _PREFERENCE:
        if transport in usable:
            services = [(transport, _SRV_PREFIX[transport] + name)]
            found = yield from _byService(services, target, families, random)
            if found is not None:
                return found
    return None


def _byService(
    services: Sequence[tuple[str, str]], target: Target, families: Sequence[int], random: Random
) -> Finding:
    """The addresses of all servers of these services, given as transport and SRV name.

    @return: C{None} if no service has any SRV record.
    """
    answers = yield tuple(Question(name, "SRV") for _, name in services)
    records = [_records(answer) for answer in answers]
    if not any(records):
        return None
    servers = [
        (transport, server)
        for (transport, _), answer in zip(services, records, strict=True)
        for server in orderServers([s for s in answer if isinstance(s, SRV)], random)
        if server.target
    ][:_MAX_SERVERS]
    hosts = yield tuple(
        question for _, server in servers for question in _questions(server.target, families)
    )
    kinds = len(families)
    found = [
        _address(transport, host, server.port, target)
        for number, (transport, server) in enumerate(servers)
        for host in _flat(hosts[number * kinds : (number + 1) * kinds])
    ]
    if not found:
        raise _nothing(servers[0][1].target if servers else services[0][1], hosts)
    return found


def _records(answer: Answer) -> Records:
    """Those of an answer about services. A server that cannot answer such a question may still
    know addresses, so a refusal counts as none."""
    if isinstance(answer, DNSFailure):
        if answer.silent:
            raise LocateError(str(answer))
        return ()
    return answer


def _questions(name: str, families: Sequence[int]) -> list[Question]:
    """Those for the addresses of a host, the preferred family first."""
    return [Question(name, "AAAA" if family == 6 else "A") for family in families]


def _flat(answers: Sequence[Answer]) -> list[str]:
    """All addresses in the answers; those that could not be had do not spoil the others."""
    return [
        host
        for answer in answers
        if not isinstance(answer, DNSFailure)
        for host in answer
        if isinstance(host, str)
    ]


def _nothing(name: str, answers: Sequence[Answer]) -> LocateError:
    """Why no address was found."""
    for answer in answers:
        if isinstance(answer, DNSFailure):
            return LocateError(str(answer))
    return LocateError(f"no address found for {name}")
