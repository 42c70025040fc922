"""One HTTP/1.1 connection: Twisted's, with bounds, and stricter about what begins where (RFC 9112).

Whoever stands between a client and this server has to read a request as this server does: otherwise
what one takes for the body of a request is the next request to the other. So what could be read in
two ways is answered with 400, and nothing is read after it:

 - two lengths, or a length and chunks (§6.3), also where Twisted would overlook one of them;
 - any coding but C{chunked} (§6.1), and that one in HTTP/1.0;
 - a header line that goes on in the next (§5.2), and what follows the request line indented (§2.2);
 - no Host, several, or one that is none (§3.2).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from twisted.web.http import HTTPChannel, datetimeToString
from twisted.web.http_headers import Headers
from zope.interface import implementer

from sipapp.sip import MessageBounds

if TYPE_CHECKING:
    from sipapp.transport.web import LimitedSite

__all__ = ["HOST", "BodyTooLarge", "LimitedChannel", "NoRoom"]

_BAD_REQUEST = b"400 Bad Request"
_REQUEST_TIMEOUT = b"408 Request Timeout"
_BODY_TOO_LARGE = b"413 Content Too Large"  # RFC 9110 §15.5.14
_URI_TOO_LONG = b"414 URI Too Long"  # RFC 9110 §15.5.15
_EXPECTATION_FAILED = b"417 Expectation Failed"  # RFC 9110 §15.5.18
_HEAD_TOO_LARGE = b"431 Request Header Fields Too Large"  # RFC 6585 §5
_NOT_IMPLEMENTED = b"501 Not Implemented"
_TOO_MANY_REQUESTS = b"503 Service Unavailable"
_NO_ROOM = b"507 Insufficient Storage"  # RFC 4918 §11.5

_DIGITS = 18
"""Of a length that is worth being looked at."""

HOST = rb"[A-Za-z0-9\-._~%!$&'()*+,;=:\[\]]"
"""Pattern of what Host is made of: a name or an address, and a port (RFC 9110 §7.2)."""

_host = re.compile(HOST + rb"*\Z").match
_NEVER = 1 << 62


class BodyTooLarge(Exception):
    """More has come of a body than there may be."""


class NoRoom(Exception):
    """There is no room for a body that has come."""


@implementer(IHandshakeListener)
class LimitedChannel(HTTPChannel):
    """One connection.

    @ivar site: its endpoint. @ivar host: the client's address. @ivar port: the client's port.
    @ivar number: no other connection of this process has it.
    @ivar isBegun: whether anything has come. @ivar refused: whether something was too much or
        wrong, so that what follows is not read any more.
    """

    site: LimitedSite
    host = ""
    port = 0
    number = 0
    isBegun = False
    refused = False
    # What is too much is decided here, by the endpoint's bounds.
    totalHeadersSize = _NEVER
    maxHeaders = _NEVER
    _lines = 0
    _head = 0

    @property
    def bounds(self) -> MessageBounds:
        """How large a request may be."""
        return self.site.limits.message

    def connectionMade(self) -> None:
        super().connectionMade()
        self.site.channelMade(self)

    def handshakeCompleted(self) -> None:
        """That of TLS, which only its transport tells of."""
        self.site.counters.handshakes += 1

    # Receiving.

    def dataReceived(self, data: bytes) -> None:
        if self.refused:
            return
        self.isBegun = True
        super().dataReceived(data)
        # A part of a line that is not known to lineReceived yet.
        if self._buffer and self.persistent and not (self.requests or self.refused or self.paused):
            self.site.awaitRequest(self)

    def pauseProducing(self) -> None:
        """The client does not take what it has asked for: the requests that it has sent behind that
        one wait, and not their answers, which are so much larger."""
        self.paused = True
        super().pauseProducing()
        producer: Any = self._networkProducer
        producer.pauseProducing()

    def resumeProducing(self) -> None:
        self.paused = False
        super().resumeProducing()
        self.dataReceived(b"")

    def lineReceived(self, line: bytes) -> None:
        self.site.awaitRequest(self)
        self._lines += 1
        self._head += len(line) + 2
        bounds = self.bounds
        # The request line and the empty line are none of the fields.
        if self._head > bounds.headSize or self._lines > bounds.headers + 2:
            self.refuse(_HEAD_TOO_LARGE)
        elif line[:1] in (b" ", b"\t"):
            self._end(_BAD_REQUEST)
        else:
            super().lineReceived(line)

    def headerReceived(self, line: bytes) -> bool:
        name, _, value = line.partition(b":")
        name, value = name.lower(), value.strip(b" \t")
        if name == b"transfer-encoding" and value.lower() != b"chunked":
            self._end(_NOT_IMPLEMENTED)
        elif name == b"content-length" and value.isdigit() and len(value) > _DIGITS:
            self.refuse(_BODY_TOO_LARGE)
        else:
            good: bool = super().headerReceived(line)
            return good
        return False

    def allHeadersReceived(self) -> None:
        if self.length is not None and self.length > self.bounds.bodySize:
            self.refuse(_BODY_TOO_LARGE)
        elif not self._isWellFormed():
            self._end(_BAD_REQUEST)
        elif not self._isExpectationKnown():
            self._end(_EXPECTATION_FAILED)
        else:
            # This says 100 to who waits for it.
            super().allHeadersReceived()

    def _isWellFormed(self) -> bool:
        headers: Headers = self.requests[-1].requestHeaders
        hosts = headers.getRawHeaders(b"Host", ())
        if self._version == b"HTTP/1.0":
            return len(hosts) < 2 and not headers.hasHeader(b"Transfer-Encoding")
        return len(hosts) == 1 and _host(hosts[0]) is not None

    def _isExpectationKnown(self) -> bool:
        """RFC 9110 §10.1.1. A client of HTTP/1.0 cannot expect anything."""
        expected = _tokens(self.requests[-1].requestHeaders, b"Expect")
        return self._version == b"HTTP/1.0" or expected <= {b"100-continue"}

    def checkPersistence(self, request: Any, version: bytes) -> bool:
        if version == b"HTTP/1.1" and b"close" not in _tokens(
            request.requestHeaders, b"Connection"
        ):
            return True
        request.responseHeaders.setRawHeaders(b"Connection", [b"close"])
        return False

    def lineLengthExceeded(self, line: bytes) -> None:
        self.refuse(_HEAD_TOO_LARGE if self._lines else _URI_TOO_LONG)

    def rawDataReceived(self, data: bytes) -> None:
        if self.refused:
            return
        try:
            super().rawDataReceived(data)
        except BodyTooLarge:
            self.refuse(_BODY_TOO_LARGE)
        except NoRoom:
            self._end(_NO_ROOM)

    def allContentReceived(self) -> None:
        if self.refused:
            return
        self._lines = self._head = 0
        self.site.requestComplete(self)
        pause = self.site.pauseFor(self)
        if pause:
            self._end(_TOO_MANY_REQUESTS, b"Retry-After: %d\r\n" % pause)
        else:
            super().allContentReceived()

    # Answering.

    def writeHeaders(self, version: bytes, code: bytes, reason: bytes, headers: Any) -> None:
        self.site.sign(headers)
        if (self.site.isDraining or self.site.isPaused) and self.persistent:
            self.persistent = False
            headers.setRawHeaders(b"Connection", [b"close"])
        super().writeHeaders(version, code, reason, headers)

    def requestDone(self, request: Any) -> None:
        if self.site.isDraining:
            # An answer that began before that has not said so.
            self.persistent = False
        super().requestDone(request)

    def refuse(self, status: bytes) -> None:
        """Answer a request that is too large, and close."""
        self.site.hit("messageSize", self.host, f"{status.decode('ascii')}, closed")
        self._end(status)

    def giveUp(self) -> None:
        """What has begun does not come to its end. Who has said something is told so (RFC 9110
        §15.5.9)."""
        if self.isBegun:
            self._end(_REQUEST_TIMEOUT)
        else:
            self.abort()

    def _respondToBadRequestAndDisconnect(self) -> None:
        self._end(_BAD_REQUEST)

    def _end(self, status: bytes, headers: bytes = b"") -> None:
        """Answer what may be only the beginning of a request, and close."""
        self.refused = True
        self.site.counters.refused(int(status[:3]))
        transport: Any = self.transport
        transport.write(
            b"HTTP/1.1 %b\r\nDate: %b\r\nConnection: close\r\nContent-Length: 0\r\n%b\r\n"
            % (status, datetimeToString(), headers)
        )
        # What has come behind it is not for lines any more.
        self.setRawMode()
        self.leave()

    # Ending.

    def leave(self) -> None:
        """Close for sending and see that the client closes as well, but not for long. What it may
        still be sending is read and forgotten: otherwise the kernel would answer it with a reset,
        which takes what was answered with it (RFC 9112 §9.6)."""
        self.refused = True
        self.setTimeout(None)
        producer: Any = self._networkProducer
        producer.unregisterProducer()
        producer.resumeProducing()
        transport: Any = self.transport
        if self.isSecure():
            # This says that it ends, and waits for the client to say so too.
            transport.loseConnection()
        else:
            transport.loseWriteConnection()
        self.site.channelLeaves(self)

    def loseConnection(self) -> None:
        # After the last answer nobody would look whether the client takes it.
        self.setTimeout(self.timeOut)
        super().loseConnection()

    def abort(self) -> None:
        """Close at once."""
        transport: Any = self.transport
        transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.site.channelLost(self)
        super().connectionLost(reason)


def _tokens(headers: Headers, name: bytes) -> set[bytes]:
    """The elements of a list, which may be spread over several lines (RFC 9110 §5.6.1)."""
    values = b",".join(headers.getRawHeaders(name, ()))
    return {token for each in values.split(b",") if (token := each.strip(b" \t").lower())}
