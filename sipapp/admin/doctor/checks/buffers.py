"""Memory of sockets: what each may have, and all of them together."""

from __future__ import annotations

import socket
import struct
from collections import Counter

from sipapp.admin.doctor.checks.check import Checks, Found, atLeast
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import Finding, sysctl
from sipapp.admin.doctor.host import Host

__all__ = ["CHECKS", "LIVE_CHECKS"]

_CAP_NET_ADMIN = 12
_PAGES_OF_A_CONNECTION = 2
_QUEUE = 512


def receiveBuffer(host: Host, demand: Demand) -> Found:
    """C{net.core.rmem_max} against C{[sip] udp_receive_buffer}."""
    if not demand.datagrams:
        return
    isForced = demand.settings.server.user is not None or host.mayUse(_CAP_NET_ADMIN)
    root = "; a server that is started as root has more in those that it binds at its start"
    yield from atLeast(
        host,
        "receive-buffer",
        "net.core.rmem_max",
        demand.receiveBuffer,
        "each UDP socket keeps at most so many bytes until its worker reads them, instead of what"
        f" udp_receive_buffer asks for, and drops what comes then{root if isForced else ''}",
        "note" if isForced else "warning",
    )


def sendBuffer(host: Host, demand: Demand) -> Found:
    """C{net.core.wmem_max} against the inboxes."""
    if demand.plan.processes > 1:
        yield from atLeast(
            host,
            "send-buffer",
            "net.core.wmem_max",
            demand.inboxBuffer,
            "what a worker hands to another one is charged to its own socket, which takes at most"
            " so many bytes until the other one reads",
        )


def inboxQueue(host: Host, demand: Demand) -> Found:
    """C{net.unix.max_dgram_qlen}: how many messages wait in a worker's inbox."""
    if demand.plan.processes > 1:
        yield from atLeast(
            host,
            "inbox-queue",
            "net.unix.max_dgram_qlen",
            _QUEUE,
            "more messages than this never wait for a worker that others hand something to,"
            " however large its buffer; it counts from the next reload on",
        )


def datagramMemory(host: Host, demand: Demand) -> Found:
    """C{net.ipv4.udp_mem} against the receive buffers of all UDP sockets."""
    found = host.numbers("net.ipv4.udp_mem")
    # The kernel doubles what is asked for, to have room for its own bookkeeping.
    wanted = _pages(host, 2 * demand.receiveBuffer * demand.datagramSockets)
    if found is not None and len(found) == 3 and found[2] < wanted:
        yield Finding(
            "warning",
            "udp-memory",
            f"net.ipv4.udp_mem = {_words(found)} pages",
            f"at least {wanted} pages, the last number",
            f"the {demand.datagramSockets} UDP sockets cannot all fill their buffers: beyond it the"
            " kernel drops datagrams of all programs",
            sysctl("net.ipv4.udp_mem", wanted // 2, wanted * 3 // 4, wanted),
        )


def streamMemory(host: Host, demand: Demand) -> Found:
    """C{net.ipv4.tcp_mem} against the connections."""
    found = host.numbers("net.ipv4.tcp_mem")
    connections = demand.connections + demand.outgoing
    wanted = _PAGES_OF_A_CONNECTION * connections
    if demand.streams and found is not None and len(found) == 3 and found[1] < wanted:
        yield Finding(
            "warning",
            "tcp-memory",
            f"net.ipv4.tcp_mem = {_words(found)} pages",
            f"at least {wanted} pages, the number in the middle",
            f"with {connections} connections that each have a page waiting in either direction the"
            " kernel is under pressure and shrinks their windows, and soon drops segments",
            sysctl("net.ipv4.tcp_mem", wanted * 3 // 4, wanted, wanted * 3 // 2),
        )


def datagramMemoryUsed(host: Host, demand: Demand) -> Found:
    """What all UDP sockets have of C{net.ipv4.udp_mem}."""
    return _used(host, "udp-memory-used", "UDP", "net.ipv4.udp_mem", 2)


def streamMemoryUsed(host: Host, demand: Demand) -> Found:
    """What all connections have of C{net.ipv4.tcp_mem}."""
    return _used(host, "tcp-memory-used", "TCP", "net.ipv4.tcp_mem", 1)


def _used(host: Host, name: str, protocol: str, key: str, which: int) -> Found:
    found = host.numbers(key)
    pages = host.socketCounters().get(protocol, {}).get("mem", 0)
    if found is not None and len(found) == 3 and pages * 5 >= found[which] * 4:
        yield Finding(
            "warning",
            name,
            f"{pages} of {found[which]} pages",
            "less than 80 %",
            "somebody does not read what waits for him, and soon the kernel drops what comes for"
            f" all: ss -{'u' if protocol == 'UDP' else 't'}mp shows the sockets",
            sysctl(key, *(2 * each for each in found)),
        )


def datagramDrops(host: Host, demand: Demand) -> Found:
    """Datagrams that found the buffers of one of our addresses full."""
    drops: Counter[tuple[str, int]] = Counter()
    for table in ("udp", "udp6"):
        for row in host.sockets(table):
            if int(row.get("drops", "0")):
                drops[_address(row["local_address"])] += int(row["drops"])
    for listener in demand.datagrams:
        count = drops[listener.host, listener.port]
        if count:
            yield Finding(
                "warning",
                "udp-drops",
                f"{count} datagrams for {listener.name} dropped since it was bound",
                "0",
                "they found the receive buffer full: too few workers, workers that something keeps"
                " waiting, or a buffer too small for bursts",
                "more socket_workers in [[listen]], or a larger [sip] udp_receive_buffer",
            )


def _address(written: str) -> tuple[str, int]:
    """Read an address as C{/proc/net/udp} has it: 32 bits of it after the other, each as the
    number that the machine reads there."""
    words, _, port = written.partition(":")
    numbers = [int(words[start : start + 8], 16) for start in range(0, len(words), 8)]
    family = socket.AF_INET if len(numbers) == 1 else socket.AF_INET6
    packed = struct.pack(f"={len(numbers)}I", *numbers)
    return socket.inet_ntop(family, packed), int(port, 16)


def _pages(host: Host, size: int) -> int:
    return -(-size // host.pageSize)


def _words(numbers: tuple[int, ...]) -> str:
    return " ".join(map(str, numbers))


CHECKS: Checks = {
    "receive-buffer": receiveBuffer,
    "send-buffer": sendBuffer,
    "inbox-queue": inboxQueue,
    "udp-memory": datagramMemory,
    "tcp-memory": streamMemory,
}

LIVE_CHECKS: Checks = {
    "udp-memory-used": datagramMemoryUsed,
    "tcp-memory-used": streamMemoryUsed,
    "udp-drops": datagramDrops,
}
