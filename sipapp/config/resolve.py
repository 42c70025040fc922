"""Turns settings into the plan of a server: which sockets, and which pool serves each.

The rules, and nothing carried from one listen block to the next:

============ ================================================ ==================================
listener     with C{socket_workers}                           without
============ ================================================ ==================================
udp          exactly that many processes, for it alone        C{children} processes, for it alone
tcp, tls     that many extra processes, for it alone          the one shared pool, C{tcp_children}
http, https  exactly that many processes, for it alone        one process, for it alone
============ ================================================ ==================================

A listen block stands for one listener for each of its addresses and transports, and
C{socket_workers} is for I{each} of them: four with two addresses over UDP and TCP make sixteen
processes.
"""

from __future__ import annotations

import ipaddress
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from sipapp.config.adjustments import Place
from sipapp.config.checks import hostAndPort
from sipapp.config.errors import Problems, tomlValue
from sipapp.config.listensettings import DEFAULT_PORTS, WEB_TRANSPORTS
from sipapp.config.machine import LocalMachine, Machine
from sipapp.config.plan import SHARED, Kind, Plan, PoolPlan, ResolvedListener
from sipapp.config.settings import Settings
from sipapp.config.tlssettings import CertificateSettings, ClientTLSSettings, TLSSettings
from sipapp.config.values import tomlKey

_WILDCARDS = (str(ipaddress.IPv4Address(0)), str(ipaddress.IPv6Address(0)))

_LONGEST_RUN_DIRECTORY = 88
# The kernel takes 107 bytes for the path of a unix socket: leave 19 for what is below.

_POOL_NAMES: dict[Kind, str] = {"udp": "udp", "stream": "tcp", "web": "http"}


def resolve(settings: Settings, machine: Machine | None = None) -> Plan:
    """Work out the plan.

    @param machine: where it is to run; by default the one this runs on.
    @raise ConfigurationError: if the settings cannot be honoured there, with everything that is
        wrong.
    """
    machine = LocalMachine() if machine is None else machine
    problems = Problems(settings.file)
    listeners: list[ResolvedListener] = []
    pools: dict[str, PoolPlan] = {}
    count: Counter[Kind] = Counter()
    for block, host, transport in _sockets(settings, machine, problems):
        listen = settings.listen[block]
        port = DEFAULT_PORTS[transport] if listen.port is None else listen.port
        # Counted even if it is not to be: the others keep the names of their pools.
        pool = _poolFor(settings, block, transport, count)
        isOfFile = block < settings.blocksOfFile
        if isOfFile and Place(transport, host, port) in settings.adjustments.removed:
            continue
        pool = pools.get(pool.name, pool)
        index = len(listeners)
        pools[pool.name] = replace(pool, listeners=(*pool.listeners, index))
        advertised = hostAndPort(listen.advertise or "") or (None, None)
        listeners.append(
            ResolvedListener(
                index=index,
                transport=transport,
                host=host,
                port=port,
                family=6 if ":" in host else 4,
                pool=pool.name,
                slots=pool.size,
                listen=listen,
                block=block,
                advertisedHost=advertised[0],
                advertisedPort=advertised[1],
            )
        )
    if settings.adjustments.removed and not listeners:
        problems.add("listen", "the last listener cannot be removed")
    _checkTaken(listeners, problems)
    plan = Plan(listeners=tuple(listeners), pools=tuple(pools.values()))
    _checkConnections(settings, plan, problems)
    _checkStore(settings, plan.pools, problems)
    _checkMachine(settings, machine, problems)
    problems.raiseIfAny()
    return plan


def _sockets(
    settings: Settings, machine: Machine, problems: Problems
) -> Iterator[tuple[int, str, str]]:
    """Block, address and transport of every listener."""
    for block, listen in enumerate(settings.listen):
        for name in listen.addresses:
            for host in _hosts(name, f"listen[{block}].address", machine, problems):
                for transport in listen.transports:
                    yield block, host, transport


def _poolFor(settings: Settings, block: int, transport: str, count: Counter[Kind]) -> PoolPlan:
    """The pool of the next listener. This is the table above, and all of it."""
    own = settings.listen[block].socketWorkers
    pools = settings.pools
    kind: Kind = "udp" if transport == "udp" else "web" if transport in WEB_TRANSPORTS else "stream"
    number = count[kind]
    count[kind] += 1
    name, size, reason = f"{_POOL_NAMES[kind]}-{number}", own, f"listen[{block}].socket_workers"
    if size is None:
        match kind:
            case "udp":
                size, reason = pools.children, "pools.children"
            case "stream":
                name, size = SHARED, pools.sharedSize
                reason = "pools.children" if pools.tcpChildren is None else "pools.tcp_children"
            case "web":
                size, reason = 1, "one for HTTP"
    adjusted = settings.adjustments.sizes.get(name)
    if adjusted is not None:
        size, reason = adjusted, "pool.resize"
    return PoolPlan(name=name, kind=kind, size=size, reason=reason)


def _hosts(name: str, key: str, machine: Machine, problems: Problems) -> tuple[str, ...]:
    """The addresses that an address setting stands for."""
    try:
        address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        pass
    else:
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            problems.add(key, f"{tomlValue(name)}: write the IPv4 address {address.ipv4_mapped}")
        if _isLinkLocal(address):
            problems.add(key, f"{tomlValue(name)}: SIP has no way to write a link-local address")
        return (str(address),)
    parts = hostAndPort(name)
    if parts is not None and parts[1] is not None:
        problems.add(key, f"{tomlValue(name)}: the port is a key of its own, port = {parts[1]}")
        return ()
    try:
        interfaces = machine.interfaces()
    except OSError as error:
        problems.add(key, f"{tomlValue(name)}: the interfaces cannot be listed: {error}")
        return ()
    known = {each for addresses in interfaces.values() for each in addresses}
    if name == "*":
        return _WILDCARDS if any(":" in each for each in known) else _WILDCARDS[:1]
    if name == "localhost":
        return ("127.0.0.1", "::1") if "::1" in known else ("127.0.0.1",)
    if name not in interfaces:
        problems.add(
            key,
            'expected an IP address, "*", "localhost" or a network interface, got'
            f" {tomlValue(name)}; the interfaces here are {', '.join(sorted(interfaces))}",
        )
        return ()
    usable = tuple(
        each for each in interfaces[name] if not _isLinkLocal(ipaddress.ip_address(each))
    )
    if not usable:
        problems.add(key, f"the interface {name} has no address to listen at")
    return usable


def _isLinkLocal(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address needs a zone beside it, for which a SIP URI has no place."""
    return address.version == 6 and address.is_link_local


def _checkTaken(listeners: Sequence[ResolvedListener], problems: Problems) -> None:
    """Addresses must not overlap: a port of all addresses leaves none of a single one."""
    groups: dict[tuple[bool, int, int], list[ResolvedListener]] = {}
    for listener in listeners:
        if listener.port:
            place = (listener.transport == "udp", listener.family, listener.port)
            groups.setdefault(place, []).append(listener)
    for group in groups.values():
        for position, listener in enumerate(group):
            for earlier in group[:position]:
                if listener.host == earlier.host or not {listener.host, earlier.host}.isdisjoint(
                    _WILDCARDS
                ):
                    problems.add(
                        f"listen[{listener.block}].address",
                        f"{listener.name} is taken by {earlier.name} of listen[{earlier.block}]",
                    )
                    break


def _checkConnections(settings: Settings, plan: Plan, problems: Problems) -> None:
    most, workers = settings.pools.tcpMaxConnections, plan.streamWorkers
    if most is not None and most < workers:
        problems.add(
            "pools.tcp_max_connections",
            f"each of the {workers} workers of TCP and TLS listeners must have one at least",
        )


def _checkStore(settings: Settings, pools: Iterable[PoolPlan], problems: Problems) -> None:
    workers = sum(pool.size for pool in pools if pool.kind != "web")
    if settings.location.store == "memory" and workers > 1:
        problems.add(
            "location.store",
            f'"memory" is not shared: each of the {workers} SIP workers would have its own',
        )


def _checkMachine(settings: Settings, machine: Machine, problems: Problems) -> None:
    server = settings.server
    if server.user is not None and not machine.hasUser(server.user):
        problems.add("server.user", f"there is no user {tomlValue(server.user)} here")
    if server.group is not None and not machine.hasGroup(server.group):
        problems.add("server.group", f"there is no group {tomlValue(server.group)} here")
    checker = settings.accounts.checker
    why = None if checker is None else machine.whyUnfit(checker)
    if why is not None:
        problems.add("accounts.checker", why)
    if len(os.fsencode(server.runDirectory)) > _LONGEST_RUN_DIRECTORY:
        problems.add(
            "server.run_directory",
            f"{tomlValue(server.runDirectory)}: sockets are made in it, and the kernel allows its"
            f" path {_LONGEST_RUN_DIRECTORY} bytes",
        )
    kept = {
        "server.secret_file": settings.secretPath,
        "server.state_directory": settings.documentsPath,
        "accounts.path": settings.accountsPath,
    }
    if checker is not None and checker.startswith("file:"):
        kept["accounts.checker"] = checker.removeprefix("file:")
    files: dict[str, CertificateSettings | TLSSettings | ClientTLSSettings] = {}
    for block, listen in enumerate(settings.listen):
        if listen.tls is not None:
            key = f"listen[{block}].tls"
            files[key] = listen.tls
            for index, more in enumerate(listen.tls.certificates):
                files[f"{key}.certificates[{index}]"] = more
    files["sip.tls"] = settings.sip.tls
    for key, tls in files.items():
        for name in ("certificate", "privateKey", "ca"):
            path = getattr(tls, name, None)
            why = None if path is None else machine.whyUnreadable(path, server)
            if why is not None:
                problems.add(f"{key}.{tomlKey(name)}", f"{path} cannot be read: {why}")
        name = "certificate" if tls.privateKey is None else "privateKey"
        path = getattr(tls, name)
        if path is not None:
            kept[f"{key}.{tomlKey(name)}"] = path
    for key, path in kept.items():
        why = machine.whyExposed(path)
        if why is not None:
            problems.add(key, f"{path} is no secret: {why}")
