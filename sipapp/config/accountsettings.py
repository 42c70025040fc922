"""The settings of accounts: who keeps the passwords of users."""

from __future__ import annotations

from sipapp.config.values import SettingsTable, Text, makeAbsolute


class AccountsSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[accounts]}: who keeps the passwords of users.

    @ivar path: the database of accounts; C{None} is C{accounts.db} in the state directory.
    @ivar checker: a checker of C{twisted.cred} that is asked instead, in the words of
        C{twisted.cred.strcred}: C{file:/etc/sipapp/passwords}.
    """

    path: Text | None = None
    checker: Text | None = None

    def __post_init__(self) -> None:
        makeAbsolute(self, "path")
