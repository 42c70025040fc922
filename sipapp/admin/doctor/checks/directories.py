"""Who else can get at the directories of the server."""

from __future__ import annotations

import shlex
import stat
from pathlib import PurePath

from sipapp.admin.doctor.checks.check import Checks, Found
from sipapp.admin.doctor.demand import Demand
from sipapp.admin.doctor.finding import Finding
from sipapp.admin.doctor.host import Host

__all__ = ["CHECKS"]


def runDirectory(host: Host, demand: Demand) -> Found:
    """Mode of C{[server] run_directory}, and of those above it."""
    return _directory(
        host,
        "run-directory",
        demand.settings.server.runDirectory,
        "the workers' inboxes are here: whoever can put others in their place reads and answers"
        " messages",
    )


def stateDirectory(host: Host, demand: Demand) -> Found:
    """Mode of C{[server] state_directory}, and of those above it."""
    return _directory(
        host,
        "state-directory",
        demand.settings.server.stateDirectory,
        "the secret, the accounts and the registrations are here",
    )


def _directory(host: Host, name: str, path: str, why: str) -> Found:
    status = host.status(path)
    if status is None:
        return  # it is made at the first start, as it should be
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        yield Finding(
            "error" if mode & 0o022 else "warning",
            name,
            f"{path} has mode {mode:04o}",
            "0700",
            why,
            f"chmod 0700 {shlex.quote(path)}",
        )
    for parent in map(str, PurePath(path).parents):
        above = host.status(parent)
        if above is not None and above.st_mode & 0o002 and not above.st_mode & stat.S_ISVTX:
            yield Finding(
                "error",
                name,
                f"everybody can write to {parent}, above {path}",
                "a directory that only root can change",
                f"anybody can put another directory in the place of this one, and {why}",
                f"chmod o-w {shlex.quote(parent)}",
            )


CHECKS: Checks = {"run-directory": runDirectory, "state-directory": stateDirectory}
