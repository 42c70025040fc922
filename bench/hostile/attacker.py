"""The process that attacks: C{python -m bench.hostile.attacker NAME UDP TCP TLS}, the addresses as
C{host:port}. It is an L{Opponent<bench.opponent.Opponent>}.
"""

from __future__ import annotations

import asyncio
import sys

from bench.hostile.attacks import Tally, Target
from bench.hostile.lines import LINES
from bench.opponent import Opponent
from tests.support.siptext import Address


class Attacker(Opponent):
    """Such a process, and this side of it."""

    def __init__(self, name: str, target: Target) -> None:
        addresses = (f"{host}:{port}" for host, port in (target.udp, target.tcp, target.tls))
        super().__init__("bench.hostile.attacker", name, *addresses)


async def _attack(name: str, target: Target) -> Tally:
    tally = Tally()
    attack = asyncio.ensure_future(LINES[name].attack(target, tally))
    stopped = asyncio.ensure_future(asyncio.to_thread(sys.stdin.read))
    print("begun", flush=True)
    await asyncio.wait((attack, stopped), return_when=asyncio.FIRST_COMPLETED)
    if attack.done():
        attack.result()
    # What it still has open ends with the process.
    return tally


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)


def main(arguments: list[str]) -> None:
    name, *addresses = arguments
    print(asyncio.run(_attack(name, Target(*map(_address, addresses)))), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
