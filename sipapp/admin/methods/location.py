"""C{location.*}: who is registered where, and registrations by hand."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

from msgspec import Meta, Struct
from twisted.internet.defer import Deferred

from sipapp.config import Plan, Settings, tomlKey
from sipapp.location import (
    Binding,
    LocationMaintenance,
    LocationStoreFull,
    LocationUnavailable,
    NotRunning,
)
from sipapp.location.binding import Bindings, alive, indexOf
from sipapp.location.bindingfile import BindingFile
from sipapp.resources.sip.selfreference import leadsHere
from sipapp.rpc import Caller, Conflict, Forbidden, InvalidParameters, NotFound, Unavailable, method
from sipapp.sip import SIPURI, URI, MalformedURI, parseURI
from sipapp.transport.endpoints import Endpoint, Endpoints
from sipapp.transport.locality import Locality

__all__ = ["BindingView", "LocationMethods", "Page"]

T = TypeVar("T")

_MOST_CONTACTS = 10
"""For an address-of-record, on a server without a registrar."""

_LONGEST = 4096
"""Characters of a contact."""

Size = Annotated[int, Meta(ge=1, le=1000)]
Duration = Annotated[int, Meta(ge=1, le=2**31)]
Preference = Annotated[float, Meta(ge=0, le=1)]


class BindingView(Struct, frozen=True, kw_only=True, rename=tomlKey):
    """One contact of an address-of-record.

    @ivar contact: its URI.
    @ivar expires: seconds until the binding ends.
    @ivar q: the preference, 0 to 1.
    @ivar callID: of the REGISTER that made or refreshed it last. @ivar cseq: of the same.
    @ivar path: the proxies that requests to it go through.
    @ivar viaFlow: whether they are sent the way that the registration came.
    @ivar userAgent: what the phone calls itself.
    @ivar updated: when it was made or refreshed last, in seconds since 1970.
    """

    aor: str
    contact: str
    expires: float
    q: float
    callID: str
    cseq: int
    path: tuple[str, ...]
    viaFlow: bool
    instance: str
    regID: int
    userAgent: str
    updated: float


class Page(Struct, frozen=True):
    """Some of all bindings.

    @ivar cursor: what to ask for the next page with; C{None} if there is none.
    """

    rows: list[BindingView]
    cursor: str | None


class LocationMethods:
    """Works on the store itself, in threads of the parent; the workers see it at once."""

    def __init__(
        self,
        store: LocationMaintenance | None,
        configuration: Callable[[], tuple[Settings, Plan]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """
        @param store: C{None} if the bindings are in the memory of a worker.
        @param configuration: gives what is in force.
        @param clock: gives the seconds since the epoch.
        """
        self._store = store
        self._configuration = configuration
        self._clock = clock

    @method()
    async def lookup(self, aor: str) -> list[BindingView]:
        """Show the contacts that a user is registered with, in the order in which they are tried.

        aor: the address-of-record, such as sip:alice@example.com. sip: may be left out, and so may
        the domain if it is the server's first.
        """
        known = self._known(aor)
        return self._view(known, await self._use(lambda file: file.read(known)))

    @method(role="operator", changes=True)
    async def add(
        self,
        aor: str,
        contact: str,
        caller: Caller,
        expires: Duration = 3600,
        q: Preference = 1.0,
    ) -> list[BindingView]:
        """Register a user with a contact, as a REGISTER would.

        aor: as for location.lookup. contact: a URI, such as sip:alice@192.0.2.1:5060;transport=tcp.
        expires: seconds, not bound by the registrar's settings. q: the preference, 0 to 1.

        A contact that is there already is replaced; the number of contacts has the bound that
        [resource.registrar] max_contacts sets. A later REGISTER with the same contact takes its
        place. Other servers that registrations are replicated to learn nothing of it.
        """
        known = self._known(aor)
        uri = self._contact(contact)
        now = self._clock()
        binding = Binding(
            str(uri), now + expires, q, userAgent=f"added by {caller.name}", updated=now
        )
        most = self._mostContacts()

        def change(present: Bindings) -> Bindings:
            bindings = list(present)
            index = indexOf(uri, bindings)
            if index is not None:
                bindings[index] = binding
                return tuple(bindings)
            if len(bindings) >= most:
                raise Conflict(f"{known} has {len(bindings)} contacts, and may have {most}")
            return (*bindings, binding)

        return await self._change(known, change)

    @method(role="operator", changes=True)
    async def remove(self, aor: str, contact: str | None = None) -> list[BindingView]:
        """End a registration.

        aor: as for location.lookup. contact: the one to remove; all are if it is left out.

        The phone is not told, and is back with its next REGISTER.
        """
        known = self._known(aor)
        uri = None if contact is None else _parsed(contact)

        def change(present: Bindings) -> Bindings:
            # Two flows of a phone have the same contact.
            kept = () if uri is None else tuple(b for b in present if indexOf(uri, (b,)) is None)
            if len(kept) == len(present):
                raise NotFound(
                    f"{known} has no contact" if uri is None else f"{known} has no contact {uri}"
                )
            return kept

        return await self._change(known, change)

    @method()
    async def dump(self, limit: Size = 100, cursor: str = "") -> Page:
        """Show all contacts of all users, a page at a time.

        limit: the page ends with the user who makes it so many. cursor: what the page before came
        with; nothing for the first page.

        Who registers meanwhile may be on one of the next pages, or on none.
        """
        try:
            after = base64.b64decode(cursor, b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise InvalidParameters(f"cursor: no page came with {cursor!a}") from None
        found, end = await self._use(lambda file: file.page(after, limit))
        return Page(
            [row for aor, bindings in found for row in self._view(aor, bindings)],
            base64.urlsafe_b64encode(end).decode("ascii") if end else None,
        )

    @method()
    async def count(self) -> int:
        """Tell how many users are registered. Those count whose registration has just expired."""
        return await self._use(BindingFile.count)

    # The store.

    async def _use(self, job: Callable[[BindingFile], T]) -> T:
        if self._store is None:
            raise Unavailable(
                'the registrations are in the memory of a worker: [location] store = "memory"'
            )
        used: Deferred[T] = self._store.use(job)
        try:
            return await used
        except NotRunning as error:
            raise Unavailable(str(error)) from None

    async def _change(self, aor: str, change: Callable[[Bindings], Bindings]) -> list[BindingView]:
        (outcome,) = await self._use(partial(_apply, aor, change, self._clock()))
        if isinstance(outcome, LocationStoreFull):
            raise Conflict(str(outcome))
        if isinstance(outcome, LocationUnavailable):
            raise Unavailable(str(outcome))
        if isinstance(outcome, Exception):
            raise outcome
        return self._view(aor, outcome)

    def _view(self, aor: str, bindings: Bindings) -> list[BindingView]:
        now = self._clock()
        # An escaped byte of it need not be UTF-8.
        text = aor.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        return [_viewOf(text, each, now) for each in alive(bindings, now)]

    # What callers say.

    def _known(self, text: str) -> str:
        """
        @return: the canonical address-of-record.
        @raise Fault: if it is none that could be registered here.
        """
        settings, plan = self._configuration()
        domains = settings.server.domains
        if "@" not in text and ":" not in text and domains:
            text = f"{text}@{domains[0]}"
        uri = _parsed(text if text.lower().startswith(("sip:", "sips:")) else f"sip:{text}")
        if not isinstance(uri, SIPURI):
            raise InvalidParameters(f"aor: {text} is not a SIP URI")
        locality = self._locality()
        # An address-of-record has no port, whichever one its host is an address of this server at.
        ports = {each.port for each in plan.listeners} if uri.port is None else ()
        if not any(locality.isLocal(uri.replace(port=port)) for port in (uri.port, *ports)):
            raise NotFound(f"{uri.host} is neither a domain nor an address of this server")
        return uri.aor()

    def _locality(self) -> Locality:
        settings, plan = self._configuration()
        endpoints = (
            Endpoint(
                each.index,
                each.transport.upper(),
                each.host,
                each.port,
                each.advertisedHost,
                each.advertisedPort,
            )
            for each in plan.listeners
            if not each.listen.isWeb
        )
        return Locality(settings.server.domains, Endpoints(endpoints, self._clock))

    def _contact(self, text: str) -> URI:
        uri = _parsed(text)
        if len(text) > _LONGEST:
            raise InvalidParameters(f"contact: it has more than {_LONGEST} characters")
        if leadsHere(uri, self._locality()):
            raise Forbidden(f"{uri} names this server: requests to it would go round")
        return uri

    def _mostContacts(self) -> int:
        registrar = self._configuration()[0].resource.get("registrar")
        return getattr(registrar, "maxContacts", _MOST_CONTACTS)


def _apply(
    aor: str, change: Callable[[Bindings], Bindings], now: float, file: BindingFile
) -> list[Bindings | Exception]:
    return file.apply([(aor, change)], now)


def _parsed(text: str) -> URI:
    try:
        return parseURI(text)
    except MalformedURI as error:
        raise InvalidParameters(f"{text!a} is not a URI") from error


def _viewOf(aor: str, binding: Binding, now: float) -> BindingView:
    return BindingView(
        aor=aor,
        contact=binding.contact,
        expires=round(binding.expires - now, 1),
        q=binding.q,
        callID=binding.callID,
        cseq=binding.cseq,
        path=binding.path,
        viaFlow=binding.viaFlow,
        instance=binding.instance,
        regID=binding.regID,
        userAgent=binding.userAgent,
        updated=binding.updated,
    )
