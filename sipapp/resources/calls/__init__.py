"""Call records: what is known of calls, and the providers that keep it."""

from sipapp.resources.calls.file import callsFileMaker
from sipapp.resources.calls.record import CallRecord
from sipapp.resources.calls.records import CallRecords
from sipapp.resources.calls.sqlite import callsSQLiteMaker

__all__ = ["CallRecord", "CallRecords", "callsFileMaker", "callsSQLiteMaker"]
