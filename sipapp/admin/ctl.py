"""The C{sipappctl} command."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from sipapp.admin.bans import addBanCommand
from sipapp.admin.commands.asking import NOT_DONE
from sipapp.admin.commands.calls import addCallCommands
from sipapp.admin.commands.changes import addChangeCommands
from sipapp.admin.commands.completion import addCompletionCommand
from sipapp.admin.commands.lists import addListCommands
from sipapp.admin.commands.pinging import addPingCommand
from sipapp.admin.commands.top import addTopCommands
from sipapp.admin.doctor.command import addDoctorCommand
from sipapp.admin.trace.command import addTraceCommand
from sipapp.admin.users import addUserCommand
from sipapp.admin.xcap import addXCAPCommand

__all__ = ["main", "makeParser"]

_INTERRUPTED = 130
"""What a shell makes of SIGINT."""

_COMMANDS = (
    addTopCommands,
    addListCommands,
    addChangeCommands,
    addTraceCommand,
    addCallCommands,
    addUserCommand,
    addXCAPCommand,
    addBanCommand,
    addDoctorCommand,
    addPingCommand,
)


def makeParser() -> argparse.ArgumentParser:
    """
    @return: what understands the command line. What it has parsed has C{run}: to be called with it,
        for the exit code.
    """
    parser = argparse.ArgumentParser(
        prog="sipappctl",
        description="Operates a SIP server.",
        epilog="sipappctl COMMAND --help tells of one. Exit codes: 0 done, 1 not done, 2 not"
        " understood, 5 no server runs; doctor has 3 for warnings and 4 for errors.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for add in _COMMANDS:
        add(commands)
    addCompletionCommand(commands, parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    @return: the exit code: 0 if it did what was asked, 1 if not, 2 if it was not understood, 5 if
        no server runs; C{doctor} has others besides.
    """
    given = makeParser().parse_args(arguments)
    try:
        status: int = given.run(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever reads has seen enough. Nor does he want what Python flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_DONE
    return status


if __name__ == "__main__":
    sys.exit(main())
