"""Where to send a request, as pure rules: RFC 3263 for SIP, RFC 2782 for the order of servers.

L{addresses} is a generator. It yields the DNS questions that it needs answered, gets the answers
sent in, and returns the addresses to try. Who answers, and whether at once or later, is not its
business: C{sipapp.transport.locate} asks the DNS, a test asks a dict.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence

from sipapp.transport.records import NAPTR, SRV, Answer, DNSFailure, Question, Records
from sipapp.transport.target import (
    PREFERENCE,
    Address,
    LocateError,
    Target,
    addressAt,
    fallback,
    numeric,
    transportOf,
)

__all__ = [
    "Asking",
    "Random",
    "addresses",
    "orderServers",
]


Asking = Generator[tuple[Question, ...], list[Answer], list[Address]]

Random = Callable[[int, int], int]
"""Gives an integer between two, both included, as C{random.randint} does."""

_SERVICES = {"SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS"}
"""NAPTR services, RFC 3263 §4.1. A secure URI takes only those that begin with SIPS."""

_SRV_PREFIX = {"UDP": "_sip._udp.", "TCP": "_sip._tcp.", "TLS": "_sips._tcp."}

_MAX_SERVERS = 16
"""More servers or services than that are not tried: whoever owns a domain could make us ask for
thousands."""

_MAX_ADDRESSES = 32
"""Nor more addresses, all in all: one request would be sent to thousands, one after the other."""


def orderServers(servers: Sequence[SRV], random: Random, most: int = _MAX_SERVERS) -> list[SRV]:
    """The order to try servers in: by priority, and within one by chance in proportion to the
    weights (RFC 2782, "Usage rules").

    @param most: so many are enough.
    """
    ordered: list[SRV] = []
    for priority in sorted({server.priority for server in servers}):
        if len(ordered) >= most:
            break
        # Those of weight 0 come first, which gives them a small chance each time.
        left = sorted((s for s in servers if s.priority == priority), key=lambda s: s.weight > 0)
        while left and len(ordered) < most:
            chosen = random(0, sum(server.weight for server in left))
            running = 0
            for server in left:
                running += server.weight
                if running >= chosen:
                    break
            left.remove(server)
            ordered.append(server)
    return ordered


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
    transport = transportOf(target, supported)
    found: list[Address] | None = None
    if target.port is None and not plain:
        if transport is not None:
            found = yield from _byService(
                [(transport, _SRV_PREFIX[transport] + name)], target, families, random
            )
        else:
            found = yield from _byDomain(name, target, supported, families, random)
    if found is None:
        transport = transport or fallback(target, supported)
        answers = yield tuple(_questions(name, families))
        found = [addressAt(transport, host, target.port, target) for host in _flat(answers)]
        if not found:
            raise _nothing(name, answers)
    return found[:_MAX_ADDRESSES]


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
        ][:_MAX_SERVERS]
        found = yield from _byService(services, target, families, random)
        if found is None:
            raise LocateError(f"{name} names {services[0][1]}, which has no SRV record")
        return found
    for transport in PREFERENCE:
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
        addressAt(transport, host, server.port, target)
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
