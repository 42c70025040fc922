"""The attacks: each goes on until it is cancelled.

Every connection, and every socket of a burst from many, has a source address of its own, so that no
limit for a single address makes it easy.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from tests.support.configuration import DOMAIN
from tests.support.siptext import Address, newBranch, newToken, request

#: Connections of those who send slowly, who begin a handshake, and who do nothing.
SLOW = 200
SILENT = 200
IDLE = 600
#: Requests of a burst, and seconds from one burst to the next.
BURST = 3000
_BURSTS = 10.0
#: Source addresses of a burst from many.
_SOURCES = 300
#: Header fields of a message with many, and bytes of a long one, which is shorter over UDP.
FIELDS = 1000
LENGTH = 65_536
_LONGEST = 60_000
#: Connections over which such messages are sent, one after the other as they are answered.
_SENDERS = 4
#: Datagrams in a second beside them.
_DATAGRAMS = 100
#: Connections that ask and do not read the answers.
DEAF = 20
#: Seconds from a byte to the next of who sends slowly.
_TRICKLE = 0.1
#: Seconds until somebody whose connection was closed comes again.
_AGAIN = 1.0
#: The begin of a TLS handshake: 5 bytes that announce a ClientHello, which never comes.
_CLIENT_HELLO = b"\x16\x03\x01\x02\x00"


@dataclass(frozen=True)
class Target:
    """Where the server that is attacked listens."""

    udp: Address
    tcp: Address
    tls: Address


@dataclass
class Tally:
    """What an attack has done.

    @ivar connections: how many were made. @ivar closed: those that the server has closed.
    @ivar messages: how many were sent. @ivar programs: how many of others were run.
    """

    connections: int = 0
    closed: int = 0
    messages: int = 0
    programs: int = 0

    def __str__(self) -> str:
        said = [f"{self.messages:,} messages"] if self.messages else []
        if self.programs:
            said.append(f"{self.programs} programs")
        if self.connections:
            said.append(f"{self.connections:,} connections, {self.closed:,} of them closed on it")
        return ", ".join(said)


Attack = Callable[[Target, Tally], Awaitable[None]]
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _sources() -> Iterator[str]:
    """
    @return: loopback addresses that no good client has.
    """
    return (f"127.{net}.{host}.1" for net in count(1) for host in range(256))


def hostileRequest(
    method: str, transport: str = "UDP", extra: Sequence[tuple[str, str]] = ()
) -> bytes:
    """
    @return: a good request of somebody whom the server does not know, in a transaction of its own.
    """
    name = newToken()
    return request(
        method,
        f"sip:{DOMAIN}" if method != "INVITE" else f"sip:nobody@{DOMAIN}",
        via=f"SIP/2.0/{transport} 192.0.2.66:5060;branch={newBranch()};rport",
        fromValue=f"<sip:{name}@{DOMAIN}>;tag={name}",
        toValue=f"<sip:{name if method == 'REGISTER' else 'nobody'}@{DOMAIN}>",
        callID=name,
        extra=extra,
    )


def withManyFields(transport: str = "UDP") -> bytes:
    """
    @return: a request with L{FIELDS} header fields beyond those that it has to have.
    """
    fields = [(f"X-{number}", "a") for number in range(FIELDS)]
    return hostileRequest("OPTIONS", transport, fields)


def withLongField(transport: str = "UDP") -> bytes:
    """
    @return: a request with a header field of many values, as long as the transport allows.
    """
    value = "<sip:192.0.2.66;lr>, "
    size = LENGTH if transport == "TCP" else _LONGEST
    return hostileRequest("OPTIONS", transport, [("Route", (value * (size // len(value)))[:-2])])


async def connections(number: int, address: Address, tally: Tally, talk: Talk) -> None:
    """Have so many connections open at any time.

    @param talk: what is said over each; when it returns there is another.
    """

    async def one(source: str) -> None:
        while True:
            try:
                ends = await asyncio.open_connection(*address, local_addr=(source, 0))
            except OSError:
                await asyncio.sleep(_AGAIN)
                continue
            tally.connections += 1
            try:
                await talk(*ends)
            except OSError:
                pass
            finally:
                ends[1].transport.abort()
            tally.closed += 1
            await asyncio.sleep(_AGAIN)

    async with asyncio.TaskGroup() as tasks:
        for _, source in zip(range(number), _sources(), strict=False):
            tasks.create_task(one(source))


async def untilClosed(reader: asyncio.StreamReader) -> None:
    """Read what comes, to the end."""
    while await reader.read(65_536):
        pass


async def slowSenders(target: Target, tally: Tally) -> None:
    """A head that comes a byte at a time, and never ends."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        closed = asyncio.ensure_future(untilClosed(reader))
        try:
            for byte in hostileRequest("REGISTER", "TCP").partition(b"\r\nCSeq")[0]:
                writer.write(bytes((byte,)))
                await asyncio.wait((closed,), timeout=_TRICKLE)
                if closed.done():
                    break
            await closed
        finally:
            closed.cancel()

    await connections(SLOW, target.tcp, tally, talk)


async def silentHandshakes(target: Target, tally: Tally) -> None:
    """Handshakes that begin with nothing, or stop after the first bytes."""
    turn = count()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if next(turn) % 2:
            writer.write(_CLIENT_HELLO)
        await untilClosed(reader)

    await connections(SILENT, target.tls, tally, talk)


async def idleConnections(target: Target, tally: Tally) -> None:
    """Connections on which nothing is said."""
    await connections(IDLE, target.tcp, tally, lambda reader, writer: untilClosed(reader))


async def deafSenders(target: Target, tally: Tally) -> None:
    """Requests without end over connections whose answers nobody reads."""
    data = b"".join(hostileRequest("OPTIONS", "TCP") for _ in range(100))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # What is not read stays in the kernel, and then in the server.
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        while True:
            writer.write(data)
            await writer.drain()
            tally.messages += 100

    await connections(DEAF, target.tcp, tally, talk)


def udpSockets(number: int, target: Target) -> list[socket.socket]:
    sockets = []
    for _, source in zip(range(number), _sources(), strict=False):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((source, 0))
        sock.connect(target.udp)
        sockets.append(sock)
    return sockets


def send(sock: socket.socket, data: bytes, tally: Tally) -> None:
    try:
        sock.send(data)
    except OSError:
        return  # an ICMP message for an earlier datagram
    tally.messages += 1


async def _bursts(sources: int, target: Target, tally: Tally) -> None:
    """Requests of three kinds at once: what only is read, what is looked up, and what is repeated
    for half a minute because nobody acknowledges it.
    """
    sockets = udpSockets(sources, target)
    while True:
        due = asyncio.get_running_loop().time() + _BURSTS
        kinds = ("OPTIONS", "REGISTER", "INVITE")
        data = [hostileRequest(kinds[number % 3]) for number in range(BURST)]
        for number, message in enumerate(data):
            send(sockets[number % sources], message, tally)
        await asyncio.sleep(due - asyncio.get_running_loop().time())


async def burst(target: Target, tally: Tally) -> None:
    await _bursts(1, target, tally)


async def burstOfMany(target: Target, tally: Tally) -> None:
    await _bursts(_SOURCES, target, tally)


async def _again(make: Callable[[str], bytes], target: Target, tally: Tally) -> None:
    """The same kind of message again and again: over connections as fast as it is answered, and
    over UDP steadily.
    """
    overTCP, overUDP = make("TCP"), make("UDP")

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(overTCP)
            await writer.drain()
            tally.messages += 1
            if not await reader.read(65_536):
                return

    async def datagrams() -> None:
        sockets = udpSockets(_SENDERS, target)
        for number in count():
            send(sockets[number % _SENDERS], overUDP, tally)
            await asyncio.sleep(1 / _DATAGRAMS)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(connections(_SENDERS, target.tcp, tally, talk))
        tasks.create_task(datagrams())


async def manyFields(target: Target, tally: Tally) -> None:
    await _again(withManyFields, target, tally)


async def longFields(target: Target, tally: Tally) -> None:
    await _again(withLongField, target, tally)
