"""Tests of L{sipapp.resources.sip.proxy.calls}: what is noted of the calls that a proxy
forwards."""

from __future__ import annotations

from typing import Any

import pytest

from sipapp.resources.calls import CallRecord
from tests.resources.proxy.stage import RecordingFlow, Stage, text

BOB = "sip:bob@example.com"


class Ringing(Stage):
    """A server that keeps call records, and Bob's phone.

    @ivar noted: the records.
    """

    def __init__(self) -> None:
        super().__init__(records=self)
        self.noted: list[CallRecord] = []
        self.bind(BOB, "sip:bob@203.0.113.1")

    def note(self, record: CallRecord) -> None:
        self.noted.append(record)

    def call(self, *headers: str, **more: Any) -> None:
        self.receive(text("INVITE", BOB, *headers, **more))

    def bye(self, *headers: str) -> None:
        to = f"<{BOB}>;tag=callee"
        self.receive(
            text("BYE", "sip:bob@203.0.113.1", *headers, branch="z9hG4bKbye", cseq=2, to=to)
        )


@pytest.fixture
def stage() -> Ringing:
    return Ringing()


def test_answered(stage: Ringing) -> None:
    stage.call()
    stage.advance(3)
    stage.sent[0].answer(180)
    stage.advance(4)
    assert stage.noted == []
    stage.sent[0].answer(200)
    stage.sent[0].answer(200)
    (record,) = stage.noted
    assert record == CallRecord(
        callID="call1@caller",
        tags=("callee", "caller"),
        caller="sip:carol@elsewhere.example",
        callee=BOB,
        source="udp 198.51.100.10:5060",
        worker="udp-0/0",
        started=0.0,
        answered=7.0,
        status=200,
    )


def test_hungUp(stage: Ringing) -> None:
    stage.call()
    stage.sent[0].answer(200)
    stage.advance(60)
    (route,) = stage.sent[0].request.getAll("record-route")
    stage.bye(f"Route: {route}")
    assert stage.noted[1:] == [
        CallRecord(callID="call1@caller", tags=("callee", "caller"), ended=60.0)
    ]


def test_aBYEOfAnybody(stage: Ringing) -> None:
    """Who does not show that the call has been set up here ends none."""
    stage.call()
    stage.sent[0].answer(200)
    stage.bye()
    assert len(stage.noted) == 1


def test_refused(stage: Ringing) -> None:
    stage.call()
    stage.advance(2)
    stage.sent[0].answer(486)
    (record,) = stage.noted
    assert (record.status, record.started, record.answered, record.ended) == (486, 0.0, None, 2.0)


def test_refusedAtOnce(stage: Ringing) -> None:
    """By the proxy itself, which keeps no transaction for that over UDP."""
    stage.receive(text("INVITE", "sip:nobody@example.com", to="<sip:nobody@example.com>"))
    assert stage.caller.statuses() == [480]
    (record,) = stage.noted
    assert (record.callee, record.status, record.ended) == ("sip:nobody@example.com", 480, 0.0)


def test_cancelled(stage: Ringing) -> None:
    stage.call()
    stage.sent[0].answer(180)
    stage.receive(text("CANCEL", BOB))
    stage.sent[0].answer(487)
    (record,) = stage.noted
    assert record.status == 487


def test_challenged(stage: Ringing) -> None:
    stage.call()
    stage.sent[0].answer(407, headers=(("Proxy-Authenticate", 'Digest realm="r", nonce="n"'),))
    assert stage.noted == []


def test_theDialogGoesOn(stage: Ringing) -> None:
    """An INVITE with a To tag is none of a new call."""
    stage.call(to=f"<{BOB}>;tag=callee")
    stage.sent[0].answer(200)
    assert stage.noted == []


def test_otherMethods(stage: Ringing) -> None:
    stage.receive(text("MESSAGE", BOB))
    stage.sent[0].answer(200)
    assert stage.noted == []


def test_whatStrangersWrite(stage: Ringing) -> None:
    """Nobody could write down what is no UTF-8, and there is no end to what can be written."""
    name = b"\xff" + b"x" * 2000
    data = text("INVITE", BOB, callID="call1@caller").encode()
    stage.receive(data.replace(b"call1@caller", b"call1" + name))
    stage.sent[0].answer(200)
    (record,) = stage.noted
    assert record.callID == "call1\ufffd" + "x" * 494


def test_IPv6(stage: Ringing) -> None:
    stage.receive(text("INVITE", BOB), RecordingFlow("TCP", ("2001:db8::7", 40_000)))
    stage.sent[0].answer(200)
    assert stage.noted[0].source == "tcp [2001:db8::7]:40000"


def test_others(stage: Ringing) -> None:
    """Somebody else who waits for the answer gets it as well."""
    told: list[int] = []

    class Before:
        methods: frozenset[str] = frozenset()

        def offer(self, transaction: Any) -> None:
            transaction.answered = lambda response: told.append(response.status)

    stage.chain.insert(0, Before())
    stage.call()
    stage.sent[0].answer(200)
    assert told == [200]
    assert len(stage.noted) == 1
