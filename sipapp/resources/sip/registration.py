"""What a REGISTER asks for, and what it makes of the bindings there are (RFC 3261 §10.3).

Everything here is a function of the request and the bindings: no store, no network, no clock.
"""

from __future__ import annotations

from typing import NamedTuple

from sipapp.location import Binding
from sipapp.location.binding import Bindings, indexOf
from sipapp.sip import SIPURI, URI, NameAddr, Request, SIPError, normalHost, quote
from sipapp.sip.fields import checkText

__all__ = ["Limits", "Refusal", "Registration", "contactLine"]

_MAX_TEXT = 4096
"""The most characters that one binding may keep of Contact, Path and Call-ID together."""

_MAX_USER_AGENT = 120

_DIGITS = "0123456789"


class Limits(NamedTuple):
    """What the registrar grants.

    @ivar minExpires: seconds; a shorter registration is refused, RFC 3261 §10.3 step 7.
    @ivar maxExpires: seconds; a longer one is shortened.
    @ivar defaultExpires: seconds; for a contact that says nothing.
    @ivar maxContacts: bindings of one address-of-record. A request may name twice as many, half
        of them to be removed.
    """

    minExpires: int
    maxExpires: int
    defaultExpires: int
    maxContacts: int


class Refusal(SIPError):
    """A registration that cannot be granted.

    @ivar headers: further header fields of the response.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        reason: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(status, detail, None, reason)
        self.headers = headers


class Origin(NamedTuple):
    """Where a REGISTER came from.

    @ivar flow: the token of the flow; C{""} if another proxy is in between, because then the flow
        does not lead to the phone.
    @ivar stream: whether the flow is a connection.
    @ivar source: the address that it came from.
    @ivar sentBy: what the sender calls itself in its Via.
    """

    flow: str
    stream: bool
    source: str
    sentBy: str


def originOf(request: Request) -> Origin:
    """Where a received request came from."""
    flow = request.flow
    names = request.names
    isDirect = "path" not in names and names.count("via") == 1
    if isDirect and "," in request.lines[names.index("via")]:
        isDirect = len(request.vias) == 1
    token = flow.token if isDirect else ""
    return Origin(token, flow.reliable, flow.remote[0], request.via.host)


class Wanted(NamedTuple):
    """One contact of a REGISTER.

    @ivar lasts: seconds granted; 0 removes the binding.
    @ivar binding: what it is to be bound as.
    """

    uri: URI
    lasts: int
    binding: Binding


class Registration:
    """A REGISTER that is sound in itself, ready to be applied to the bindings there are.

    @ivar wanted: its contacts.
    @ivar wildcard: whether it removes all bindings (§10.2.2).
    """

    __slots__ = (
        "_callID",
        "_cseq",
        "_flow",
        "_length",
        "_limits",
        "_now",
        "_origin",
        "_path",
        "_userAgent",
        "wanted",
        "wildcard",
    )

    def __init__(self, request: Request, limits: Limits, now: float, flow: str = "auto") -> None:
        """
        @param now: seconds since the epoch.
        @param flow: when requests go over the flow that the REGISTER came over: C{auto},
            C{always} or C{never}; see L{prefersFlow}.
        @raise SIPError: if it is to be refused whatever the bindings are.
        """
        self._limits = limits
        self._origin = originOf(request)
        self._flow = flow
        self._now = now
        self._callID = _printable(request.callID)
        self._cseq = request.cseq.number
        self._path: tuple[str, ...] = ()
        self._length = len(self._callID)
        if "path" in request.names:
            self._path = tuple(_storable(str(hop), "Path") for hop in request.path)
            self._length += sum(map(len, self._path))
        self._userAgent = ""
        if "user-agent" in request.names:
            self._userAgent = _printable(request.get("user-agent") or "")[:_MAX_USER_AGENT]
        contacts = request.contacts
        if len(contacts) > 2 * limits.maxContacts:
            # So many can replace as many. What each costs depends on how many there are.
            raise _tooMany(limits)
        general = request.expires if "expires" in request.names else None
        self.wildcard = not contacts and "contact" in request.names
        self.wanted: tuple[Wanted, ...] = ()
        if not self.wildcard:
            self.wanted = tuple([self._want(contact, general) for contact in contacts])
        elif general != 0:
            raise Refusal(400, "Contact: * without Expires: 0", "Invalid Request")

    @property
    def isFetch(self) -> bool:
        """Whether it changes nothing and only asks for the bindings (§10.2.3)."""
        return not self.wildcard and not self.wanted

    def _want(self, contact: NameAddr, general: int | None) -> Wanted:
        uri = contact.uri
        text = _storable(str(uri), "Contact")
        if len(text) + self._length > _MAX_TEXT:
            raise Refusal(513, "Contact, Path and Call-ID are too long to be kept")
        q = 1.0
        own: int | None = None
        instance = ""
        regID = 0
        params = contact.params
        if params:
            q = contact.q
            own = contact.expires
            instance = _storable(params.get("+sip.instance") or "", "Contact")
            regID = _regID(params.get("reg-id") or "")
        lasts = self._grant(general if own is None else own)
        origin = self._origin
        binding = Binding(
            text,
            self._now + lasts,
            q,
            self._callID,
            self._cseq,
            self._path,
            origin.flow,
            prefersFlow(origin, uri, bool(instance and regID), self._flow),
            instance,
            regID,
            self._userAgent,
            self._now,
        )
        return Wanted(uri, lasts, binding)

    def _grant(self, asked: int | None) -> int:
        """The interval for a contact (§10.3 step 7): what the contact says, or else the request,
        or else we."""
        limits = self._limits
        if asked is None:
            return limits.defaultExpires
        least = limits.minExpires
        if least <= asked <= limits.maxExpires:
            return asked
        # An hour and more must not be refused, even if our minimum is longer.
        if 0 < asked < min(least, 3600):
            raise Refusal(423, f"{asked} s is too short", headers=(("Min-Expires", str(least)),))
        return min(asked, limits.maxExpires)

    def apply(self, present: Bindings) -> Bindings:
        """All or nothing (§10.3 steps 6 and 7).

        @return: the bindings as the request wants them.
        @raise SIPError: if it has to fail; nothing is changed then.
        """
        if self.wildcard:
            for binding in present:
                self._mustFollow(binding)
            return ()
        if len(present) == 1 and len(self.wanted) == 1:
            # Nearly always a phone refreshes the only binding there is.
            (old,) = present
            _, lasts, new = self.wanted[0]
            if (
                lasts
                and old.contact == new.contact
                and old.cseq != new.cseq
                and old.regID == new.regID
            ):
                self._mustFollow(old)
                return (new,)
        result = list(present)
        for uri, lasts, new in self.wanted:
            index = _indexOf(uri, new, result)
            if index is None:
                if lasts:
                    result.append(new)
                continue
            old = result[index]
            if old.cseq == new.cseq and self._isRepeated(old, new):
                continue
            if old in present:
                self._mustFollow(old)
            if lasts:
                result[index] = new
            else:
                del result[index]
        if len(result) > max(self._limits.maxContacts, len(present)):
            raise _tooMany(self._limits)
        return tuple(result)

    def _mustFollow(self, binding: Binding) -> None:
        """A request with the Call-ID of the one that made the binding must be a later one; if it
        is not, it fails, and as any failed update it does so with 500 (§10.3 step 7)."""
        if binding.callID == self._callID and self._cseq <= binding.cseq:
            raise Refusal(500, "an earlier request of this Call-ID", "CSeq Out of Order")

    def _isRepeated(self, old: Binding, new: Binding) -> bool:
        """Whether this very request has made the binding already.

        RFC 3261 would have it fail. But a worker may have died between its commit and its answer,
        and then the worker in its place gets the retransmission: the phone is to hear of the
        success that it had.
        """
        return (
            (old.callID, old.cseq, old.contact, old.q, old.path)
            == (new.callID, new.cseq, new.contact, new.q, new.path)
        ) and round(old.expires - old.updated) == round(new.expires - new.updated)


def _indexOf(uri: URI, new: Binding, bindings: list[Binding]) -> int | None:
    """
    @return: which binding a contact takes the place of; C{None} if it comes besides the others. A
        phone that says which one it is has one for each of its flows, the same contact or not
        (RFC 5626 §6). If it tells no flows apart, what it has registered before is over when
        neither this contact nor another one of the request is the same.
    """
    index = indexOf(uri, bindings)
    if not new.instance or (index is not None and not new.regID):
        return index
    for number, old in enumerate(bindings):
        if (old.instance, old.regID) == (new.instance, new.regID) and (
            new.regID or (old.callID, old.cseq) != (new.callID, new.cseq)
        ):
            return number
    if index is not None and bindings[index].instance == new.instance and bindings[index].regID:
        return None
    return index


def prefersFlow(origin: Origin, uri: URI, outbound: bool, setting: str) -> bool:
    """Whether requests are to be sent over the flow before the contact is tried.

    @param outbound: whether the phone has given C{+sip.instance} and C{reg-id}, so that it
        expects its requests over its flow (RFC 5626 §4.2).
    @param setting: C{auto} looks for signs that the contact cannot be reached otherwise: over UDP,
        that the phone does not know the address it comes from (NAT); over a connection, which is
        also the only one there may be, unless the contact is plainly at another address.
    """
    if not origin.flow or setting == "never":
        return False
    if setting == "always" or outbound:
        return True
    source = origin.source
    translated = origin.sentBy != source and normalHost(origin.sentBy) != source
    host = ""
    if isinstance(uri, SIPURI):
        host = source if uri.host == source else normalHost(uri.host)
    isAddress = ":" in host or (host != "" and host[-1] in _DIGITS)
    if origin.stream:
        return translated or not isAddress or host == source
    return translated or (isAddress and host != source)


def _tooMany(limits: Limits) -> Refusal:
    return Refusal(403, f"more than {limits.maxContacts} contacts", "Too Many Contacts")


def _storable(text: str, header: str) -> str:
    """
    @raise Refusal: if the text is not UTF-8: it could not be written into another message.
    """
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Refusal(
                400, f"{header} is not UTF-8", f"Malformed {header} Header Field"
            ) from None
    return text


def _printable(text: str) -> str:
    """Text that is only looked at or compared, with its bytes that are not UTF-8 escaped."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _regID(text: str) -> int:
    """RFC 5626 §11: a number from 1 to 2**31 - 1; 0 for anything else."""
    if not text or len(text) > 10 or text.strip(_DIGITS):
        return 0
    number = int(text)
    return number if number < 2**31 else 0


def contactLine(binding: Binding, now: float) -> str:
    """A binding as it is listed in the answer to a REGISTER (§10.3 step 8)."""
    value = checkText(f"Contact: <{binding.contact}>")
    if binding.q != 1.0:
        value += f";q={binding.q:g}"
    if binding.instance:
        value += f";+sip.instance={checkText(quote(binding.instance))}"
    if binding.regID:
        value += f";reg-id={binding.regID}"
    return f"{value};expires={max(round(binding.expires - now), 1)}"
