"""The settings of how the server is operated."""

from __future__ import annotations

from sipapp.config.values import SettingsTable, Text, makeAbsolute


class AdministrationSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[administration]}: how the server is operated.

    @ivar auditLog: the file that says who has changed what; C{None} is C{audit.log} in the state
        directory.
    """

    auditLog: Text | None = None

    def __post_init__(self) -> None:
        makeAbsolute(self, "auditLog")
