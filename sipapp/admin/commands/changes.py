"""The commands that change what runs: reload, resize, restart, drain, resume and shutdown.

Each waits for what comes of it.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping
from typing import Any

from sipapp.admin.client import Client
from sipapp.admin.commands.asking import Act, asking, operating
from sipapp.admin.commands.progress import progress
from sipapp.admin.options import positive
from sipapp.admin.tables import shown, writeJSON

__all__ = ["addChangeCommands"]

Outcome = Mapping[str, Any]


def addChangeCommands(commands: Any) -> None:
    """
    @param commands: the subparsers that C{sipappctl} has its commands in.
    """

    def add(name: str, act: Act, about: str) -> ArgumentParser:
        parser: ArgumentParser = commands.add_parser(name, help=about, parents=[operating()])
        parser.set_defaults(run=asking(act))
        return parser

    add("reload", _reload, "read configuration, certificates, plugins and code anew")
    resizing = add("resize", _resize, "give a pool more workers, or fewer, until the next reload")
    resizing.add_argument("pool", metavar="POOL", help="such as udp-0")
    resizing.add_argument(
        "size", metavar="SIZE", type=positive, help="how many workers it is to have"
    )
    restarting = add("restart", _restart, "replace workers, one after the other; calls go on")
    restarting.add_argument("what", metavar="POOL", help="such as udp-0; or a worker: udp-0/2")
    add("drain", _drain, "take nothing new, and finish what was begun")
    add("resume", _resume, "end a drain")
    add(
        "shutdown",
        _shutdown,
        "finish what was begun, for drain_timeout at most, and end the server",
    )


def _reload(client: Client, given: Namespace) -> None:
    def tell(outcome: Outcome) -> str:
        changed = f"; changed: {', '.join(outcome['changed'])}" if outcome["changed"] else ""
        return (
            f"reloaded in {outcome['seconds']:.1f} s: {outcome['workers']} workers,"
            f" generation {outcome['generation']}{changed}"
        )

    _change(client, given, "Reloading", "core.reload", {}, tell)


def _resize(client: Client, given: Namespace) -> None:
    def tell(pool: Outcome) -> str:
        return f"{pool['name']} has {pool['size']} workers"

    parameters = {"pool": given.pool, "size": given.size}
    _change(client, given, f"Resizing {shown(given.pool)}", "pool.resize", parameters, tell)


def _restart(client: Client, given: Namespace) -> None:
    def tell(outcome: Outcome) -> str:
        states = outcome["left"].items()
        left = "".join(f"; {worker} is {state} and left as it is" for worker, state in states)
        return f"restarted: {', '.join(outcome['restarted']) or 'none'}{left}"

    kind = "worker" if "/" in given.what else "pool"
    doing = f"Restarting {shown(given.what)}"
    _change(client, given, doing, f"{kind}.restart", {kind: given.what}, tell)


def _drain(client: Client, given: Namespace) -> None:
    def tell(outcome: Outcome) -> str:
        return f"nothing new is taken at {', '.join(outcome['paused']) or 'any listener'}"

    _change(client, given, "Draining", "core.drain", {}, tell)


def _resume(client: Client, given: Namespace) -> None:
    def tell(outcome: Outcome) -> str:
        paused = ", ".join(outcome["paused"])
        return f"new work is taken{f', but not at {paused}' if paused else ''}"

    _change(client, given, "Resuming", "core.resume", {}, tell)


def _shutdown(client: Client, given: Namespace) -> None:
    with client.processEnd() as awaitEnd, progress("Shutting down", given) as draw:
        outcome = client.call("core.shutdown", patience=None, meanwhile=draw)
        awaitEnd(draw)
    _tell(outcome, given, lambda outcome: f"the server, pid {outcome['pid']}, has ended")


def _change(
    client: Client,
    given: Namespace,
    doing: str,
    method: str,
    parameters: Mapping[str, Any],
    tell: Callable[[Outcome], str],
) -> None:
    """Call a method that takes as long as it takes.

    @param doing: what it does, for who watches.
    @param tell: says for people what has come of it.
    """
    with progress(doing, given) as draw:
        outcome = client.call(method, parameters, patience=None, meanwhile=draw)
    _tell(outcome, given, tell)


def _tell(outcome: Outcome, given: Namespace, tell: Callable[[Outcome], str]) -> None:
    if given.json:
        writeJSON(outcome)
    else:
        print(tell(outcome))
