"""An HTTP connection: in whichever pieces its bytes come, the same requests get to the resource and
the same is answered, in their order; and nothing is read after what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from hypothesis import strategies as st
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import globalLogPublisher
from twisted.web.resource import Resource

from sipapp.sip import MessageBounds
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.web import LimitedSite
from tests.fuzz.messages import scraps
from tests.fuzz.mutation import NUMBERS, SCRAPS
from tests.fuzz.target import Target
from tests.support.httptext import Answer, chunked, request, takeAnswer

_BOUNDS = MessageBounds(headSize=1000, bodySize=500, headers=20, headerSize=300)
_PEER = IPv4Address("TCP", "192.0.2.1", 50_000)
#: How much is received at a time when it comes slowly.
_PIECES = (1, 2, 5, 16, 100)

_ENDS = frozenset((400, 413, 414, 417, 431, 501))
"""What is answered to something that is not read to its end."""


class _Page(Resource):
    """Keeps what gets there."""

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[bytes, bytes, bytes]] = []

    def render_GET(self, request: Any) -> bytes:
        self.seen.append((request.method, request.uri, request.content.read()))
        return b"page"

    render_PUT = render_GET


class _Transport(StringTransport):
    """Is closed when it is told to be."""

    isClosed = False

    def loseWriteConnection(self) -> None:
        self.isClosed = True

    def loseConnection(self) -> None:
        super().loseConnection()
        self.isClosed = True


class _Connection:
    """One connection to an endpoint of its own."""

    def __init__(self) -> None:
        clock = Clock()
        self.page = _Page()
        log = LimitLog(clock.seconds)
        site = LimitedSite(clock, self.page, StreamLimits(message=_BOUNDS), log, "http")
        self._channel: Any = site.buildProtocol(_PEER)
        self.transport = _Transport()
        self._channel.makeConnection(self.transport)

    def receive(self, data: bytes) -> None:
        if not self.transport.disconnecting:
            self._channel.dataReceived(data)

    def answers(self) -> Iterator[Answer]:
        """What has been answered; to HEAD too, which has no body."""
        rest = self.transport.value()
        methods = iter([method for method, _, _ in self.page.seen])
        while rest:
            isPage = rest.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200"))
            isEmpty = b"\r\nContent-Length: 0\r\n" in rest.partition(b"\r\n\r\n")[0] + b"\r\n"
            method = next(methods) if isPage and not isEmpty else b"GET"
            taken = takeAnswer(rest, method.decode("ascii"), ended=True)
            assert taken is not None, rest
            answer, rest = taken
            yield answer


def check(data: bytes) -> None:
    failures: list[Any] = []

    def observe(event: Any) -> None:
        if "log_failure" in event:
            failures.append(event["log_failure"])

    globalLogPublisher.addObserver(observe)
    try:
        whole = _Connection()
        whole.receive(data)
        slow = _Connection()
        piece = _PIECES[len(data) % len(_PIECES)]
        for start in range(0, len(data), piece):
            slow.receive(data[start : start + piece])
    finally:
        globalLogPublisher.removeObserver(observe)
    assert not failures, failures
    assert whole.page.seen == slow.page.seen
    answers = list(whole.answers())
    assert _seen(answers) == _seen(slow.answers())
    checkAnswers(answers, whole)


def _seen(answers: Any) -> list[tuple[int, bytes]]:
    return [(answer.status, answer.body) for answer in answers]


def checkAnswers(answers: list[Answer], connection: _Connection) -> None:
    for number, answer in enumerate(answers):
        isLast = number == len(answers) - 1
        assert answer.isLast <= isLast
        if answer.status in _ENDS and answer.isLast:
            assert connection.transport.isClosed
        assert answer.status != 500
    for method, uri, body in connection.page.seen:
        assert method in (b"GET", b"HEAD", b"PUT")
        assert uri[:1] == b"/"
        assert uri.isascii()
        assert len(body) <= _BOUNDS.bodySize


_GET = request("GET", "/a?b", "a")
_PUT = request("PUT", "/a", "a", [("Content-Type", "x/y")], b"hello")
_CHUNKS = request("PUT", "/a", "a", [("Transfer-Encoding", "chunked")], chunked(b"hel", b"lo"))
_SEEDS = (
    _GET,
    _PUT + _CHUNKS + _GET,
    request("HEAD", "/", "a") + _GET,
    request("OPTIONS", "*", "a") + request("DELETE", "/", "a") + request("X", "/", "a"),
    request("GET", "http://a/b", "a", [("Connection", "close")]) + _GET,
    b"GET / HTTP/1.0\r\n\r\n" + _GET,
    request("PUT", "/", "a", [("Expect", "100-continue")], b"hello"),
    request("PUT", "/", "a", (), b"x" * 501) + _GET,
    _CHUNKS.replace(b"3\r\nhel", b"3;a=b\r\nhel").replace(b"0\r\n\r\n", b"0\r\nX: y\r\n\r\n"),
    b"\r\n" + _GET,
)

_LINES = (
    *(b"Content-Length: 5", b"Content-Length: 0", b"Content-Length: -1", b"Content-Length: 5, 5"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", b"Host: b", b" folded"),
    *(b"Connection: close", b"Connection: keep-alive", b"Expect: 100-continue", b"Expect: x"),
    *(b"Content-Length : 5", b"nothing", b": x", b"X: " + b"y" * 400, b"5", b"0", b"3;x", b""),
)


def mutate(data: bytes, random: Random) -> bytes:
    """Change a line, or what is written in one."""
    lines = data.split(b"\r\n")
    place = random.randrange(len(lines))
    piece = lines[place]
    at = random.randint(0, len(piece))
    change = random.randrange(6)
    if change == 0:
        lines[place] = piece[:at] + random.choice(SCRAPS) + piece[at + random.randint(0, 2) :]
    elif change == 1:
        lines[place] = piece.partition(b":")[0] + b": " + random.choice(NUMBERS)
    elif change == 2:
        lines[place : place + 1] = [piece] * random.choice((0, 2, 30))
    elif change == 3:
        lines.insert(place, random.choice(_LINES))
    elif change == 4:
        lines[place] = piece[:at]
    else:
        return data[: random.randrange(len(data) + 1)] + random.choice(_SEEDS)
    return b"\r\n".join(lines)


_requests = st.builds(
    lambda first, lines, body: b"\r\n".join([first, *lines, b"", body]),
    st.sampled_from(
        [b"GET / HTTP/1.1", b"PUT /a HTTP/1.1", b"PUT /a HTTP/1.0", b"HEAD * HTTP/1.1"]
    ),
    st.lists(st.sampled_from((b"Host: a", *_LINES)), max_size=6),
    st.sampled_from([b"", b"hello", b"0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"x" * 600]),
)

TARGET = Target(
    what="requests are the same in any pieces, and nothing is read after what is wrong",
    check=check,
    seeds=_SEEDS,
    inputs=st.one_of(
        st.lists(st.one_of(_requests, st.sampled_from(_SEEDS)), max_size=4).map(b"".join),
        scraps.map(lambda text: text.encode("utf-8", "surrogateescape")),
    ),
    mutate=mutate,
    longest=4096,
)
