"""C{sipappctl trace}. With a real server it is in C{peers/test_tshark.py}."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred

from sipapp.rpc import Conflict, Stream, method
from sipapp.tracing import Traced
from tests.admin.commands.conftest import Operate, operate
from tests.admin.trace.sightings import sighting

__all__ = ["operate"]


class Worker:
    """One whose trace is what a test says."""

    def __init__(self, *told: Traced) -> None:
        self.told = told
        self.asked: list[tuple[str, float]] = []

    @method(role="operator", changes=True)
    def trace(
        self, subject: str, seconds: float, live: bool, stream: Stream | None = None
    ) -> Traced:
        """What there is to tell."""
        if subject == "too many":
            raise Conflict("there are 8 traces already")
        assert live
        assert stream is not None
        self.asked.append((subject, seconds))
        for each in self.told:
            stream.send(each)
        return Traced()


LATE = sighting("OPTIONS", 200, "OK", isSent=True, after=1)
EARLY = sighting(
    "OPTIONS", message=b"OPTIONS sip:a SIP/2.0\r\nX: \x1b[2J\xff\t\xc3\xbc\r\n\r\nbody"
)
ALL = (Traced((LATE,)), Traced((EARLY,), leftOut=3), Traced(leftOut=3, isOver=True))


@ensureDeferred
async def test_ladder(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    """In the order of their times, whenever they are told."""
    worker = Worker(Traced((LATE, EARLY)), Traced(isOver=True))
    assert await operate(worker=worker).run("trace", "alice", "--for", "90s") == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0] == "Call-ID one@host"
    assert ["OPTIONS" in line for line in lines[2:]] == [True, False]
    assert "200 OK" in lines[3]
    assert worker.asked == [("alice", 90.0)]
    assert said.err.splitlines() == [
        "sipappctl: Ctrl-C ends the trace",
        "sipappctl: 2 messages",
    ]


@ensureDeferred
async def test_leftOut(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    worker = Worker(*ALL)
    assert await operate(worker=worker).run("trace") == 0
    assert worker.asked == [("", 3600.0)]
    assert "2 messages, and 3 left out" in capsys.readouterr().err


@ensureDeferred
async def test_json(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    assert await operate(worker=Worker(Traced((EARLY,), isOver=True))).run("trace", "--json") == 0
    [line] = capsys.readouterr().out.splitlines()
    found: dict[str, Any] = json.loads(line)
    assert found["call_id"] == "one@host"
    assert found["remote"] == ["192.0.2.1", 5062]


@ensureDeferred
async def test_raw(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    assert await operate(worker=Worker(Traced((EARLY,), isOver=True))).run("trace", "--raw") == 0
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith("--- 2027-01-15T")
    assert first.endswith(" udp-0/1 UDP 192.0.2.254:5060 < 192.0.2.1:5062")
    assert lines == ["OPTIONS sip:a SIP/2.0", "X: \\x1b[2J\\xff\tü", "", "body"]


@ensureDeferred
async def test_capture(operate: Operate, tmp_path: Path) -> None:
    file = tmp_path / "trace.pcap"
    server = operate(worker=Worker(Traced((EARLY,), isOver=True)))
    assert await server.run("trace", "--pcap", str(file)) == 0
    assert EARLY.message in file.read_bytes()


@ensureDeferred
async def test_noSuchDirectory(
    operate: Operate, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    worker = Worker(*ALL)
    path = tmp_path / "nowhere" / "trace.pcap"
    assert await operate(worker=worker).run("trace", "--pcap", str(path)) == 1
    assert capsys.readouterr().err == f"sipappctl: {path}: No such file or directory\n"
    assert worker.asked == []


@ensureDeferred
async def test_refused(operate: Operate, capsys: pytest.CaptureFixture[str]) -> None:
    assert await operate(worker=Worker()).run("trace", "too many") == 1
    assert "there are 8 traces already" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["--for", "2d"], ["--for", "0"], ["--raw", "--json"]])
@ensureDeferred
async def test_notUnderstood(operate: Operate, given: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        await operate(worker=Worker()).run("trace", *given)
    assert caught.value.code == 2
