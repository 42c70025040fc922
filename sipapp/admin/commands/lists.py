"""The commands that show a list: pools, workers, listeners, registrations, connections and
transactions."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from sipapp.admin.client import Client
from sipapp.admin.commands.asking import DONE, NOT_DONE, Misused, asking, operating
from sipapp.admin.figures import duration
from sipapp.admin.tables import Column, Row, present
from sipapp.rpc import NotFound

__all__ = ["addListCommands"]

_POOLS = (
    Column("POOL", "name"),
    Column("KIND", "kind"),
    Column("SIZE", "size", isNumber=True),
    Column("SIZE FROM", "size_from"),
    Column("READY", "ready", isNumber=True),
    Column("SERVES", "endpoints"),
    Column("RESOURCES", "resources"),
)
_WORKERS = (
    Column("WORKER", "name"),
    Column("KIND", "kind"),
    Column("PID", "pid", isNumber=True),
    Column("STATE", "state"),
    Column("RESTARTS", "restarts", isNumber=True),
    Column("LAST REPLACED FOR", "reason"),
)
_LISTENERS = (
    Column("LISTENER", "name"),
    Column("POOL", "pool"),
    Column("STATE", "state"),
    Column("RESOURCES", "resources"),
    Column("ADDED", "is_added"),
)
_REGISTRATIONS = (
    Column("AOR", "aor"),
    Column("CONTACT", "contact"),
    Column("EXPIRES IN", "expires", duration, isNumber=True),
    Column("Q", "q", isNumber=True),
    Column("USER AGENT", "user_agent"),
)
_CONNECTIONS = (
    Column("CONNECTION", "connection"),
    Column("WORKER", "worker"),
    Column("TRANSPORT", "transport"),
    Column("PEER", "peer"),
    Column("LISTENER", "listener"),
    Column("OUTGOING", "outgoing"),
    Column("STATE", "state"),
    Column("IDLE", "idle", duration, isNumber=True),
    Column("UNANSWERED", "owed", isNumber=True),
    Column("PROVEN", "domains"),
)
_TRANSACTIONS = (
    Column("WORKER", "worker"),
    Column("SIDE", "side"),
    Column("METHOD", "method"),
    Column("STATE", "state"),
    Column("STATUS", "status", lambda status: str(status or ""), isNumber=True),
    Column("FROM", "caller"),
    Column("TO", "callee"),
    Column("TRANSPORT", "transport"),
    Column("PEER", "peer"),
    Column("SINCE", "seconds", duration, isNumber=True),
    Column("CALL-ID", "call_id"),
)

_LIMIT = 100
_PAGE = 1000


def addListCommands(commands: Any) -> None:
    """
    @param commands: the subparsers that C{sipappctl} has its commands in.
    """
    for name, method, columns, about in (
        ("pools", "pool.list", _POOLS, "show the pools, and what they serve"),
        ("workers", "worker.list", _WORKERS, "show the worker processes"),
        ("listeners", "listener.list", _LISTENERS, "show the addresses that are listened at"),
    ):
        parser = commands.add_parser(name, help=about, parents=[operating()])
        parser.set_defaults(run=asking(partial(_list, method, columns, ())))
    registrations = commands.add_parser(
        "registrations", help="show who is registered, and where", parents=[operating()]
    )
    registrations.add_argument(
        "aor",
        nargs="?",
        metavar="AOR",
        help="an address-of-record, such as alice or sip:alice@example.com, to see it alone",
    )
    registrations.add_argument(
        "--count", action="store_true", help="say how many users are registered, and no more"
    )
    registrations.set_defaults(run=asking(_registrations))
    _filtered(
        commands,
        "connections",
        "connection.list",
        _CONNECTIONS,
        "show TCP, TLS and HTTP connections",
        {
            "transport": "such as tls",
            "address": "of the peer: an address or a network",
            "worker": "such as tcp/1",
            "state": "such as open",
        },
    )
    _filtered(
        commands,
        "transactions",
        "transaction.list",
        _TRANSACTIONS,
        "show the SIP transactions that are under way",
        {
            "method": "such as INVITE",
            "state": "such as proceeding",
            "call_id": "of one call",
            "worker": "such as udp-0/2",
        },
    )


def _filtered(
    commands: Any,
    name: str,
    method: str,
    columns: Sequence[Column],
    about: str,
    filters: Mapping[str, str],
) -> None:
    """Add a command with an option for each thing that its method can filter by."""
    parser: ArgumentParser = commands.add_parser(name, help=about, parents=[operating()])
    for key, meaning in filters.items():
        option = f"--{key.replace('_', '-')}"
        parser.add_argument(option, metavar=key.rpartition("_")[2].upper(), help=meaning)
    parser.add_argument(
        "--limit", type=int, default=_LIMIT, help=f"how many to show (default: {_LIMIT})"
    )
    parser.set_defaults(run=asking(partial(_list, method, columns, (*filters, "limit"))))


def _list(
    method: str, columns: Sequence[Column], keys: Sequence[str], client: Client, given: Namespace
) -> int:
    wanted = {key: getattr(given, key) for key in keys}
    answer = client.call(method, {key: each for key, each in wanted.items() if each is not None})
    if not isinstance(answer, Mapping):
        present(columns, [answer], given.json)
        return DONE
    rows, matching, silent = answer["rows"], answer["matching"], answer["silent"]
    present(columns, [rows], given.json)
    if matching > len(rows):
        print(f"sipappctl: these are {len(rows)} of {matching}: see --limit", file=sys.stderr)
    for worker, cause in silent.items():
        print(f"sipappctl: {worker} has not said what it has: {cause}", file=sys.stderr)
    return NOT_DONE if silent else DONE


def _registrations(client: Client, given: Namespace) -> None:
    if given.count and given.aor is not None:
        raise Misused("--count is of all users: leave out the AOR")
    if given.count:
        print(client.call("location.count"))
    elif given.aor is None:
        present(_REGISTRATIONS, _dump(client), given.json)
    else:
        bindings = client.call("location.lookup", {"aor": given.aor})
        if not bindings:
            raise NotFound(f"{given.aor} is not registered")
        present(_REGISTRATIONS, [bindings], given.json)


def _dump(client: Client) -> Iterator[list[Row]]:
    """All of them, by the page."""
    cursor: str | None = ""
    while cursor is not None:
        page = client.call("location.dump", {"limit": _PAGE, "cursor": cursor})
        yield page["rows"]
        cursor = page["cursor"]
