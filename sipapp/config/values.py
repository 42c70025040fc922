"""What the settings of a table are made of: the class that they derive from, and the kinds of
values that many tables have.
"""

from __future__ import annotations

import os
import re
from ipaddress import ip_network
from typing import Annotated

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from sipapp.config.errors import tomlValue

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def tomlKey(name: str) -> str:
    """The TOML key of a field: C{socketWorkers} is written C{socket_workers}."""
    return _HUMP.sub("_", name).lower()


class SettingsTable(Struct, frozen=True, kw_only=True, rename=tomlKey):
    """What the settings class of a table derives from, also that of a resource plugin: frozen,
    keys in snake_case. Keys that it does not have are refused when a file is read; not when one
    process tells another, which may run newer code."""


Seconds = Annotated[float, Meta(gt=0, le=86_400)]
"""A duration that is not nothing and not more than a day."""

Port = Annotated[int, Meta(ge=0, le=65_535)]
"""A port; 0 leaves the choice to the kernel."""

Workers = Annotated[int, Meta(ge=1, le=256)]
"""A number of worker processes."""

Bytes = Annotated[int, Meta(ge=256, le=1 << 30)]
"""A size of something that is kept in memory."""

Text = Annotated[str, Meta(min_length=1)]
"""A string that says something."""


def checkNetworks(settings: Struct, *names: str) -> None:
    """Check lists of addresses and networks.

    @param names: the attributes that hold them.
    @raise ValueError: if something in one is neither.
    """
    for name in names:
        for text in getattr(settings, name):
            try:
                ip_network(text, strict=False)
            except ValueError:
                raise ValueError(
                    f"{tomlKey(name)}: expected an IP address or network, got {tomlValue(text)}"
                ) from None


def makeAbsolute(settings: Struct, *names: str) -> None:
    """Make paths absolute, from the directory that the server was started in.

    @param names: the attributes that hold them, or C{None}.
    @raise ValueError: if one cannot be a path.
    """
    for name in names:
        path = getattr(settings, name)
        if path is not None:
            if "\0" in path:
                raise ValueError(f"{tomlKey(name)}: a path cannot hold a NUL")
            force_setattr(settings, name, os.path.abspath(path))
