"""Who calls a method."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from sipapp.rpc.role import Role

__all__ = ["Caller", "Door"]

Door = Literal["unix", "xmlrpc", "jsonrpc", "web", "manhole", "files"]
"""A way in to the methods; C{files} is past them, for what C{sipappctl} does without a server."""


class Caller(Struct, frozen=True):
    """Who calls a method, as the door has found out.

    @ivar name: that of the account; empty for somebody without one, who may come in because of
        where he is.
    @ivar role: what he may do.
    @ivar source: the address he calls from, or C{"pid 123"}.
    @ivar through: the worker whose door he calls at; empty for a door of the parent.
    """

    name: str
    role: Role
    source: str
    door: Door
    through: str = ""
