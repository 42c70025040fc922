"""What comes by within minutes of a server's first day: SIPVicious, looking for servers, for users
and for passwords, in programs of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from pathlib import Path

from bench.hostile.attacks import Tally, Target
from tests.support.siptext import Address

_PROGRAMS = Path(sys.executable).parent
#: Where each kind of scan comes from: whoever is banned for it is not the good client.
_SOURCES = ("127.66.1.1", "127.66.2.1", "127.66.3.1")
#: Seconds until a program that waits for answers is stopped.
_PATIENCE = "5"


def servers(server: Address, method: str = "OPTIONS") -> list[str]:
    """
    @return: the command that looks for servers.
    """
    host, port = server
    return _command("svmap", _SOURCES[0], "-p", str(port), "-m", method, host)


def users(server: Address, method: str = "REGISTER", extensions: str = "100-999") -> list[str]:
    """
    @return: the command that looks for users.
    """
    scan = ("-m", method, "-e", extensions, "--force", "--maximumtime", _PATIENCE)
    return _command("svwar", _SOURCES[1], *scan, _uri(server))


def passwords(server: Address, user: str = "100", range_: str = "1-9999") -> list[str]:
    """
    @return: the command that tries numbers as the password of a user.
    """
    scan = ("-u", user, "-r", range_, "--maximumtime", _PATIENCE)
    return _command("svcrack", _SOURCES[2], *scan, _uri(server))


def _command(program: str, source: str, *arguments: str) -> list[str]:
    path = str(_PROGRAMS / f"sipvicious_{program}")
    return [path, "-b", source, "-x", source, *arguments]


def _uri(server: Address) -> str:
    return f"udp://{server[0]}:{server[1]}"


async def _run(command: Sequence[str], tally: Tally) -> None:
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *command, stdin=quiet, stdout=quiet, stderr=quiet
    )
    tally.programs += 1
    try:
        await process.wait()
    finally:
        with suppress(ProcessLookupError):
            process.kill()


async def _again(commands: Sequence[Sequence[str]], tally: Tally) -> None:
    for command in cycle(commands):
        await _run(command, tally)


async def scan(target: Target, tally: Tally) -> None:
    """All three kinds at the same time, each over and over."""
    methods = ("REGISTER", "OPTIONS", "INVITE")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_again([servers(target.udp, method) for method in methods], tally))
        tasks.create_task(_again([users(target.udp, method) for method in methods], tally))
        tasks.create_task(_again([passwords(target.udp)], tally))
