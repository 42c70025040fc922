"""What somebody may do with the server itself."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["ROLES", "Role", "covers"]

Role = Literal["viewer", "operator", "admin"]
"""What somebody may do with the server itself, each more than the one before: look, change what
runs, and decide who may do so."""

ROLES: tuple[Role, ...] = get_args(Role)


def covers(role: Role | None, least: Role) -> bool:
    """
    @param role: that of somebody; C{None} is nothing.
    @return: whether it is enough for what wants C{least}.
    """
    return role is not None and ROLES.index(role) >= ROLES.index(least)
