"""The settings of C{[manhole]}: who may open a Python console in the running server, and where."""

from __future__ import annotations

import os

from msgspec.structs import force_setattr

from sipapp.config.values import Port, SettingsTable, Text

_KEY_TYPES = ("ssh-", "ecdsa-", "sk-")


class ManholeSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[manhole]}: a Python console in the server, by SSH. There is none without this table.

    @ivar address: where it listens: a numeric address.
    @ivar port: likewise.
    @ivar users: for each user, public keys as they stand in C{authorized_keys} of OpenSSH, or files
        of such. Whoever has the private one may do everything.
    """

    address: Text = "127.0.0.1"
    port: Port = 5022
    users: dict[str, tuple[Text, ...]]

    def __post_init__(self) -> None:
        if not self.users:
            raise ValueError("users: nobody could log in")
        if any("\0" in each for keys in self.users.values() for each in keys):
            raise ValueError("users: a path cannot hold a NUL")
        found = {
            name: tuple(
                each if each.startswith(_KEY_TYPES) else os.path.abspath(each) for each in keys
            )
            for name, keys in self.users.items()
        }
        force_setattr(self, "users", found)
