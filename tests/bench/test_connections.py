"""Some phones stay connected for a few seconds and call each other, and what is said of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket, socketpair
from typing import Any

import pytest

from bench.connections.__main__ import main
from bench.connections.calls import PATIENCE, Calls
from bench.connections.phone import Phone
from bench.connections.publish import PLACE
from bench.connections.rows import Row, faults, table
from bench.connections.run import Effort, run
from bench.page import withResults
from bench.rowfile import load
from tests.support.siptext import Received, request, response

SHORT = Effort(connections=200, workers=2, rate=20.0, seconds=2.0, interval=2.0)

GOOD = Row(
    wanted=200,
    registered=200,
    registering=1.0,
    seconds=2.0,
    rate=20.0,
    interval=2.0,
    pings=300,
    pongs=300,
    closed=0,
    calls=40,
    failed=0,
    p50_ms=2.0,
    p99_ms=9.0,
    longest_ms=11.0,
    shares=[
        {"name": "tcp-0/0", "connections": 100, "mib": 42.0, "grown": 1.0, "processor": 0.02},
        {"name": "tcp-0/1", "connections": 100, "mib": 42.0, "grown": 1.0, "processor": 0.03},
    ],
)


@pytest.mark.slow
def test_phonesStayAndCall(tmp_path_factory: pytest.TempPathFactory) -> None:
    row = run(tmp_path_factory.mktemp("connections"), SHORT)
    assert faults(row) == []
    assert sum(each["connections"] for each in row.shares) == row.registered == 200
    assert row.pings
    assert row.p50_ms


def test_holds() -> None:
    assert faults(GOOD) == []
    assert table(GOOD).lines[-1] == ("all", "200", "100%", "84", "10.2", "5.0%")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"registered": 199}, "only 199 of 200 phones could register"),
        ({"closed": 1}, "1 connections were closed"),
        ({"failed": 2, "reasons": ["no answer"]}, "2 of 40 calls failed: no answer"),
        ({"calls": 0}, "nobody has called"),
        ({"pongs": 299}, "1 of 300 keep-alives had no answer"),
    ],
)
def test_doesNotHold(changes: dict[str, Any], fault: str) -> None:
    row = dataclasses.replace(GOOD, **changes)
    assert faults(row) == [fault]
    assert fault in table(row).notes


@pytest.mark.slow
def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--connections=20", "--workers=1", "--seconds=1", f"--build={tmp_path}"]
    assert main(arguments) == 0
    [row] = load(tmp_path / "connections.json", Row)
    assert (row.registered, row.failed) == (20, 0)
    assert "20 connections" in capsys.readouterr().out


@pytest.mark.parametrize("argument", ["--connections=0", "--workers=-1", "--rate=0"])
def test_nothingToDo(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([argument])
    assert "it has to be more than nothing" in capsys.readouterr().err


def test_thePageHasAPlace() -> None:
    page = Path(__file__).parents[2] / "docs" / "performance.md"
    assert "found" in withResults(page.read_text(), PLACE, ["found"])


# A phone, and the calls of a process.


class Line:
    """A phone, and the other end of its connection."""

    def __init__(self, user: str) -> None:
        ours, self.far = socketpair(AF_UNIX, SOCK_STREAM)
        self.phone = Phone(user, Connected(ours))
        self.far.setblocking(False)

    def sent(self) -> list[Received]:
        """What the phone has sent."""
        return list(Phone("other", Connected(self.far)).received(self.far.recv(65536)))


class Connected(socket):
    """One end of a pair, as if it were a TCP connection."""

    def __init__(self, end: socket) -> None:
        super().__init__(end.family, end.type, end.proto, end.dup().detach())

    def getsockname(self) -> tuple[str, int]:
        return "192.0.2.1", 5060

    def setsockopt(self, *option: Any) -> None:
        assert len(option) == 3


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line("alice")
    yield line
    line.phone.socket.close()
    line.far.close()


def ok(message: Received, **more: Any) -> Received:
    status, reason = more.get("status", 200), more.get("reason", "OK")
    extra = [("Contact", "<sip:bob@192.0.2.2>"), ("Record-Route", "<sip:192.0.2.9;lr>")]
    return Received(response(message, status, reason, toTag="bob", extra=extra))


def test_pieces(line: Line) -> None:
    message = request(
        "OPTIONS",
        "sip:a@b",
        via="SIP/2.0/TCP a;branch=z9hG4bK1",
        fromValue="<sip:a@b>;tag=1",
        toValue="<sip:a@b>",
        callID="1",
        body=b"\r\n\r\nbody",
    )
    stream = b"\r\n" + message + b"\r\n" + message + b"\r\n"
    found = [each for byte in stream for each in line.phone.received(bytes([byte]))]
    assert [each.raw for each in found] == [message, message]
    assert line.phone.pongs == 3


def test_aCall(line: Line) -> None:
    now = [0.0]
    calls = Calls(lambda: now[0])
    calls.begin(line.phone, "bob")
    [invite] = line.sent()
    assert (invite.method, len(calls)) == ("INVITE", 1)
    now[0] = 0.5
    calls.received(line.phone, ok(invite, status=180, reason="Ringing"))
    calls.received(line.phone, ok(invite))
    ack, bye = line.sent()
    assert (ack.method, bye.method, ack.get("route")) == ("ACK", "BYE", "<sip:192.0.2.9;lr>")
    calls.received(line.phone, ok(bye))
    assert (len(calls), calls.made, calls.failed, calls.waits) == (0, 1, 0, [0.5])


def test_aCallee(line: Line) -> None:
    calls = Calls()
    calls.begin(line.phone, "alice")
    [invite] = line.sent()
    calls.received(line.phone, invite)
    ringing, answer = line.sent()
    assert (ringing.status, answer.status, bool(answer.toTag)) == (180, 200, True)


def test_refused(line: Line) -> None:
    calls = Calls()
    calls.begin(line.phone, "bob")
    [invite] = line.sent()
    calls.received(line.phone, ok(invite, status=480, reason="Nobody There"))
    assert [each.method for each in line.sent()] == ["ACK"]
    assert (len(calls), calls.failed) == (0, 1)
    assert calls.reasons == ["INVITE: SIP/2.0 480 Nobody There"]


def test_noAnswer(line: Line) -> None:
    now = [0.0]
    calls = Calls(lambda: now[0])
    calls.begin(line.phone, "bob")
    now[0] = PATIENCE - 1
    calls.begin(line.phone, "bob")
    now[0] = PATIENCE
    calls.giveUp()
    assert (len(calls), calls.failed, calls.reasons) == (1, 1, ["no answer"])


def test_noConnection(line: Line) -> None:
    line.far.close()
    calls = Calls()
    calls.begin(line.phone, "bob")
    assert (len(calls), calls.failed) == (0, 1)
