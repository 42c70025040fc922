"""The settings of call records: who keeps what is known of calls."""

from __future__ import annotations

from sipapp.config.values import SettingsTable, Text


class CallRecordsSettings(SettingsTable, frozen=True, kw_only=True):
    """C{[call_records]}.

    @ivar providers: the resources of the kind C{calls} that keep them; none keep nothing.
    """

    providers: tuple[Text, ...] = ()
