"""Declines calls from callers that the operator has listed."""

from typing import Any

from sipapp.resources import ResourceMaker, Settings
from sipapp.resources.sip import SIPResource
from sipapp.sip import Response
from sipapp.transaction import ServerTransaction


class ScreeningSettings(Settings, frozen=True, kw_only=True):
    """C{[resource.screening]}."""

    unwanted: tuple[str, ...] = ()
    """Addresses-of-record whose calls are declined, such as C{"sip:spam@example.org"}."""
    reason: str = "Not Today"
    """The reason phrase of the 603."""


class Screening(SIPResource):
    """Answers the INVITE of an unwanted caller with 603 (RFC 3261 §21.6.2) and leaves the rest."""

    def __init__(self, settings: ScreeningSettings, worker: Any) -> None:
        self._unwanted = frozenset(settings.unwanted)
        self._reason = settings.reason
        self._identifiers = worker.identifiers

    def offer(self, transaction: ServerTransaction) -> Response | None:
        request = transaction.request
        if request.method != "INVITE" or request.fromHeader.uri.aor() not in self._unwanted:
            return None
        return request.respond(603, self._reason, toTag=self._identifiers.toTag(request))


screeningMaker = ResourceMaker("screening", "sip", ScreeningSettings, Screening)
