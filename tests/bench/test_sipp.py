"""What sipp says of a run is read as it is meant."""

from __future__ import annotations

import pytest

from bench.compare.sipp import Report, answerTimes


def _line(at: float, direction: str, callID: str, cseq: str, start: str) -> str:
    return f"2026-11-21\t22:48:17.5\t{at:.6f}\t{direction}\t{callID}\tCSeq:{cseq}\t{start}\n"


def test_answerTimes() -> None:
    """From the first request of a call to its final response, in order of size."""
    trace = [
        _line(1.0, "S", "a", "1 INVITE", "INVITE sip:u@example.test SIP/2.0"),
        _line(1.001, "R", "a", "1 INVITE", "SIP/2.0 100 Trying"),
        _line(1.002, "S", "b", "1 INVITE", "INVITE sip:u@example.test SIP/2.0"),
        _line(1.003, "R", "b", "1 INVITE", "SIP/2.0 200 OK"),
        _line(1.004, "R", "a", "1 INVITE", "SIP/2.0 200 OK"),
    ]
    assert answerTimes(trace) == pytest.approx([1.0, 4.0], abs=1e-3)


def test_laterRequestsOfACall() -> None:
    """ACK and BYE are not what the figure is about."""
    trace = [
        _line(1.0, "S", "a", "1 INVITE", "INVITE sip:u@example.test SIP/2.0"),
        _line(1.002, "R", "a", "1 INVITE", "SIP/2.0 200 OK"),
        _line(1.002, "S", "a", "1 ACK", "ACK sip:u@example.test SIP/2.0"),
        _line(1.2, "S", "a", "2 BYE", "BYE sip:u@example.test SIP/2.0"),
        _line(1.3, "R", "a", "2 BYE", "SIP/2.0 200 OK"),
    ]
    assert answerTimes(trace) == pytest.approx([2.0], abs=1e-3)


def test_challenge() -> None:
    """It is not what the client wants."""
    trace = [
        _line(1.0, "S", "a", "1 REGISTER", "REGISTER sip:example.test SIP/2.0"),
        _line(1.001, "R", "a", "1 REGISTER", "SIP/2.0 401 Unauthorized"),
        _line(1.002, "S", "a", "2 REGISTER", "REGISTER sip:example.test SIP/2.0"),
        _line(1.004, "R", "a", "2 REGISTER", "SIP/2.0 200 OK"),
    ]
    assert answerTimes(trace) == pytest.approx([4.0], abs=1e-3)


def test_retransmission() -> None:
    """Who waited is not told that it began later, and a second answer is none."""
    trace = [
        _line(1.0, "S", "a", "1 OPTIONS", "OPTIONS sip:example.test SIP/2.0"),
        _line(1.5, "S", "a", "1 OPTIONS", "OPTIONS sip:example.test SIP/2.0"),
        _line(1.6, "R", "a", "1 OPTIONS", "SIP/2.0 200 OK"),
        _line(1.6, "R", "a", "1 OPTIONS", "SIP/2.0 200 OK"),
    ]
    assert answerTimes(trace) == pytest.approx([600.0], abs=1e-3)


def test_brokenLine() -> None:
    """sipp was ended in the middle of one."""
    assert answerTimes(["2026-11-21\t22:48"]) == []


def test_reportsOfSeveralClients() -> None:
    several = [
        Report(created=10, failed=1, retransmissions=2, seconds=4.0, answers=[1.0, 3.0]),
        Report(created=20, failed=0, retransmissions=0, seconds=4.5, answers=[2.0]),
    ]
    together = Report.ofAll(several)
    assert together == Report(30, 1, 2, 4.5, [1.0, 2.0, 3.0])


def test_failureAtBothEnds() -> None:
    """A call that fails for the caller and for who is called is one."""
    caller = Report(created=10, failed=1, retransmissions=2, seconds=4.0)
    callee = Report(created=9, failed=2, retransmissions=3, seconds=5.0)
    assert caller.answeredBy(callee) == Report(10, 2, 5, 4.0)
