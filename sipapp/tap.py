"""C{twistd sipapp}: options and composition of the parent process."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from twisted.application.service import IService
from twisted.python.usage import Options as UsageOptions

from sipapp.admin.doctor.running import diagnose
from sipapp.admin.log import serverLog
from sipapp.config import (
    ConfigurationError,
    cautionsOf,
    decodeSettings,
    describePlan,
    loadSettings,
    resolve,
)
from sipapp.estate import takeEstate
from sipapp.plugins import resourceTypes
from sipapp.server import Server

__all__ = ["Options", "makeService"]


class Options(UsageOptions):
    """The options of C{twistd sipapp}."""

    synopsis = "[options]"
    longdesc = (
        "A SIP application server: a pool of processes for each listen endpoint."
        " Without --config it serves on loopback, to try it out."
    )
    optParameters = [["config", "c", None, "The configuration file (see etc/sipapp.toml)."]]
    optFlags = [
        ["check", None, "Check the configuration, show what it comes to, and exit."],
        ["doctor", None, "Say what on this machine does not fit the configuration, and exit."],
    ]


def makeService(options: Any) -> IService:
    """Make the server of the configuration that C{options} name.

    @raise SystemExit: if there is something wrong with it, and after C{--check} or C{--doctor}.
    """
    estate = takeEstate()
    try:
        if estate is None:
            settings = loadSettings(options["config"], resourceTypes())
            plan = resolve(settings)
        else:
            # It reloads when it has taken everything up.
            settings, plan = decodeSettings(estate.settings, resourceTypes()), estate.plan
    except ConfigurationError as error:
        raise SystemExit(str(error)) from error
    if options["check"]:
        sys.stdout.write(describePlan(plan))
        sys.stdout.writelines(f"{caution}\n" for caution in cautionsOf(plan))
        raise SystemExit(0)
    if options["doctor"]:
        report = diagnose(settings, plan)
        sys.stdout.write(report.toText())
        raise SystemExit(report.exitCode)
    # The reactor is installed when the first module imports it: not before it is needed.
    from twisted.internet import reactor

    twistd = options.parent
    log = serverLog(settings.log, twistd)
    return Server(settings, plan, reactor, log, estate, _command(twistd), twistd.get("pidfile"))


def _command(twistd: Mapping[str, Any]) -> list[str]:
    """
    @param twistd: its options.
    @return: what starts this program again in this process: a daemon is one already.
    """
    arguments = sys.argv[1:]
    program = sys.orig_argv[: len(sys.orig_argv) - len(arguments)]
    if not twistd.get("nodaemon"):
        # What stands later counts.
        arguments = ["--nodaemon", "--logfile=twistd.log", *arguments]
    return [sys.executable, *program[1:], *arguments]
