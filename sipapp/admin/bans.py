"""C{sipappctl ban}: shows, adds and removes bans.

It works on the ban list itself, whether the server runs or not; one that runs sees the change a
second later.
"""

from __future__ import annotations

import math
import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb

from sipapp.admin.audited import audited
from sipapp.admin.figures import duration
from sipapp.admin.options import configured, seconds
from sipapp.admin.tables import Column, present
from sipapp.config import ConfigurationError, Settings, loadTables
from sipapp.rpc import NotFound
from sipapp.sources import Network, parseNetwork
from sipapp.storage.banfile import Ban, BanFile
from sipapp.storage.shelf import ShelfFull

__all__ = ["addBanCommand"]

_Action = Callable[[BanFile, Settings, Namespace], int]

_LONGEST = 200
"""Characters of a reason, as C{ban.add} has it."""

_COLUMNS = (
    Column("NETWORK", "network"),
    Column("LEFT", "left", lambda left: "for good" if left == math.inf else duration(left)),
    Column("FROM", "datagrams_only", lambda only: "datagrams" if only else "everything"),
    Column("REASON", "reason"),
)


def addBanCommand(commands: Any) -> None:
    """
    @param commands: the subparsers that C{sipappctl} has its commands in.
    """
    ban = commands.add_parser("ban", help="show who is not listened to, and change it")
    actions = ban.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(name: str, act: _Action, about: str) -> ArgumentParser:
        parser: ArgumentParser = actions.add_parser(name, help=about, parents=[configured()])
        parser.set_defaults(run=lambda given: _run(act, given))
        return parser

    listing = action("list", _list, "show who is banned, for how long, and why")
    listing.add_argument("--json", action="store_true", help="for programs")
    adding = action("add", _add, "ban networks, whatever they do or have done")
    removing = action("remove", _remove, "end bans, and forget what has led to them")
    for parser in (adding, removing):
        parser.add_argument(
            "networks",
            nargs="+",
            type=_network,
            metavar="NETWORK",
            help="an address or network; an IPv6 address stands for its /64",
        )
    adding.add_argument(
        "--for",
        dest="duration",
        type=seconds,
        default=math.inf,
        metavar="TIME",
        help="such as 90s, 30m, 12h or 7d (default: until it is removed)",
    )
    adding.add_argument(
        "--reason", type=_reason, default="operator", help="why, for those who see the list"
    )


def _run(act: _Action, given: Namespace) -> int:
    try:
        settings = loadTables(given.config, "server", "bans", "administration")
        if not settings.bans.enabled:
            print(f"sipappctl: note that {settings.file} has bans disabled", file=sys.stderr)
        if not Path(settings.server.stateDirectory).is_dir():
            print(
                f"sipappctl: there is no {settings.server.stateDirectory} yet:"
                " the server has never run",
                file=sys.stderr,
            )
            return 1
        file = BanFile(Path(settings.bansPath))
        try:
            return act(file, settings, given)
        finally:
            file.close()
    except (ConfigurationError, OSError, ShelfFull, lmdb.Error) as error:
        print(f"sipappctl: {error}", file=sys.stderr)
        return 1


def _list(file: BanFile, settings: Settings, given: Namespace) -> int:
    now = time.time()
    _, bans = file.bans(now)
    rows = [
        {
            # As ban.list has it.
            "network": network,
            "since": ban.since,
            "left": ban.ends - now,
            "reason": ban.reason,
            "datagrams_only": ban.datagramsOnly,
        }
        for network, ban in bans.items()
    ]
    present(_COLUMNS, [rows], given.json)
    return 0


def _add(file: BanFile, settings: Settings, given: Namespace) -> int:
    now = time.time()
    seconds = None if given.duration == math.inf else given.duration
    for network in given.networks:
        parameters = {"network": str(network), "seconds": seconds, "reason": given.reason}
        with audited(settings, "ban.add", parameters):
            file.add(network, Ban(now, now + given.duration, given.reason))
    return 0


def _remove(file: BanFile, settings: Settings, given: Namespace) -> int:
    missing = 0
    for network in given.networks:
        try:
            with audited(settings, "ban.remove", {"network": str(network)}):
                if not file.remove(network):
                    raise NotFound(f"{network} is not banned")
        except NotFound as fault:
            missing += 1
            print(f"sipappctl: {fault.text}", file=sys.stderr)
    return 1 if missing else 0


def _network(text: str) -> Network:
    try:
        return parseNetwork(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is neither an IP address nor a network") from error


def _reason(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ArgumentTypeError("it is not UTF-8") from None
    if not 1 <= len(text) <= _LONGEST:
        raise ArgumentTypeError(f"1 to {_LONGEST} characters")
    return text
