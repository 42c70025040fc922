"""The C{sipappctl} command."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

from sipapp.admin.commands.asking import NOT_DONE

__all__ = ["main", "makeParser"]

_INTERRUPTED = 130
"""What a shell makes of SIGINT."""

_COMMANDS: Mapping[str, str] = {
    "status": "commands.top.addTopCommands",
    "top": "commands.top.addTopCommands",
    "pools": "commands.lists.addListCommands",
    "workers": "commands.lists.addListCommands",
    "listeners": "commands.lists.addListCommands",
    "registrations": "commands.lists.addListCommands",
    "connections": "commands.lists.addListCommands",
    "transactions": "commands.lists.addListCommands",
    "reload": "commands.changes.addChangeCommands",
    "resize": "commands.changes.addChangeCommands",
    "restart": "commands.changes.addChangeCommands",
    "drain": "commands.changes.addChangeCommands",
    "resume": "commands.changes.addChangeCommands",
    "shutdown": "commands.changes.addChangeCommands",
    "trace": "trace.command.addTraceCommand",
    "call": "commands.calls.addCallCommands",
    "methods": "commands.calls.addCallCommands",
    "user": "users.addUserCommand",
    "xcap": "xcap.addXCAPCommand",
    "ban": "bans.addBanCommand",
    "doctor": "doctor.command.addDoctorCommand",
    "ping": "commands.pinging.addPingCommand",
    "completion": "commands.completion.addCompletionCommand",
}
"""What adds each command. It is imported for this command alone: all of them together take three
times as long as most need, and somebody waits, who may just have typed a tab."""


def makeParser(command: str | None = None) -> argparse.ArgumentParser:
    """
    @param command: what will be parsed; C{None} if it may be any.
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
    only = _COMMANDS.get(command or "")
    for path in dict.fromkeys(_COMMANDS.values() if only is None else [only]):
        module, _, name = path.rpartition(".")
        getattr(import_module(f"sipapp.admin.{module}"), name)(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    @return: the exit code: 0 if it did what was asked, 1 if not, 2 if it was not understood, 5 if
        no server runs; C{doctor} has others besides.
    """
    _prepareOutput()
    words = sys.argv[1:] if arguments is None else arguments
    given = makeParser(words[0] if words else None).parse_args(words)
    try:
        status: int = given.run(given)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as error:
        # Whoever reads has seen enough; or the disk is full. Nor can Python write what is left.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            print(f"sipappctl: {error}", file=sys.stderr)
        return NOT_DONE
    return status


def _prepareOutput() -> None:
    """What the terminal has no characters for is escaped; a stream that is closed takes nothing."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  # until the end
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
