"""Whom or what a trace follows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from sipapp.sip import (
    SIPURI,
    MalformedMessage,
    MalformedURI,
    Message,
    Request,
    Response,
    SIPError,
    TelURI,
    bracketed,
    normalHost,
    parseMessage,
    parseURI,
    unescape,
)

__all__ = ["Subject", "read"]

#: So many calls are followed at once.
_FOLLOWED = 1024

_Network = IPv4Network | IPv6Network

_SCHEMES = ("sip:", "sips:", "tel:")
_VISUAL_SEPARATORS = str.maketrans("", "", "-.() ")


class Subject:
    """What is followed, from one word: nothing at all is everybody. Else it is

     - an address or network, C{192.0.2.1} or C{2001:db8::/32}: what comes from there or goes there;
       an address may have a port, C{192.0.2.1:5060};
     - a user, C{alice}, C{alice@example.com} or C{+4930123456}, who is named in the Request-URI,
       From, To or a Contact;
     - a Call-ID, whatever it looks like.

    A URI of either may be given as it stands in a message: what it has besides does not count.

    Once a message of an address or user has been seen, all with its Call-ID are followed: a call
    that is forwarded to somebody else, and the answers to it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        bare = _bare(text)
        self._network, self._port = _networkOf(bare)
        self._user: str | None = None
        self._host: str | None = None
        if self._network is None:
            self._user, self._host = _userOf(bare)
        self._followed: OrderedDict[str, None] = OrderedDict()

    def isIn(self, message: Message | None, remote: tuple[str, int]) -> bool:
        """
        @param message: C{None} for one that cannot be read.
        @param remote: where it has come from, or goes to.
        @return: whether it is to be shown.
        """
        if not self.text:
            return True
        callID = None if message is None else message.get("call-id")
        if callID is not None and (callID == self.text or callID in self._followed):
            return True
        if not (self._isFrom(remote) or (message is not None and self._names(message))):
            return False
        if callID is not None:
            self._followed[callID] = None
            if len(self._followed) > _FOLLOWED:
                self._followed.popitem(last=False)
        return True

    def _isFrom(self, remote: tuple[str, int]) -> bool:
        if self._network is None or self._port not in (None, remote[1]):
            return False
        address = ip_address(remote[0].partition("%")[0])
        return (getattr(address, "ipv4_mapped", None) or address) in self._network

    def _names(self, message: Message) -> bool:
        return self._user is not None and any(
            user == self._user and self._host in (None, host) for user, host in _usersIn(message)
        )


def read(data: bytes) -> Request | Response | None:
    """
    @return: C{None} if nobody knows what it is.
    """
    try:
        return parseMessage(data)
    except MalformedMessage:
        return None


def _networkOf(text: str) -> tuple[_Network | None, int | None]:
    """Read C{address}, C{network}, C{address:port} or C{[address]:port}.

    @return: C{None} and C{None} if it is none of them.
    """
    host, port = text, None
    if text.count(":") == 1 or text.startswith("["):
        host, _, digits = text.rpartition(":")
        if not (digits.isascii() and digits.isdigit()):
            return None, None
        port = int(digits)
    try:
        return ip_network(host.strip("[]"), strict=False), port
    except ValueError:
        return None, None


def _bare(text: str) -> str:
    """
    @return: of a URI, user and host, the number, or host and port; anything else as it is.
    """
    given = text.strip().removeprefix("<").removesuffix(">")
    if not given.lower().startswith(_SCHEMES):
        return text
    try:
        uri = parseURI(given)
    except MalformedURI:
        return given.partition(":")[2]
    if isinstance(uri, TelURI):
        return uri.number
    assert isinstance(uri, SIPURI)
    if uri.user is not None:
        return f"{uri.user}@{uri.host}"
    return uri.host if uri.port is None else f"{bracketed(uri.host)}:{uri.port}"


def _userOf(text: str) -> tuple[str, str | None]:
    user, _, host = text.partition("@")
    return _plainUser(unescape(user)), normalHost(host) if host else None


def _plainUser(user: str) -> str:
    """A telephone number without what is there for the eye (RFC 3966 §5.1.1); a name as it is."""
    bare = user.translate(_VISUAL_SEPARATORS)
    return bare if bare.removeprefix("+").isdigit() else user


def _usersIn(message: Message) -> Iterator[tuple[str, str | None]]:
    """Each user that a message names, with the host if there is one."""
    for uri in _urisIn(message):
        if isinstance(uri, SIPURI) and uri.user is not None:
            # RFC 3261 §19.1.6: the user of a number may have parameters.
            name = unescape(uri.user).partition(";")[0]
            yield _plainUser(name), normalHost(uri.host)
        elif isinstance(uri, TelURI):
            yield _plainUser(uri.number), None


def _urisIn(message: Message) -> Iterator[object]:
    for name in ("uri", "fromHeader", "to", "contacts"):
        try:
            # A response has no Request-URI.
            found = getattr(message, name, ())
        except SIPError:
            continue
        if name == "uri":
            yield found
        else:
            for each in found if isinstance(found, tuple) else (found,):
                yield each.uri
