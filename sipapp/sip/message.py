"""Messages: typed values of header fields, parsed at first use.

A header field that nobody asks for is never parsed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sipapp.sip.address import NameAddr, parseNameAddr
from sipapp.sip.contact import plainContact
from sipapp.sip.errors import MalformedHeader, SIPError
from sipapp.sip.fields import HeaderFields, valueOf
from sipapp.sip.grammar import splitCommas
from sipapp.sip.headers import (
    CSeq,
    displayName,
    parseCallID,
    parseContentLength,
    parseContentType,
    parseCSeq,
    parseMaxForwards,
    parseSeconds,
    parseTokens,
)
from sipapp.sip.plain import plainHead
from sipapp.sip.via import Via, parseVia, viaLineWith

__all__ = ["Message"]

_MANDATORY = frozenset(("from", "to", "call-id", "cseq"))


class Message(HeaderFields):
    """
    What requests and responses share.

    A typed value whose header field is malformed, repeated where it must not be, or missing where
    it has to be, raises the same L{SIPError} each time.

    @ivar version: C{'SIP/2.0'}.
    @ivar defect: the first thing found wrong with the message as a whole, C{None} if it is sound.
        A message with a defect is indexed nevertheless, so that it can be answered.
    @ivar flow: where a received message came from, C{None} for one that was made here.
    """

    __slots__ = ("_body", "defect", "flow", "version")

    version: str
    defect: SIPError | None
    flow: Any
    _body: bytes

    @property
    def startLine(self) -> str:
        """The first line, without its CRLF."""
        raise NotImplementedError

    @property
    def body(self) -> bytes:
        """The message body. Assigning one corrects or adds the Content-Length."""
        return self._body

    @body.setter
    def body(self, body: bytes) -> None:
        self._body = body
        self.set("content-length", str(len(body)))

    def attach(self, body: bytes) -> None:
        """Give the message the body that it was received with."""
        self._body = body

    def toBytes(self) -> bytes:
        """
        @return: the message to send.
        """
        head = "\r\n".join(self.lines) + "\r\n\r\n" if self.lines else "\r\n"
        return f"{self.startLine}\r\n{head}".encode("utf-8", "surrogateescape") + self._body

    @property
    def via(self) -> Via:
        """The topmost Via."""
        value: Any = self._typed.get("top-via")
        if value is None:
            text = self.get("via")
            try:
                value = _amiss("Missing", "via") if text is None else parseVia(_firstOf(text))
            except MalformedHeader as error:
                value = MalformedHeader(error.detail, "Via")
            self._typed["top-via"] = value
        if value.__class__ is MalformedHeader:
            raise value.again()
        top: Via = value
        return top

    def pushVia(self, via: Via, text: str | None = None) -> None:
        """Put a Via above all others.

        @param text: how it is written, if the caller has it at hand.
        """
        self.prepend("via", str(via) if text is None else text)
        self._typed["top-via"] = via

    def noteSource(self, host: str, port: int | None = None) -> None:
        """Add to the topmost Via where the message came from (RFC 3261 §18.2.1, RFC 3581 §4). As a
        rule the rest of its line stays as it came.

        @param host: the value of C{received}.
        @param port: the value of C{rport}; C{None} leaves that alone.
        @raise MalformedHeader: if the Via is malformed.
        """
        via = self.via
        source = {"received": host} if port is None else {"received": host, "rport": str(port)}
        noted = via.withParams(source)
        index = self.names.index("via")
        line = viaLineWith(self.lines[index], via, source)
        if line is None:
            self.replaceFirst("via", str(noted))
        else:
            self.lines[index] = line
            self._forget("via")
        self._typed["top-via"] = noted

    @property
    def vias(self) -> tuple[Via, ...]:
        """All Vias, topmost first."""
        value: tuple[Via, ...] = self._several("via", _allVias)
        return value

    @property
    def fromHeader(self) -> NameAddr:
        """The From."""
        value: NameAddr = self._single("from", parseNameAddr)
        return value

    @property
    def to(self) -> NameAddr:
        """The To."""
        value: NameAddr = self._single("to", parseNameAddr)
        return value

    @property
    def callID(self) -> str:
        """The Call-ID."""
        value: Any = self._typed.get("call-id")
        if value.__class__ is not str:
            value = self._single("call-id", parseCallID)
        callID: str = value
        return callID

    @property
    def cseq(self) -> CSeq:
        """The CSeq."""
        value: Any = self._typed.get("cseq")
        if value.__class__ is not CSeq:
            value = self._single("cseq", parseCSeq)
        cseq: CSeq = value
        return cseq

    @property
    def contacts(self) -> tuple[NameAddr, ...]:
        """The Contacts; none of them if the header field is C{*} (RFC 3261 §10.2.2)."""
        value: Any = self._typed.get("contact")
        if value is None and self.names.count("contact") == 1:
            plain = plainContact(self.lines[self.names.index("contact")])
            if plain is not None:
                value = self._typed["contact"] = (plain,)
        if value.__class__ is not tuple:
            value = self._several("contact", _contacts)
        contacts: tuple[NameAddr, ...] = value
        return contacts

    @property
    def isWildcardContact(self) -> bool:
        """Whether the Contact is C{*}."""
        return not self.contacts and self.has("contact")

    @property
    def routes(self) -> tuple[NameAddr, ...]:
        """The Routes, the next one first."""
        value: tuple[NameAddr, ...] = self._several("route", _addresses)
        return value

    @property
    def recordRoutes(self) -> tuple[NameAddr, ...]:
        """The Record-Routes, the last added first."""
        value: tuple[NameAddr, ...] = self._several("record-route", _addresses)
        return value

    @property
    def path(self) -> tuple[NameAddr, ...]:
        """The Path (RFC 3327)."""
        value: tuple[NameAddr, ...] = self._several("path", _addresses)
        return value

    @property
    def serviceRoute(self) -> tuple[NameAddr, ...]:
        """The Service-Route (RFC 3608)."""
        value: tuple[NameAddr, ...] = self._several("service-route", _addresses)
        return value

    @property
    def maxForwards(self) -> int | None:
        """The Max-Forwards."""
        value: Any = self._typed.get("max-forwards")
        if value.__class__ is not int:
            value = self._single("max-forwards", parseMaxForwards)
        hops: int | None = value
        return hops

    @property
    def expires(self) -> int | None:
        """The Expires in seconds, at most 2**32-1."""
        value: Any = self._typed.get("expires")
        if value.__class__ is not int:
            value = self._single("expires", parseSeconds)
        seconds: int | None = value
        return seconds

    @property
    def minExpires(self) -> int | None:
        """The Min-Expires in seconds, at most 2**32-1."""
        value: int | None = self._single("min-expires", parseSeconds)
        return value

    @property
    def contentLength(self) -> int | None:
        """The Content-Length."""
        value: int | None = self._single("content-length", parseContentLength)
        return value

    @property
    def contentType(self) -> str | None:
        """The media type in lower case, without its parameters."""
        value: str | None = self._single("content-type", parseContentType)
        return value

    @property
    def require(self) -> tuple[str, ...]:
        """The option tags of Require."""
        value: tuple[str, ...] = self._several("require", parseTokens)
        return value

    @property
    def proxyRequire(self) -> tuple[str, ...]:
        """The option tags of Proxy-Require."""
        value: tuple[str, ...] = self._several("proxy-require", parseTokens)
        return value

    @property
    def supported(self) -> tuple[str, ...]:
        """The option tags of Supported."""
        value: tuple[str, ...] = self._several("supported", parseTokens)
        return value

    @property
    def unsupported(self) -> tuple[str, ...]:
        """The option tags of Unsupported."""
        value: tuple[str, ...] = self._several("unsupported", parseTokens)
        return value

    @property
    def allow(self) -> tuple[str, ...]:
        """The methods of Allow."""
        value: tuple[str, ...] = self._several("allow", parseTokens)
        return value

    def takePlain(self) -> bool:
        """Take the head of a message as it came in one go, if it is in the shape that nearly all
        have. What comes out on the way is kept, as if it had been asked for.

        @return: whether topmost Via, From, To, Call-ID, CSeq and Content-Length are in good
            order. If not, that says nothing.
        """
        head = plainHead(self.names, self.lines, self._body)
        if head is None:
            return False
        typed = self._typed
        typed["top-via"], typed["call-id"], typed["cseq"], hops = head
        if hops is not None:
            typed["max-forwards"] = hops
        return True

    def _single(self, key: str, parse: Callable[[str], Any]) -> Any:
        """Return or raise what is known of a header field that occurs once."""
        typed = self._typed
        if key in typed:
            value = typed[key]
        else:
            names = self.names
            if names.count(key) == 1:
                try:
                    value = parse(valueOf(self.lines[names.index(key)]))
                except SIPError as error:
                    value = MalformedHeader(error.detail, displayName(key))
            elif key in names:
                value = _amiss("Repeated", key)
            else:
                value = _amiss("Missing", key) if key in _MANDATORY else None
            typed[key] = value
        if value.__class__ is MalformedHeader:
            raise value.again()
        return value

    def _several(self, key: str, parse: Callable[[list[str]], Any]) -> Any:
        """Return or raise what is known of a header field that is a list."""
        typed = self._typed
        if key in typed:
            value = typed[key]
        else:
            try:
                value = parse(self.getAll(key) if key in self.names else [])
            except SIPError as error:
                reason = error.reason if error.header else None
                value = MalformedHeader(error.detail, displayName(key), reason)
            typed[key] = value
        if value.__class__ is MalformedHeader:
            raise value.again()
        return value

    def _copyInto(self, other: Message) -> None:
        other._typed = self._typed.copy()
        other.defect = self.defect
        other.flow = self.flow


def _firstOf(text: str) -> str:
    return splitCommas(text)[0] if "," in text else text


def _allVias(values: list[str]) -> tuple[Via, ...]:
    if not values:
        raise _amiss("Missing", "via")
    return tuple([parseVia(value) for value in values])


def _contacts(values: list[str]) -> tuple[NameAddr, ...]:
    if "*" in values:
        if len(values) > 1:
            raise MalformedHeader("* among others")
        return ()
    return _addresses(values)


def _addresses(values: list[str]) -> tuple[NameAddr, ...]:
    return tuple([parseNameAddr(value) for value in values])


def _amiss(what: str, key: str) -> MalformedHeader:
    header = displayName(key)
    return MalformedHeader(what.lower(), header, f"{what} {header} Header Field")
