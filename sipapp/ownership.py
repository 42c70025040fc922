"""What root does for the user that a server runs as, without doing it for somebody else.

Whoever has taken a server over can put links into its directories. If root then opened, made or
gave away something there, it would do so wherever they lead: so there root acts as that user.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from twisted.python.util import runAsEffectiveUser

__all__ = ["Owner", "asOwner", "makeOwned"]

Owner = tuple[int, int] | None
"""User and group; C{None} is who this process is."""

Result = TypeVar("Result")


def asOwner(owner: Owner, act: Callable[[], Result]) -> Result:
    """
    @param act: what is done as the owner if this is root, and as who this is otherwise.
    """
    if owner is None or os.geteuid() != 0:
        return act()
    result: Result = runAsEffectiveUser(*owner, act)
    return result


def makeOwned(path: Path, owner: Owner, make: Callable[[], Result]) -> Result:
    """Make a file or directory, or see that there is one, and that it belongs to the owner.

    Root makes it and gives it away, unless a directory that it is in is the owner's already.

    @param make: makes it.
    """
    if owner is None or os.geteuid() != 0:
        return make()
    if any(each.stat().st_uid == owner[0] for each in path.parents if each.exists()):
        return asOwner(owner, make)
    result = make()
    os.chown(path, *owner)
    return result
