"""A flood of messages that are nearly right: those of RFC 4475 and RFC 5118, changed."""

from __future__ import annotations

import asyncio
from itertools import count
from random import Random

from bench.hostile.attacks import Tally, Target, connections, send, udpSockets, untilClosed
from tests.fuzz.mutation import Mutation
from tests.fuzz.target import torture
from tests.support.configuration import DOMAIN

#: Datagrams in a second: 100,000 in 40 s. A worker can take more, but two processors have to do for
#: the attack and the good client as well.
RATE = 2500
#: How many are sent at once, and source addresses that they come from in turn.
_AT_ONCE = 25
_SOURCES = 100
#: Connections besides, each over and over; and seconds that one is given to be closed.
_CONNECTIONS = 20
_GIVEN = 0.5
#: No datagram is longer.
_LONGEST = 60_000


def messages() -> list[bytes]:
    """
    @return: the messages to change, for domains of the server, so that they get further than to
        the question whose they are.
    """
    found = torture()
    return [*found, *(data.replace(b"example.com", DOMAIN.encode("ascii")) for data in found)]


async def flood(target: Target, tally: Tally) -> None:
    """Each message is another one, and the same in every run."""
    originals = messages()

    async def datagrams() -> None:
        random = Random(1)
        mutation = Mutation(random, originals)
        sockets = udpSockets(_SOURCES, target)
        clock = asyncio.get_running_loop().time
        begun = clock()
        for number in count(1):
            for _ in range(_AT_ONCE):
                data = mutation.apply(random.choice(originals))[:_LONGEST]
                send(sockets[random.randrange(_SOURCES)], data, tally)
            await asyncio.sleep(begun + number * _AT_ONCE / RATE - clock())

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        random = Random(tally.connections)
        mutation = Mutation(random, originals)
        closed = asyncio.ensure_future(untilClosed(reader))
        try:
            while not closed.done():
                writer.write(mutation.apply(random.choice(originals)))
                tally.messages += 1
                await asyncio.wait((closed,), timeout=_GIVEN)
            await closed
        finally:
            closed.cancel()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(datagrams())
        tasks.create_task(connections(_CONNECTIONS, target.tcp, tally, talk))
