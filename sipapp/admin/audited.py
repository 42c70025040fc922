"""What C{sipappctl} changes in files itself, in the audit log of the server: nobody is to look for
it elsewhere than what was changed by way of the server."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from sipapp.config import Settings, ownerOf
from sipapp.ownership import asOwner
from sipapp.rpc import Caller, Conflict, Fault

__all__ = ["audited", "userName"]


@contextmanager
def audited(settings: Settings, method: str, parameters: Mapping[str, Any]) -> Iterator[None]:
    """Write down a change, which is made while this is entered, and what has come of it.

    @param settings: with C{[administration]}.
    @param method: what the server calls it, or would.
    @param parameters: without what is secret.
    @raise ConfigurationError: if there is no user such as the server runs as.
    """
    owner = ownerOf(settings.server)
    began = time.monotonic()
    outcome: Fault | None = None
    try:
        yield
    except Exception as error:
        outcome = error if isinstance(error, Fault) else Conflict(str(error))
        raise
    finally:
        seconds = time.monotonic() - began
        write = partial(_write, settings.auditPath, method, parameters, outcome, seconds)
        asOwner(owner, write)


@cache
def userName(uid: int) -> str:
    """
    @return: what the machine calls a user.
    """
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _write(
    path: str, method: str, parameters: Mapping[str, Any], outcome: Fault | None, seconds: float
) -> None:
    # What only looks has no need of it, and it takes time.
    from sipapp.admin.methods.audit import Audit

    caller = Caller(userName(os.getuid()), "admin", f"pid {os.getpid()}", "files")
    audit = Audit(Path(path))
    audit.write(caller, method, parameters, outcome, seconds)
    audit.close()
