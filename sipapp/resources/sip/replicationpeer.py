"""A server that registrations are copied to."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger
from zope.interface import implementer

from sipapp.interfaces import IClientUser
from sipapp.sip import SIPURI, Hop, Request, Response, SIPError, bracketed, normalHost, parseURI

__all__ = ["Peer", "peerURI"]

_log = Logger()

_DELAYS = (2.0, 10.0)
"""Seconds before a copy that failed is tried again. An attempt itself lasts up to 32, Timer F."""

_MAX_OUTSTANDING = 1000
"""Copies on their way to one peer. While it is down, this bounds memory and traffic."""

_DIGITS = "0123456789"


def peerURI(text: str) -> SIPURI:
    """
    @raise ValueError: if it is not a SIP URI of a numeric host.
    """
    try:
        uri = parseURI(text)
    except SIPError as error:
        raise ValueError(f"{text!r}: {error.detail}") from None
    if not isinstance(uri, SIPURI):
        raise ValueError(f"{text!r} is not a SIP URI")
    if ":" not in uri.host and uri.host[-1] not in _DIGITS:
        # Requests are told apart by the address that they come from.
        raise ValueError(f"{text!r}: the host must be an address")
    return uri


def copyOf(request: Request) -> Request:
    """The copy of an accepted REGISTER, as a proxy would forward it: Call-ID, CSeq, Contact and
    Path are the phone's. So is its Via, which tells the peer that the flow the copy comes over
    does not lead to the phone."""
    copy = request.copy()
    copy.remove("route")
    hops = request.maxForwards
    copy.set("Max-Forwards", str(70 if hops is None else max(hops - 1, 0)))
    to = request.to.uri
    if isinstance(to, SIPURI):
        # The phone may have named this very server; the peer answers for the domain.
        copy.requestURI = f"sip:{bracketed(to.host)}" + (f":{to.port}" if to.port else "")
    return copy


class Peer:
    """A server that has the same domains.

    There is one line in the log when it stops taking copies, and one when it takes them again.

    @ivar copied: copies that it has taken. @ivar dropped: those that were given up.
    """

    def __init__(self, uri: SIPURI, listener: int, worker: Any) -> None:
        """
        @param listener: index of the listener to send from.
        """
        self._hop = Hop(uri, listener=listener)
        self._worker = worker
        self._host = normalHost(uri.host)
        self._port = uri.port or 5060
        self._isStream = uri.transport not in (None, "udp")
        # The latest copy of each address-of-record that is on its way.
        self._outstanding: dict[str, Copy] = {}
        self._isDown = False
        self._lost = 0
        self.copied = 0
        self.dropped = 0

    def __str__(self) -> str:
        return str(self._hop.uri)

    def isSource(self, flow: Any) -> bool:
        """Whether a request has come from this peer: from its replication socket, or if that is
        for connections, which have ports of their own, from its address."""
        host, port = flow.remote
        if flow.reliable != self._isStream or normalHost(host) != self._host:
            return False
        return self._isStream or port == self._port

    def copy(self, request: Request) -> None:
        """Send a copy of a request. If it cannot be sent or is not taken, that is noted."""
        aor = request.to.uri.aor()
        if aor in self._outstanding:
            # Its later attempts would only undo what this one does.
            self._outstanding.pop(aor).supersede()
        elif len(self._outstanding) >= _MAX_OUTSTANDING:
            self.refused("too many copies are on their way")
            self.lost()
            return
        copy = self._outstanding[aor] = Copy(self, aor, request)
        copy.send()

    def dispatch(self, copy: Copy) -> None:
        """Make an attempt."""
        self._worker.sender.request(copyOf(copy.request), self._hop, copy)

    def later(self, delay: float, copy: Copy) -> Any:
        """Make one in a while."""
        return self._worker.reactor.callLater(delay, copy.send)

    def over(self, copy: Copy) -> None:
        """Nothing more will be done for a copy."""
        if self._outstanding.get(copy.aor) is copy:
            del self._outstanding[copy.aor]

    def taken(self) -> None:
        """The peer has taken a copy."""
        self.copied += 1
        if self._isDown:
            _log.info("Peer {peer} takes registrations again; {lost} were not copied",
                      peer=self, lost=self._lost)  # fmt: skip
            self._isDown, self._lost = False, 0

    def refused(self, reason: str) -> None:
        """An attempt has failed."""
        if not self._isDown:
            self._isDown = True
            _log.error("Peer {peer} does not take registrations: {reason}",
                       peer=self, reason=reason)  # fmt: skip

    def lost(self) -> None:
        """A copy was given up."""
        self._lost += 1
        self.dropped += 1

    def stop(self) -> None:
        for copy in self._outstanding.values():
            copy.supersede()
        self._outstanding.clear()


@implementer(IClientUser)
class Copy:
    """One copy for one peer: the user of its transactions."""

    def __init__(self, peer: Peer, aor: str, request: Request) -> None:
        self.aor = aor
        self.request = request
        self._peer = peer
        self._delays = iter(_DELAYS)
        self._retry: Any = None
        self._isCurrent = True

    def send(self) -> None:
        self._retry = None
        self._peer.dispatch(self)

    def supersede(self) -> None:
        """Make no further attempt."""
        self._isCurrent = False
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def flowSelected(self, request: Request, flow: Any) -> None:
        pass

    def responseReceived(self, response: Response) -> None:
        status = response.status
        if 200 <= status < 300:
            self._peer.taken()
            self._peer.over(self)
        elif status >= 300:
            self._refused(f"{status} {response.reason}", status in (408, 500, 503))

    def failed(self, status: int, detail: str) -> None:
        self._refused(detail, True)

    def _refused(self, reason: str, mayPass: bool) -> None:
        """
        @param mayPass: whether another attempt may succeed.
        """
        if not self._isCurrent:
            # The peer may have the later one already, and refuse this one for that.
            return
        self._peer.refused(reason)
        delay = next(self._delays, None) if mayPass else None
        if delay is not None:
            self._retry = self._peer.later(delay, self)
        else:
            self._peer.lost()
            self._peer.over(self)
