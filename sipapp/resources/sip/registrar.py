"""The registrar: binds addresses-of-record to contacts (RFC 3261 §10.3)."""

from __future__ import annotations

import re
from email.utils import formatdate
from functools import partial
from typing import Annotated, Any, Literal

from msgspec import Meta
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sipapp.location.binding import Bindings
from sipapp.location.outcome import LocationUnavailable, Outcome
from sipapp.resources.maker import ResourceMaker, Settings
from sipapp.resources.sip.dispatch import TAKEN
from sipapp.resources.sip.registration import (
    Limits,
    Refusal,
    Registration,
    contactLine,
)
from sipapp.resources.sip.resource import SIPResource
from sipapp.resources.sip.selfreference import leadsHere
from sipapp.sip import SIPURI, Request, Response, SIPError, about, unsupportedExtensions
from sipapp.sip.fields import HeaderLines, checkText
from sipapp.transaction import ServerTransaction

__all__ = ["Registrar", "RegistrarSettings", "registrarMaker"]

_log = Logger()

_QUIET = 60.0
"""Seconds between two lines in the log that say the same of the store."""

_plainTo = re.compile(r'[^<"]*<(sip:[A-Za-z0-9\-_.!~*\'()&=+$,;?/]+@([a-z0-9\-.]*[a-z0-9]))>').match

Interval = Annotated[int, Meta(ge=1, le=2**31)]


class RegistrarSettings(Settings, frozen=True):
    """C{[resource.registrar]}. Intervals are seconds."""

    minExpires: Interval = 60
    """A shorter registration is refused with 423, unless it asks for an hour or more."""
    maxExpires: Interval = 7200
    """A longer registration is shortened to this."""
    defaultExpires: Interval = 3600
    """For a registration that does not say how long."""
    maxContacts: Annotated[int, Meta(ge=1, le=1000)] = 10
    """Contacts that one address-of-record may be bound to at once."""
    flow: Literal["auto", "always", "never"] = "auto"
    """Whether calls to a phone take the way its registration came over: C{auto} where there are
    signs that nothing else reaches it (a NAT, a connection)."""
    path: Literal["supported", "any"] = "supported"
    """A Path that an edge proxy has added is accepted only from phones that declare
    C{Supported: path}, as RFC 3327 §5.3 recommends; with C{any}, from all."""

    def __post_init__(self) -> None:
        if not self.minExpires <= self.defaultExpires <= self.maxExpires:
            raise ValueError("min_expires <= default_expires <= max_expires must hold")


class Registrar(SIPResource):
    """Takes the REGISTER requests for the domains of this server. Those for other domains are
    left to a proxy (step 1)."""

    methods = frozenset({"REGISTER"})

    def __init__(self, settings: RegistrarSettings, worker: Any) -> None:
        self._worker = worker
        self._seconds = worker.reactor.seconds
        self._toTag = worker.identifiers.toTag
        self._flow = settings.flow
        self._acceptPath = settings.path == "any"
        self._limits = Limits(
            settings.minExpires,
            settings.maxExpires,
            settings.defaultExpires,
            settings.maxContacts,
        )
        # Server and Date, and the second that they are of.
        server = () if worker.server is None else (("Server", worker.server),)
        self._server = HeaderLines(server)
        self._closing: tuple[str, ...] = ()
        self._closingNames = ("date", *self._server.names)
        self._second = -1
        self._fetched = 0
        self._changed = 0
        self._failed = 0
        self._quietUntil = 0.0

    @property
    def tallies(self) -> dict[str, int]:
        return {"fetched": self._fetched, "changed": self._changed, "failed": self._failed}

    def offer(self, transaction: ServerTransaction) -> Any:
        request = transaction.request
        if request.method != "REGISTER":
            return None
        try:
            if not self._isForUs(request):
                return None
            aor, registration = self._read(request)
        except SIPError as error:
            return self._refuse(request, error)
        location = self._worker.location
        if registration.isFetch:
            self._fetched += 1
            known = location.lookupNow(aor)
            if known is not None:
                return self._grant(known, request)
            bindings: Deferred[Bindings] = location.lookup(aor)
            return bindings.addCallback(self._grant, request)
        location.alter(aor, registration.apply, partial(self._committed, transaction))
        return TAKEN

    def _committed(self, transaction: ServerTransaction, outcome: Outcome) -> None:
        """The store has done what the request wants, or has not."""
        request = transaction.request
        try:
            if isinstance(outcome, Exception):
                raise outcome
            response = self._grant(outcome, request)
            self._changed += 1
        except SIPError as error:
            response = self._refuse(request, error)
        except LocationUnavailable as error:
            self._complain(error)
            response = self._refuse(request, SIPError(500, str(error)))
        except Exception:
            _log.failure("A registration failed", about=about(request))
            response = self._refuse(request, SIPError(500, "the store has failed"))
        transaction.respond(response)

    def _complain(self, error: LocationUnavailable) -> None:
        """Say it once in a while: phones come again and again."""
        self._failed += 1
        now = self._seconds()
        if now >= self._quietUntil:
            self._quietUntil = now + _QUIET
            _log.error(
                "Registrations fail: {error} ({count} so far)", error=error, count=self._failed
            )

    def _isForUs(self, request: Request) -> bool:
        """Step 1. A request with a Route that leads on is not for us yet (§16.4)."""
        if not self._isHere(request.uri):
            return False
        return "route" not in request.names or all(self._isHere(r.uri) for r in request.routes)

    def _isHere(self, uri: object) -> bool:
        """Whether a URI names this server."""
        if not isinstance(uri, SIPURI) or uri.headers:
            return False
        return self._isDomain(uri) or bool(self._worker.isLocal(uri))

    def _leadsHere(self, uri: object) -> bool:
        """Whether a contact would bring its requests back. One with header fields is kept as it is
        (RFC 4475 §3.3.14), and is no target if it would."""
        return not getattr(uri, "headers", "") and leadsHere(uri, self._worker)

    def _isDomain(self, uri: SIPURI) -> bool:
        """Whether it names this server in the way that nearly all do."""
        return uri.port is None and uri.host in self._worker.domains

    def _read(self, request: Request) -> tuple[str, Registration]:
        """Steps 2 to 7, as far as they do not depend on what is stored.

        @raise SIPError: if the request is to be refused.
        """
        names = request.names
        if "require" in names:
            unknown = unsupportedExtensions(request, frozenset({"path"}))
            if unknown:
                raise _badExtension(", ".join(unknown))
        if "path" in names and not (self._acceptPath or "path" in request.supported):
            # RFC 3327 §5.3: so the phone learns that somebody wants to be in its way.
            raise _badExtension("path")
        aor = self._addressOfRecord(request)
        now = self._seconds()
        registration = Registration(request, self._limits, now, self._flow)
        for wanted in registration.wanted:
            if wanted.lasts and self._leadsHere(wanted.uri):
                raise Refusal(403, f"{wanted.uri} is here", "Contact Names This Server")
        return aor, registration

    def _addressOfRecord(self, request: Request) -> str:
        """Step 5: the canonical address-of-record, or 404 if it is none of ours."""
        # Nearly all have this shape, in which the URI is canonical as it is.
        plain = _plainTo(request.lines[request.names.index("to")])
        if plain is not None and plain[2] in self._worker.domains:
            return plain[1]
        uri = request.to.uri
        if isinstance(uri, SIPURI) and (self._isDomain(uri) or self._worker.isLocal(uri)):
            aor = uri.aor()
            if aor.isascii() or _isText(aor):
                return aor
        raise Refusal(404, f"{uri} is not in a domain of ours")

    def _grant(self, bindings: Bindings, request: Request) -> Response:
        """Step 8."""
        now = self._seconds()
        response = request.respond(200, toTag=self._toTag(request))
        lines, names = response.lines, response.names
        for binding in bindings:
            lines.append(contactLine(binding, now))
            names.append("contact")
        if "path" in request.names:
            for hop in request.path:
                lines.append(f"Path: {checkText(str(hop))}")
                names.append("path")
        second = int(now)
        if second != self._second:
            # RFC 3261 §20.17; the same for all answers of one second.
            date = f"Date: {formatdate(second, usegmt=True)}"
            self._second, self._closing = second, (date, *self._server.lines)
        lines += self._closing
        names += self._closingNames
        return response

    def _refuse(self, request: Request, error: SIPError) -> Response:
        headers = error.headers if isinstance(error, Refusal) else ()
        response = request.respond(error.status, error.reason, self._toTag(request), headers)
        response.lines += self._server.lines
        response.names += self._server.names
        return response


def _isText(text: str) -> bool:
    """Whether it was received as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _badExtension(options: str) -> Refusal:
    """RFC 3261 §8.2.2.3"""
    return Refusal(420, f"{options} not supported", headers=(("Unsupported", options),))


registrarMaker = ResourceMaker("registrar", "sip", RegistrarSettings, Registrar)
