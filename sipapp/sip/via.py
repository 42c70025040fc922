"""Via values (RFC 3261 §20.42, RFC 3581)."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sipapp.sip.errors import MalformedHeader, clip
from sipapp.sip.grammar import HOST, TOKEN, formatParams, parseByte, parseParams
from sipapp.sip.host import bracketed, checkHost

__all__ = ["Via", "parseVia", "viaLineWith"]

_via = re.compile(
    rf"[ \t]*+({TOKEN})[ \t]*+/[ \t]*+({TOKEN})[ \t]*+/[ \t]*+({TOKEN})[ \t]++({HOST})"
    rf"(?:[ \t]*+:[ \t]*+([0-9]{{1,5}}))?[ \t]*+(?=;|\Z)"
).match

_new = object.__new__


class Via:
    """
    One Via value: where a request has been and its response goes. Immutable by convention.

    @ivar protocol: C{'SIP'}.
    @ivar version: C{'2.0'}.
    @ivar transport: in upper case.
    @ivar host: the host of the sent-by, an IPv6 address without brackets.
    @ivar port: the port of the sent-by or C{None}.
    @ivar params: the parameters by lower-case name.
    """

    __slots__ = ("host", "params", "port", "protocol", "transport", "version")

    def __init__(
        self,
        transport: str,
        host: str,
        port: int | None = None,
        params: Mapping[str, str | None] | None = None,
        protocol: str = "SIP",
        version: str = "2.0",
    ) -> None:
        self.transport = transport
        self.host = host
        self.port = port
        self.params: Mapping[str, str | None] = {} if params is None else params
        self.protocol = protocol
        self.version = version

    @property
    def branch(self) -> str | None:
        """The transaction identifier (RFC 3261 §8.1.1.7)."""
        return self.params.get("branch")

    @property
    def received(self) -> str | None:
        """The source address that the next element saw, without brackets (RFC 3261 §18.2.1;
        RFC 5118 §4.5 has both spellings of an IPv6 address accepted)."""
        value = self.params.get("received")
        return value if value is None else value.strip("[]")

    @property
    def rport(self) -> str | None:
        """C{None} if there is none, C{''} if it only asks, or the port in digits (RFC 3581)."""
        if "rport" in self.params:
            return self.params["rport"] or ""
        return None

    @property
    def maddr(self) -> str | None:
        """The multicast address to respond to, without brackets (RFC 3261 §18.2.2)."""
        value = self.params.get("maddr")
        return value if value is None else value.strip("[]")

    @property
    def ttl(self) -> int | None:
        """The multicast ttl, C{None} if it is missing or no number from 0 to 255."""
        return parseByte(self.params.get("ttl"))

    @property
    def sentBy(self) -> tuple[str, int]:
        """Host in lower case and port, the transport's default one if none is given (§18.2.1):
        what transactions are matched by (§17.2.3)."""
        port = self.port
        if port is None:
            port = 5061 if self.transport == "TLS" else 5060
        return self.host.lower(), port

    def withParams(self, params: Mapping[str, str | None] | None = None, **more: str | None) -> Via:
        """
        @param params: parameters to add or change, by lower-case name.
        @param more: the same, for names that are identifiers.
        @return: a Via that has them.
        """
        return Via(
            self.transport,
            self.host,
            self.port,
            {**self.params, **(params or {}), **more},
            self.protocol,
            self.version,
        )

    def __str__(self) -> str:
        host = bracketed(self.host)
        if self.port is not None:
            host = f"{host}:{self.port}"
        head = f"{self.protocol}/{self.version}/{self.transport} {host}"
        return head + formatParams(self.params)

    def __repr__(self) -> str:
        return f"<Via {str(self)!r}>"

    def __eq__(self, other: object) -> bool:
        """Whether both are written alike."""
        return isinstance(other, Via) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


def parseVia(text: str) -> Via:
    """
    @param text: one unfolded value.
    @raise MalformedHeader: if it is not a C{via-parm}.
    """
    found = _via(text)
    if found is None:
        raise MalformedHeader(f"{clip(text)} is not a Via", "Via")
    protocol, version, transport, host, port = found.groups()
    number: int | None = None
    try:
        if port is not None:
            number = int(port)
            if number > 65535:
                raise ValueError("port out of range")
        if host[0] == "[" or host[-1] in "0123456789":
            host = checkHost(host)
        params = parseParams(text[found.end() :])
    except ValueError as error:
        raise MalformedHeader(f"{error} in {clip(text)}", "Via") from None
    # This way rather than by a call, which would take longer.
    via = _new(Via)
    via.transport = transport.upper()
    via.host = host
    via.port = number
    via.params = params
    via.protocol = protocol.upper()
    via.version = version
    return via


def viaLineWith(line: str, via: Via, source: Mapping[str, str]) -> str | None:
    """
    @param line: a header line whose only value is C{via}.
    @param source: C{received}, and C{rport} if that shall have a value.
    @return: the line with these parameters; C{None} if more than adding to it is needed.
    """
    params = via.params
    if "received" in params or "," in line or '"' in line:
        return None
    rport = source.get("rport")
    if rport is not None:
        if "rport" not in params:
            return f"{line};received={source['received']};rport={rport}"
        if line.endswith(";rport"):
            line = f"{line}={rport}"
        elif ";rport;" in line:
            line = line.replace(";rport;", f";rport={rport};", 1)
        else:
            return None
    return f"{line};received={source['received']}"
