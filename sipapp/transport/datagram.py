"""UDP: a socket that the parent bound, read and written directly.

Not C{reactor.adoptDatagramPort}: its port reads one datagram through two more calls, checks the
address of each one that it sends, and knows nothing of the error queue. See
C{docs/decisions/0003-udp-socket.md}.

What cannot be delivered comes back as an ICMP message. The kernel keeps those for us, with the
beginning of the datagram that they are about, in the socket's error queue (C{IP_RECVERR}), so a
request to a server that is down fails over at once and not after Timer B (RFC 3261 §18.4).
"""

from __future__ import annotations

import errno
import re
import socket
import struct
import sys
from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.interfaces import IReadDescriptor
from zope.interface import implementer

from sipapp.sip import MessageBounds
from sipapp.transaction import Identifiers, clientKey
from sipapp.transport.endpoints import Endpoint, Endpoints
from sipapp.transport.flows import Unsent
from sipapp.transport.steering import Steering
from sipapp.transport.turns import Turns
from sipapp.transport.wiretap import Wiretap

_DATAGRAMS_PER_TURN = 50
_LARGEST = 65535
#: So many tokens are remembered.
_REMEMBERED = 16_384
#: A socket that others fill faster than it is read is not read forever.
_TURNS_OF_REST = 200

_LINUX = sys.platform.startswith("linux")
# From <linux/in.h>, <linux/in6.h> and <linux/socket.h>.
_RECVERR = {4: (socket.IPPROTO_IP, 11), 6: (socket.IPPROTO_IPV6, 25)}
_MSG_ERRQUEUE = 0x2000

#: Errors of a peer, which may be reported by the next call on the socket, whatever its peer.
_UNREACHABLE = frozenset(
    (errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EPROTO, errno.ENOPROTOOPT)
)
#: The kernel has no room for it now: as if the network had lost it.
_CONGESTED = frozenset((errno.EAGAIN, errno.ENOBUFS, errno.ENOMEM))

_BRANCH = re.compile(rb"([A-Z]+) [^\r\n]*\r\nVia:[^\r\n]*;branch=([^;,\s]+)")


class DatagramUser(Protocol):
    """Takes what a port receives."""

    def datagramReceived(self, data: bytes, port: DatagramPort, address: tuple[str, int]) -> None:
        """A datagram has come that is more than a keep-alive."""


@implementer(IReadDescriptor)
class DatagramPort:
    """A UDP endpoint's socket, as this worker sees it.

    @ivar keepAlives: datagrams of nothing but line ends or zeros, which keep a NAT binding open.
    @ivar congested: datagrams not sent because the kernel had no room.
    @ivar failed: datagrams not sent because of their address or size.
    @ivar bounds: how large a message may be.
    @ivar steering: tells what does not belong here; C{None} if everything does.
    @ivar codes: the worker of each slot of the endpoint; none if this worker does not serve it
        and only sends from it.
    @ivar spares: ports of sockets of the endpoint that have no slot any more, for what was put
        into them when they had one.
    @ivar tap: sees every message; C{None} if nobody wants to.
    @ivar isReading: whether this worker reads it now.
    """

    def __init__(
        self,
        reactor: Any,
        sock: socket.socket,
        endpoint: Endpoint,
        endpoints: Endpoints,
        identifiers: Identifiers,
        turns: Turns,
        user: DatagramUser,
        unsent: Unsent,
    ) -> None:
        sock.setblocking(False)
        if _LINUX:
            sock.setsockopt(*_RECVERR[endpoint.family], 1)
        self.socket = sock
        self.endpoint = endpoint
        self.identifiers = identifiers
        self.bounds = MessageBounds()
        self.steering: Steering | None = None
        self.codes: Sequence[str] = ()
        self.spares: Sequence[DatagramPort] = ()
        self.tap: Wiretap | None = None
        self.keepAlives = 0
        self.congested = 0
        self.failed = 0
        self._reactor = reactor
        self._endpoints = endpoints
        self._turns = turns
        self._user = user
        self._unsent = unsent
        self.isReading = False
        self._tokens: dict[tuple[str, int], str] = {}

    def fileno(self) -> int:
        return self.socket.fileno()

    def logPrefix(self) -> str:
        return "udp"

    def start(self) -> None:
        """Begin to read."""
        self.isReading = True
        self._reactor.addReader(self)
        for spare in self.spares:
            spare.start()

    def stop(self) -> None:
        """Read no more; what arrives waits in the kernel for somebody else."""
        self.isReading = False
        self._reactor.removeReader(self)
        for spare in self.spares:
            spare.stop()

    def sentBy(self, remote: str) -> tuple[str, int]:
        """What to call this port in messages to a peer."""
        called = self.endpoint.called
        return self._endpoints.sentBy(self.endpoint, remote) if called is None else called

    def tokenFor(self, address: tuple[str, int]) -> str:
        """The token of the flow to a peer. Those who register do so again and again: it is
        remembered."""
        known = self._tokens.get(address)
        if known is None:
            if len(self._tokens) >= _REMEMBERED:
                self._tokens.clear()
            known = self._tokens[address] = self.identifiers.flowToken(
                f"u|{self.endpoint.key}|{address[0]}|{address[1]}"
            )
        return known

    def doRead(self) -> None:
        """Read what is there, up to a bound: the other descriptors want their turn."""
        self._readTurn()

    def _readTurn(self) -> bool:
        """
        @return: whether there may be more.
        """
        self._turns.begin()
        try:
            return self._readSome()
        finally:
            self._turns.end()

    def _readSome(self) -> bool:
        receive = self.socket.recvfrom
        received = self._user.datagramReceived
        tap = self.tap
        for _ in range(_DATAGRAMS_PER_TURN):
            try:
                data, address = receive(_LARGEST)
            except OSError as error:
                if error.errno in _CONGESTED:
                    return False
                self._readErrors()
                continue
            if len(data) < 5 and not data.strip(b"\r\n\0"):
                self.keepAlives += 1
            else:
                if tap is not None:
                    self.show(data, address, False)
                received(data, self, address)
            if not self.isReading:
                return False
        return True

    def readRest(self) -> None:
        """Read what has arrived by now, after L{stop}."""
        self.isReading = True
        for _ in range(_TURNS_OF_REST):
            if not self._readTurn():
                break
        self.isReading = False
        for spare in self.spares:
            spare.readRest()

    def connectionLost(self, reason: object) -> None:
        """The reactor saw an error and no data, and reads no more: errors are for us to read."""
        if self.isReading:
            self._readErrors()
            self._reactor.addReader(self)

    def send(self, data: bytes, address: tuple[str, int], reference: str = "") -> None:
        """Send a datagram.

        @param reference: as for C{Flow.send}.
        """
        if self.tap is not None:
            self.show(data, address, True)
        try:
            self.socket.sendto(data, address)
        except (OSError, ValueError, OverflowError) as error:
            self.notSent(error, data, address, reference)

    def show(self, data: bytes, address: tuple[str, int], isSent: bool) -> None:
        """Show a message to the tap, if there is one.

        @param address: the peer's.
        """
        tap, endpoint = self.tap, self.endpoint
        if tap is not None:
            host = endpoint.host
            if endpoint.isWildcard:
                host = self._endpoints.source(address[0]) or host
            tap.seen(data, isSent, "UDP", (host, endpoint.port), address[:2])

    def notSent(
        self, error: Exception, data: bytes, address: tuple[str, int], reference: str
    ) -> None:
        """The socket has refused a datagram.

        @param error: an C{OSError}; anything else says that the address is none of this family,
            or that there is no such port.
        """
        if isinstance(error, OSError) and error.errno in _UNREACHABLE:
            # That may be about an earlier datagram to somebody else.
            try:
                self.socket.sendto(data, address)
            except OSError as again:
                error = again
            else:
                return
        if isinstance(error, OSError) and error.errno in _CONGESTED:
            self.congested += 1
            return
        self.failed += 1
        if reference:
            self._reactor.callLater(0, self._unsent.transportFailed, reference)

    def _readErrors(self) -> None:
        """Read the ICMP messages about what was sent from this socket."""
        if not _LINUX:
            return
        kind = _RECVERR[self.endpoint.family]
        while True:
            try:
                data, ancillary, _, _ = self.socket.recvmsg(_LARGEST, 512, _MSG_ERRQUEUE)
            except OSError:
                return
            # There may be a time beside it (sipapp.transport.queuewait).
            reasons = (one[2] for one in ancillary if one[:2] == kind)
            reason = next((struct.unpack_from("=I", each)[0] for each in reasons), 0)
            found = _BRANCH.match(data) if reason in _UNREACHABLE else None
            if found is not None:
                method, branch = found[1].decode("ascii"), found[2].decode("latin-1")
                self._unsent.transportFailed(clientKey(branch, method))
