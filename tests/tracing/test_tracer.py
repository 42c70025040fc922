"""What a worker does for those who trace."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred, fail, succeed

from sipapp.tracing import Report, Tracer

LOCAL, REMOTE = ("192.0.2.254", 5060), ("192.0.2.1", 5060)
CORPUS = Path(__file__).parent.parent / "corpus"


def options(callID: str = "one", size: int = 0) -> bytes:
    return (
        b"OPTIONS sip:example.com SIP/2.0\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (callID.encode(), size, b"x" * size)
    )


class Worker:
    """What surrounds a tracer: turns, a clock, a tap and a parent."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.tapped: Any = None
        self.endings: list[Callable[[], object]] = []
        self.told: list[Report] = []
        self.heard: Callable[[], Deferred[None]] = lambda: succeed(None)
        self.tracer = Tracer("udp-0/1", self._tap, self._tell, self.endings.append, self._clock)

    def _clock(self) -> float:
        return self.now

    def _tap(self, tap: Any) -> None:
        self.tapped = tap

    def _tell(self, subject: str, body: bytes) -> Deferred[None]:
        assert subject == "trace"
        self.told += msgspec.json.decode(body, type=list[Report])
        return self.heard()

    def see(self, *messages: bytes, isSent: bool = False) -> None:
        """One turn."""
        for each in messages:
            self.tapped.seen(each, isSent, "UDP", LOCAL, REMOTE)
        endings, self.endings[:] = self.endings[:], []
        for ending in endings:
            ending()


@pytest.fixture
def worker() -> Worker:
    return Worker()


def test_life(worker: Worker) -> None:
    tracer = worker.tracer
    tracer.start(7, "", 60)
    assert worker.tapped is tracer
    tracer.start(7, "somebody else", 1)
    tracer.start(8, "one", 60)
    worker.see(options("one"), options("two"))
    assert [(each.trace, len(each.sightings)) for each in worker.told] == [(7, 2), (8, 1)]
    assert tracer.stop(7) == Report(7)
    assert worker.tapped is tracer
    assert tracer.stop(8) == tracer.stop(8) == Report(8)
    assert worker.tapped is None


def test_whatIsSeen(worker: Worker) -> None:
    worker.tracer.start(7, "", 60)
    secret = b"Authorization: Digest response=secret"
    ringing = b"SIP/2.0 180 L\xe4utet\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n" + secret + b"\r\n\r\n"
    worker.see(ringing, isSent=True)
    [[sighting]] = [each.sightings for each in worker.told]
    assert msgspec.structs.asdict(sighting) == {
        "time": 1000.0,
        "worker": "udp-0/1",
        "direction": "sent",
        "transport": "UDP",
        "local": LOCAL,
        "remote": REMOTE,
        "callID": "one",
        "method": "INVITE",
        "status": 180,
        "reason": r"L\xe4utet",
        "message": ringing.replace(b"secret", b"xxxxxx"),
    }


def test_itEndsByItself(worker: Worker) -> None:
    """Another parent may have come, which knows nothing of it."""
    worker.tracer.start(7, "", 60)
    worker.now += 60
    worker.see(options())
    assert worker.tapped is None
    assert worker.told == []


def test_tooManyAtOnce(worker: Worker) -> None:
    worker.tracer.start(7, "", 60)
    worker.see(*[options()] * 250)
    worker.see(options())
    worker.now += 1
    worker.see(options())
    assert [(len(each.sightings), each.leftOut) for each in worker.told] == [(200, 50), (1, 51)]


def test_tooLong(worker: Worker) -> None:
    worker.tracer.start(7, "", 60)
    worker.see(*[options(size=60_000)] * 20)
    assert [(len(each.sightings), each.leftOut) for each in worker.told] == [(17, 3)]


def test_aParentThatIsBusy(worker: Worker) -> None:
    """Nothing is told before what was told has been heard; there is a bound to what waits."""
    heard: list[Deferred[None]] = []

    def hear() -> Deferred[None]:
        heard.append(Deferred())
        return heard[-1]

    worker.heard = hear
    worker.tracer.start(7, "", 600)
    worker.see(options("first"))
    for _ in range(5):
        worker.now += 1
        worker.see(*[options("more")] * 150)
    assert len(worker.told) == 1
    heard[0].callback(None)
    assert [(len(each.sightings), each.leftOut) for each in worker.told[1:]] == [(400, 350)]
    worker.see(options("last"))
    assert worker.tracer.stop(7).sightings[0].callID == "last"


def test_aParentThatHasGone(worker: Worker) -> None:
    worker.heard = lambda: fail(ConnectionError("has gone"))
    worker.tracer.start(7, "", 60)
    worker.see(options())
    worker.see(options())
    assert len(worker.told) == 2


@pytest.mark.parametrize("name", ["rfc4475", "rfc5118"])
def test_whateverComes(worker: Worker, name: str) -> None:
    """Nothing is raised, and everything can be told."""
    torture = [each.read_bytes() for each in (CORPUS / name).iterdir()]
    torture += [
        b"",
        b"\0",
        b"\xff" * 100,
        b"SIP/2.0 200 \xff\r\nCall-ID: \xff\r\nCSeq: \xff\r\n\r\n",
    ]
    worker.tracer.start(7, "192.0.2.1", 60)
    worker.tracer.start(8, "somebody@example.com", 60)
    worker.see(*torture)
    assert len(worker.told[0].sightings) == len(torture)
