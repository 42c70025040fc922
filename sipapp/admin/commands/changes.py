"""The commands that change what runs: reload, resize, restart, drain and shutdown."""

from __future__ import annotations

from argparse import ArgumentTypeError, Namespace
from typing import Any

from sipapp.admin.client import Client
from sipapp.admin.commands.asking import asking, operating
from sipapp.admin.commands.calls import show
from sipapp.admin.commands.progress import progress
from sipapp.admin.tables import writeJSON

__all__ = ["addChangeCommands"]


def addChangeCommands(commands: Any) -> None:
    """
    @param commands: the subparsers that C{sipappctl} has its commands in.
    """
    reload = commands.add_parser(
        "reload",
        help="read configuration, certificates, plugins and code anew, and wait for the outcome",
        parents=[operating()],
    )
    reload.set_defaults(run=asking(_reload))
    resize = commands.add_parser(
        "resize",
        help="give a pool more workers, or fewer, until the next reload",
        parents=[operating()],
    )
    _addPool(resize)
    resize.add_argument("size", metavar="SIZE", type=_size, help="how many workers it is to have")
    resize.set_defaults(run=asking(_resize))
    restart = commands.add_parser(
        "restart",
        help="replace the workers of a pool, one after the other, while calls go on",
        parents=[operating()],
    )
    _addPool(restart)
    restart.set_defaults(run=asking(_restart))
    drain = commands.add_parser(
        "drain", help="take no new work, and finish what is under way", parents=[operating()]
    )
    drain.set_defaults(run=asking(_drain))
    shutdown = commands.add_parser(
        "shutdown", help="drain, end the server, and wait for its end", parents=[operating()]
    )
    shutdown.set_defaults(run=asking(_shutdown))


def _addPool(parser: Any) -> None:
    parser.add_argument("pool", metavar="POOL", help="as pools shows it, such as udp-0")


def _reload(client: Client, given: Namespace) -> None:
    _change(client, given, "Reloading", "core.reload")


def _resize(client: Client, given: Namespace) -> None:
    _change(
        client, given, f"Resizing {given.pool}", "pool.resize", pool=given.pool, size=given.size
    )


def _restart(client: Client, given: Namespace) -> None:
    _change(client, given, f"Restarting {given.pool}", "pool.restart", pool=given.pool)


def _drain(client: Client, given: Namespace) -> None:
    _change(client, given, "Draining", "core.drain")


def _shutdown(client: Client, given: Namespace) -> None:
    with client.processEnd() as awaitEnd, progress("Shutting down", given) as draw:
        result = client.call("core.shutdown", patience=None, meanwhile=draw)
        awaitEnd(draw)
    _tell(result, given)


def _change(client: Client, given: Namespace, doing: str, method: str, **parameters: Any) -> None:
    """Call a method that takes as long as it takes."""
    with progress(doing, given) as draw:
        result = client.call(method, parameters, patience=None, meanwhile=draw)
    _tell(result, given)


def _tell(result: Any, given: Namespace) -> None:
    if given.json:
        writeJSON(result)
    else:
        show(result)


def _size(text: str) -> int:
    size = int(text)
    if size < 1:
        raise ArgumentTypeError("at least 1")
    return size
