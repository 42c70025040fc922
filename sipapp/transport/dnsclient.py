"""Asks name servers, through C{twisted.names}, and gives their answers as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from socket import AF_INET, AF_INET6, inet_ntop
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, TimeoutError, fail
from twisted.names import dns
from twisted.names.client import Resolver
from twisted.names.error import DNSNameError, DomainError
from twisted.python.failure import Failure

from sipapp.transport.dnscache import Found
from sipapp.transport.records import NAPTR, SRV, DNSFailure, Question, familyOf

__all__ = ["DNSClient", "parseNameserver", "systemNameservers"]

_TYPES = {"A": dns.A, "AAAA": dns.AAAA, "SRV": dns.SRV, "NAPTR": dns.NAPTR}

_MAX_ALIASES = 8
"""CNAME records followed one after the other."""

_MAX_RECORDS = 100
"""More records of an answer are not looked at. Over TCP it may have thousands, which would be
remembered, and gone through for each request to their name."""


def parseNameserver(text: str) -> tuple[str, int]:
    """Read C{192.0.2.1}, C{192.0.2.1:5353}, C{2001:db8::1} or C{[2001:db8::1]:5353}.

    @raise ValueError: if it is none of those.
    """
    host, _, port = text.rpartition(":")
    if familyOf(text):
        host, port = text, "53"
    elif text.startswith("[") and text.endswith("]"):
        host, port = text[1:-1], "53"
    elif host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    if not familyOf(host) or not (port.isascii() and port.isdigit()) or not 0 < int(port) < 65_536:
        raise ValueError(f"{text!r} is not the address of a name server")
    return host, int(port)


def systemNameservers(path: str = "/etc/resolv.conf") -> list[tuple[str, int]]:
    """Those of resolv.conf(5); the one on this machine if it names none, as resolv.conf(5) says."""
    servers: list[tuple[str, int]] = []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            for line in file:
                key, *values = line.split() or [""]
                if key == "nameserver" and values and familyOf(values[0]):
                    servers.append((values[0], 53))
    except OSError:
        pass
    return servers or [("127.0.0.1", 53)]


class DNSClient:
    """Asks each name server in turn, and all of them once more; a truncated answer is asked for
    again over TCP."""

    def __init__(
        self, reactor: Any, servers: Sequence[tuple[str, int]], timeout: float = 2.0
    ) -> None:
        """
        @param servers: addresses and ports; not empty.
        @param timeout: seconds for the answer of one server to one query.
        """
        self._reactor = reactor
        self._resolver = Resolver(
            servers=list(servers), timeout=(timeout, timeout), reactor=reactor
        )
        # twisted.names waits for TCP by rules of its own, and for ever if the connection breaks.
        self._deadline = timeout * 2 * (len(servers) + 1)

    def ask(self, question: Question) -> Deferred[Found]:
        """Provides C{sipapp.transport.dnscache.IAsk}."""
        try:
            name = question.name.encode("ascii")
        except UnicodeEncodeError:
            name = b""
        if not _isName(name):
            return fail(DNSFailure(f"{question.name!r} is no domain name"))
        return self._follow(question.kind, name, _MAX_ALIASES).addErrback(_explain, question)

    def _follow(self, kind: str, name: bytes, aliases: int) -> Deferred[Found]:
        asked: Deferred[Any] = self._resolver.query(dns.Query(name, _TYPES[kind], dns.IN))
        asked.addTimeout(self._deadline, self._reactor)
        asked.addErrback(_noSuchName)
        return asked.addCallback(self._read, kind, name, aliases)

    def _read(
        self, sections: tuple[Any, Any, Any], kind: str, name: bytes, aliases: int
    ) -> Found | Deferred[Found]:
        answers, authority, _ = sections
        ttls: list[float] = []
        wanted = name.lower()
        for _ in range(_MAX_ALIASES):
            alias = [r for r in answers if r.type == dns.CNAME and r.name.name.lower() == wanted]
            if not alias:
                break
            wanted = alias[0].payload.name.name.lower()
            ttls.append(alias[0].ttl)
        records = [r for r in answers if r.type == _TYPES[kind] and r.name.name.lower() == wanted]
        if records:
            ttls += [record.ttl for record in records]
            return Found([_plain(each.payload) for each in records[:_MAX_RECORDS]], min(ttls))
        if ttls and _negativeTTL(authority) is None:
            if not aliases:
                raise DNSFailure(f"{name.decode()} has too many aliases")
            # A server that does not recurse gives the alias and leaves the rest to us.
            followed = self._follow(kind, wanted, aliases - 1)
            return followed.addCallback(_noLongerThan, min(ttls))
        return Found((), _negativeTTL(authority))

    def stop(self) -> None:
        """Close the connections that are kept for truncated answers."""
        for connection in list(self._resolver.connections):
            connection.transport.abortConnection()


def _isName(name: bytes) -> bool:
    """Whether it can be put into a query at all, RFC 1035 §2.3.4."""
    return 0 < len(name) <= 253 and all(0 < len(label) < 64 for label in name.split(b"."))


def _text(name: bytes) -> str:
    return name.decode("ascii", "replace").lower().removesuffix(".")


def _plain(payload: Any) -> Any:
    """The value of a record."""
    if payload.TYPE == dns.A:
        return inet_ntop(AF_INET, payload.address)
    if payload.TYPE == dns.AAAA:
        return inet_ntop(AF_INET6, payload.address)
    if payload.TYPE == dns.SRV:
        return SRV(payload.priority, payload.weight, payload.port, _text(payload.target.name))
    return NAPTR(
        payload.order,
        payload.preference,
        payload.flags.string.decode("ascii", "replace"),
        payload.service.string.decode("ascii", "replace"),
        _text(payload.replacement.name),
    )


def _negativeTTL(authority: Iterable[Any]) -> float | None:
    """How long a negative answer holds, RFC 2308 §5."""
    for record in authority:
        if record.type == dns.SOA:
            return float(min(record.ttl, record.payload.minimum))
    return None


def _noLongerThan(found: Found, ttl: float) -> Found:
    return Found(found.records, ttl if found.ttl is None else min(found.ttl, ttl))


def _noSuchName(failure: Failure) -> tuple[Any, Any, Any]:
    """NXDOMAIN is an answer: there are no records."""
    failure.trap(DNSNameError)
    error: Any = failure.value
    (message,) = error.args
    return message.answers, message.authority, message.additional


def _explain(failure: Failure, question: Question) -> Failure:
    """Anything that goes wrong is a L{DNSFailure}."""
    if failure.check(DNSFailure):
        return failure
    what = f"{question.kind} of {question.name}"
    if failure.check(TimeoutError, CancelledError):
        raise DNSFailure(f"no name server answered in time for {what}", silent=True)
    if failure.check(DomainError):
        error: Any = failure.value
        code = error.args[0].rCode
        raise DNSFailure(f"the name server refused to answer for {what} (code {code})")
    raise DNSFailure(f"asking for {what} failed: {failure.getErrorMessage()}")
