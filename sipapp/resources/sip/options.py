"""Answers OPTIONS that are meant for the server itself (RFC 3261 §11).

It is also the worked example of a resource: C{docs/writing-a-resource.md} walks through it.
"""

from __future__ import annotations

from typing import Any

from sipapp.resources.maker import ResourceMaker, Settings
from sipapp.resources.sip.resource import SIPResource
from sipapp.sip import (
    SIPURI,
    HeaderLines,
    Request,
    Response,
    SIPError,
    unsupportedExtensions,
)
from sipapp.transaction import ServerTransaction

__all__ = ["Options", "OptionsSettings", "optionsMaker"]


class OptionsSettings(Settings, frozen=True, kw_only=True):
    """C{[resource.options]}."""

    accept: tuple[str, ...] = ("application/sdp",)
    """The body types named in Accept."""
    allow: tuple[str, ...] = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER")
    """The methods named in Allow: what an endpoint may use with this server, itself or through
    its proxy."""
    supported: tuple[str, ...] = ("path",)
    """The extensions named in Supported."""


class Options(SIPResource):
    """Answers an OPTIONS whose Request-URI names this server and no user of it.

    One for a user goes on to the next resource: a proxy sends it to the user's phone.
    """

    methods = frozenset({"OPTIONS"})
    stateless = methods

    def __init__(self, settings: OptionsSettings, worker: Any) -> None:
        self._worker = worker
        self._supported = frozenset(name.lower() for name in settings.supported)
        self._headers = HeaderLines(
            (
                ("Accept", ", ".join(settings.accept)),
                ("Accept-Encoding", "identity"),
                ("Accept-Language", "en"),
                ("Allow", ", ".join(settings.allow)),
                ("Supported", ", ".join(settings.supported)),
            )
        )

    def offer(self, transaction: ServerTransaction) -> Response | None:
        request = transaction.request
        return self.answer(request) if request.method == "OPTIONS" else None

    def answer(self, request: Request) -> Response | None:
        uri = request.uri
        if not isinstance(uri, SIPURI) or uri.user is not None or not self._worker.isLocal(uri):
            return None
        tag = self._worker.identifiers.toTag(request)
        if "require" in request.names:
            try:
                unknown = unsupportedExtensions(request, self._supported)
            except SIPError as error:
                return request.refuse(error, tag)
            if unknown:
                # RFC 3261 §8.2.2.3
                headers = (("Unsupported", ", ".join(unknown)),)
                return request.respond(420, toTag=tag, headers=headers)
        return request.respond(200, toTag=tag, headers=self._headers)


optionsMaker = ResourceMaker("options", "sip", OptionsSettings, Options)
