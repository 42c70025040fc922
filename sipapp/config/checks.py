"""What must be true of settings beyond the type of each one, whatever machine they are for."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Mapping

from sipapp.config.errors import Problems, suggestion, tomlValue
from sipapp.config.listensettings import (
    DATAGRAM_LIMITS,
    DEFAULT_PORTS,
    SECURE_TRANSPORTS,
    SIP_TRANSPORTS,
    WEB_TRANSPORTS,
    LimitsSettings,
    ListenSettings,
)
from sipapp.config.settings import Settings
from sipapp.config.values import tomlKey

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_TEXT = re.compile(r"[ -~]+", re.ASCII)

_UNSUPPORTED = {
    "sctp": "SCTP is not supported: Twisted has no transport for it",
    "ws": "WebSocket is not supported by this version",
    "wss": "WebSocket is not supported by this version",
}


def check(
    settings: Settings, tables: Iterable[str], kinds: Mapping[str, str], problems: Problems
) -> None:
    """Note what cannot be.

    @param tables: names of the resources that have a settings table.
    @param kinds: for each resource that a plugin provides, C{sip}, C{web} or C{calls}.
    """
    if not settings.listen:
        problems.add("listen", "a server needs at least one [[listen]] block")
    for index, listen in enumerate(settings.listen):
        key = f"listen[{index}]"
        _checkTransports(listen, key, problems)
        _checkAddresses(listen, key, problems)
        _checkLimits(listen, key, problems)
        _checkTLS(listen, key, problems)
        _checkResources(listen, key, kinds, problems)
    _checkProviders(settings.callRecords.providers, kinds, problems)
    for name in tables:
        if name in kinds and name not in settings.usedResources:
            if kinds[name] == "calls":
                problem = f'call_records.providers does not name "{name}"'
            else:
                problem = f'no listen block has "{name}" in its resources'
            problems.add(f"resource.{name}", problem)
    _checkServer(settings, problems)
    _checkDomains(settings.trusted.domains, "trusted.domains", problems)
    _checkSIP(settings, problems)


def _checkTransports(listen: ListenSettings, key: str, problems: Problems) -> None:
    where = f"{key}.transport"
    known = (*SIP_TRANSPORTS, *WEB_TRANSPORTS)
    if not listen.transports:
        problems.add(where, "names no transport")
    for transport in listen.transports:
        if transport in _UNSUPPORTED:
            problems.add(where, f"{tomlValue(transport)}: {_UNSUPPORTED[transport]}")
        elif transport not in known:
            choices = ", ".join(map(tomlValue, known))
            problems.add(where, f"expected one of {choices}, got {tomlValue(transport)}")
    _checkTwice(listen.transports, where, problems)
    if len({transport in WEB_TRANSPORTS for transport in listen.transports}) > 1:
        problems.add(where, "SIP and HTTP need listen blocks of their own")
    elif listen.isWeb and listen.port is None:
        problems.add(f"{key}.port", "missing: there is no default for HTTP")


def _checkAddresses(listen: ListenSettings, key: str, problems: Problems) -> None:
    if not listen.addresses:
        problems.add(f"{key}.address", "names no address")
    _checkTwice(listen.addresses, f"{key}.address", problems)
    streams = [each for each in listen.transports if each in ("tcp", "tls", *WEB_TRANSPORTS)]
    ports = {listen.port or DEFAULT_PORTS.get(transport) for transport in streams}
    if listen.port != 0 and len(ports) < len(set(streams)):
        problems.add(f"{key}.port", f"{' and '.join(streams)} cannot share a port")
    if listen.proxyProtocol and not streams:
        problems.add(f"{key}.proxy_protocol", "no transport of this listen block has connections")
    if listen.advertise is not None:
        if listen.isWeb:
            problems.add(f"{key}.advertise", "only SIP messages carry an address")
        elif hostAndPort(listen.advertise) is None:
            got = tomlValue(listen.advertise)
            problems.add(f"{key}.advertise", f"expected a host or host:port, got {got}")


def _checkLimits(listen: ListenSettings, key: str, problems: Problems) -> None:
    bounds, default = listen.bounds, LimitsSettings()
    given = [
        name for name in bounds.__struct_fields__ if getattr(bounds, name) != getattr(default, name)
    ]
    for name in given:
        where = f"{key}.limits.{tomlKey(name)}"
        if listen.isWeb and name == "sendBacklog":
            problems.add(where, "HTTP has no such limit")
        elif listen.transports == ("udp",) and name not in DATAGRAM_LIMITS:
            problems.add(where, "a limit of connections; udp has none")


def _checkTLS(listen: ListenSettings, key: str, problems: Problems) -> None:
    secure = [transport for transport in listen.transports if transport in SECURE_TRANSPORTS]
    if secure and listen.tls is None:
        problems.add(
            f"{key}.tls",
            f"missing: {tomlValue(secure[0])} needs a [listen.tls] table with a certificate",
        )
    elif listen.tls is not None:
        if not secure:
            problems.add(f"{key}.tls", 'no transport of this listen block is "tls" or "https"')
        if listen.tls.verifyClient != "none" and listen.tls.ca is None:
            problems.add(f"{key}.tls.ca", "missing: verify_client needs to know whom to trust")


def _checkResources(
    listen: ListenSettings, key: str, kinds: Mapping[str, str], problems: Problems
) -> None:
    where = f"{key}.resources"
    wanted = "web" if listen.isWeb else "sip"
    if not listen.chain:
        problems.add(where, "missing" if listen.resources is None else "names no resource")
    for name in listen.chain:
        if name not in kinds:
            problems.add(where, f'no plugin provides "{name}"{suggestion(name, kinds)}')
        elif kinds[name] != wanted:
            place = "an HTTP endpoint" if listen.isWeb else "a SIP endpoint"
            problems.add(where, f'"{name}" is a {kinds[name]} resource: not for {place}')
    _checkTwice(listen.chain, where, problems)


def _checkProviders(
    providers: tuple[str, ...], kinds: Mapping[str, str], problems: Problems
) -> None:
    where = "call_records.providers"
    for name in providers:
        if name not in kinds:
            problems.add(where, f'no plugin provides "{name}"{suggestion(name, kinds)}')
        elif kinds[name] != "calls":
            problems.add(where, f'"{name}" is a {kinds[name]} resource: it keeps no call records')
    _checkTwice(providers, where, problems)


def _checkTwice(names: tuple[str, ...], key: str, problems: Problems) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            problems.add(key, f"{tomlValue(name)} is there more than once")


def _checkServer(settings: Settings, problems: Problems) -> None:
    server = settings.server
    _checkDomains(server.domains, "server.domains", problems)
    if server.group is not None and server.user is None:
        problems.add("server.group", "needs a user as well")
    if server.name is not None and not _TEXT.fullmatch(server.name):
        problems.add(
            "server.name", f"expected printable ASCII characters, got {tomlValue(server.name)}"
        )


def _checkDomains(domains: Iterable[str], key: str, problems: Problems) -> None:
    for index, domain in enumerate(domains):
        if not isHost(domain):
            problems.add(f"{key}[{index}]", f"expected a domain, got {tomlValue(domain)}")


def _checkSIP(settings: Settings, problems: Problems) -> None:
    sip = settings.sip
    if sip.t2 < sip.t1:
        problems.add("sip.t2", f"expected no less than t1, {sip.t1}, got {sip.t2}")
    elif sip.t2 > 32 * sip.t1:
        problems.add("sip.t2", f"expected no more than 32 times t1, {32 * sip.t1:g}, got {sip.t2}")
    if sip.tls.privateKey is not None and sip.tls.certificate is None:
        problems.add("sip.tls.private_key", "needs a certificate as well")
    for index, server in enumerate(sip.dns.nameservers):
        parts = hostAndPort(server)
        if parts is None or not isAddress(parts[0]):
            problems.add(
                f"sip.dns.nameservers[{index}]",
                f"expected an IP address or address:port, got {tomlValue(server)}",
            )


def isAddress(text: str) -> bool:
    """Whether this is an IPv4 or IPv6 address, without a zone."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def isHost(text: str) -> bool:
    """Whether this is a host name or an IP address."""
    if isAddress(text):
        return True
    return len(text) <= 253 and all(map(_HOST.fullmatch, text.removesuffix(".").split(".")))


def hostAndPort(text: str) -> tuple[str, int | None] | None:
    """Take C{host}, C{host:port}, C{[IPv6]} or C{[IPv6]:port} apart; IPv6 without a port needs no
    brackets.

    @return: the host without brackets and the port if there is one; C{None} if it is neither.
    """
    if isAddress(text):
        return text, None
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or not isAddress(host) or ":" not in host or rest[:1] not in ("", ":"):
            return None
        colon, port = rest[:1], rest[1:]
    else:
        host, colon, port = text.partition(":")
        if not isHost(host):
            return None
    if not colon:
        return host, None
    if not _PORT.fullmatch(port) or not 0 < int(port) <= 65_535:
        return None
    return host, int(port)
