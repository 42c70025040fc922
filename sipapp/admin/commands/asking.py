"""What the commands have in common that ask a running server: where it is, and what becomes of a
command that cannot be carried out."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from sipapp.admin.client import Client, ServerAbsent
from sipapp.admin.options import configured
from sipapp.config import ConfigurationError, loadTables
from sipapp.rpc import Fault

__all__ = [
    "DONE",
    "NOT_DONE",
    "NOT_UNDERSTOOD",
    "NO_SERVER",
    "Act",
    "Misused",
    "asking",
    "operating",
]

DONE = 0
NOT_DONE = 1
NOT_UNDERSTOOD = 2
"""As C{argparse} has it."""
NO_SERVER = 5
"""3 and 4 are the doctor's."""

Act = Callable[[Client, Namespace], int | None]


class Misused(Exception):
    """What was typed cannot be understood: C{str()} of it says why."""


def operating(asJSON: bool = True) -> ArgumentParser:
    """
    @param asJSON: whether there is C{--json}.
    @return: a parent for the parser of a command that asks a running server.
    """
    parser = ArgumentParser(add_help=False, parents=[configured()])
    if asJSON:
        parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def asking(act: Act) -> Callable[[Namespace], int]:
    """
    @param act: what a command does with a connection to the server; it returns the exit code, or
        C{None} if it has done what it should.
    @return: what runs the command.
    """

    def run(given: Namespace) -> int:
        try:
            with connect(given) as client:
                status = act(client, given)
        except ServerAbsent as error:
            return _failed(str(error), NO_SERVER)
        except Fault as fault:
            return _failed(fault.text, NOT_DONE)
        except ConfigurationError as error:
            return _failed(str(error), NOT_DONE)
        except Misused as error:
            return _failed(str(error), NOT_UNDERSTOOD)
        return DONE if status is None else status

    return run


def connect(given: Namespace) -> Client:
    """
    @raise ConfigurationError: if the configuration does not say where the server's socket is.
    @raise ServerAbsent: if no server is there.
    """
    settings = loadTables(given.config, "server")
    try:
        return Client(settings.controlPath)
    except ServerAbsent as absent:
        if given.config is None:
            raise ServerAbsent(f"{absent}. --config or SIPAPP_CONFIG name another") from None
        raise


def _failed(cause: str, status: int) -> int:
    print(f"sipappctl: {cause}", file=sys.stderr)
    return status
