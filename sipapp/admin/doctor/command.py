"""C{sipappctl doctor}: says what in the configuration and on the machine does not fit."""

from __future__ import annotations

import sys
from argparse import Namespace
from typing import Any

from sipapp.admin.doctor.running import diagnose
from sipapp.admin.options import configured
from sipapp.config import ConfigurationError, loadSettings, resolve
from sipapp.plugins import resourceTypes

__all__ = ["addDoctorCommand"]


def addDoctorCommand(commands: Any) -> None:
    """
    @param commands: the subparsers that C{sipappctl} has its commands in.
    """
    doctor = commands.add_parser(
        "doctor",
        help="look at the configuration, the limits and the kernel, and say what does not fit",
        description="Exits with 0 if there is nothing worse than a note, 3 if there is a warning,"
        " 4 if there is an error, and 1 if the configuration cannot be used.",
        parents=[configured()],
    )
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(run=_run)


def _run(given: Namespace) -> int:
    try:
        settings = loadSettings(given.config, resourceTypes())
        report = diagnose(settings, resolve(settings))
    except ConfigurationError as error:
        print(f"sipappctl: {error}", file=sys.stderr)
        return 1
    sys.stdout.write(report.toJSON() if given.json else report.toText())
    return report.exitCode
