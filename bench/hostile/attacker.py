"""The process that attacks: C{python -m bench.hostile.attacker NAME UDP TCP TLS}, the addresses as
C{host:port}.

It says on standard output when it begins. When its standard input is closed it stops, and says what
it has done.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Self

from bench.hostile.attacks import Tally, Target
from bench.hostile.lines import LINES
from tests.support.siptext import Address

#: Seconds that the process may take to end.
_PATIENCE = 10.0


class Attacker:
    """Such a process, and this side of it."""

    def __init__(self, name: str, target: Target) -> None:
        addresses = (f"{host}:{port}" for host, port in (target.udp, target.tcp, target.tls))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.hostile.attacker", name, *addresses],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        # With the programs that it has started.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def begun(self) -> None:
        """Wait until it begins."""
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            raise RuntimeError("the attack has not begun")

    def finish(self) -> str:
        """Have it stop.

        @return: what it has done.
        @raise RuntimeError: if it has ended before.
        """
        if self._process.poll() is not None:
            raise RuntimeError(f"the attack has ended with status {self._process.returncode}")
        said, _ = self._process.communicate(timeout=_PATIENCE)
        return said.strip()


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
