"""Where nothing that comes from outside is sent on to.

A Contact, a Route, a Request-URI, or the DNS server of whoever wrote them, decides where a message
goes. Behind the loopback addresses of a server are services that believe everybody who reaches
them, and the body of a message can be any text that they understand; link-local addresses have the
like on the network around it, and multicast has many answer one. So what has come from elsewhere
does not leave for such addresses, unless it goes over a flow that was opened from there, or the
operator says that there is a peer to be trusted.
"""

from __future__ import annotations

from sipapp.transport.limits import LimitLog
from sipapp.transport.networks import NONE, Networks

__all__ = ["CONFINED", "Confinement"]

_LOOPBACK = ["127.0.0.0/8", "::1", "0.0.0.0/8", "::"]
_LINK_LOCAL = ["169.254.0.0/16", "fe80::/10"]
_MANY = ["224.0.0.0/4", "ff00::/8", "255.255.255.255"]

CONFINED = Networks([*_LOOPBACK, *_LINK_LOCAL, *_MANY])
"""Addresses that mean something on this machine or its links alone, or many at once (RFC 6890)."""


class Confinement:
    """Tells what must not be sent where."""

    def __init__(self, limitLog: LimitLog, trusted: Networks = NONE) -> None:
        """
        @param trusted: addresses that may be sent to in any case.
        """
        self._limitLog = limitLog
        self._trusted = trusted

    def bars(self, host: str, origin: str) -> bool:
        """
        @param host: the numeric address that a message is about to be sent to.
        @param origin: the one that it, or what it answers, has come from; C{""} if nobody knows.
        """
        if host not in CONFINED or (origin and origin in CONFINED) or host in self._trusted:
            return False
        self._limitLog.hit(
            "confinement", "the inside", origin or "somebody", f"a message for {host} was not sent"
        )
        return True
