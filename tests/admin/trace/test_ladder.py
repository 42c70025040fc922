"""Messages as a ladder."""

from __future__ import annotations

import time
from typing import Any

import pytest

from sipapp.admin.trace.ladder import ASCII, DRAWN, Ladder
from tests.admin.trace.sightings import sighting

ALICE, BOB = ("192.0.2.1", 40123), ("2001:db8::7", 5061)
CAROL, DAVE = ("198.51.100.2", 5060), ("10.0.0.1", 5062)


def drawn(width: int, *messages: Any, strokes: Any = DRAWN) -> list[str]:
    lines: list[str] = []
    ladder = Ladder(lines.append, width, strokes, time.gmtime)
    for each in messages:
        ladder.add(each)
    return lines


CALL = (
    sighting("INVITE", remote=ALICE),
    sighting("INVITE", 100, "Trying", remote=ALICE, isSent=True, after=0.001),
    sighting("INVITE", remote=BOB, isSent=True, after=0.002),
    sighting("INVITE", 180, "Ringing", remote=BOB, after=1.5, worker="tcp/0"),
    sighting("INVITE", 481, "Call/Transaction Does Not Exist", remote=ALICE, isSent=True, after=2),
)


def test_aCall() -> None:
    assert drawn(100, *CALL) == [
        "Call-ID one@host",
        "                         192.0.2.1:40123        sipapp",
        "08:00:00.000 udp-0/1            │───── INVITE ────▶│",
        "08:00:00.001 udp-0/1            │◀── 100 Trying ───│",
        "                         192.0.2.1:40123        sipapp       [2001:db8::7]:5061",
        "08:00:00.002 udp-0/1            │                  │───── INVITE ────▶│",
        "08:00:01.500 tcp/0              │                  │◀─ 180 Ringing ───│",
        "08:00:02.000 udp-0/1            │◀─ 481 (INVITE) ──│                  │",
    ]


def test_withoutLines() -> None:
    lines = drawn(100, *CALL[:3], strokes=ASCII)
    assert lines[2:4] == [
        "08:00:00.000 udp-0/1            |----- INVITE ---->|",
        "08:00:00.001 udp-0/1            |<-- 100 Trying ---|",
    ]
    assert "".join(lines).isascii()


def test_beyondOthers() -> None:
    """An arrow crosses the lines of those in between."""
    messages = [sighting("BYE", remote=each, isSent=True) for each in (ALICE, BOB, CAROL)]
    line = drawn(140, *messages)[-1]
    assert line.split() == ["08:00:00.000", "udp-0/1", "│", "│──────", "BYE", f"{25 * '─'}▶│"]


def test_noRoomForAnother() -> None:
    """The one that has been silent for the longest time leaves."""
    parties = (ALICE, BOB, ALICE, CAROL, DAVE)
    lines = drawn(80, *(sighting("BYE", remote=each, isSent=True) for each in parties))
    headings = [line for line in lines if "sipapp" in line]
    assert [heading.split() for heading in headings] == [
        ["192.0.2.1:40123", "sipapp"],
        ["192.0.2.1:40123", "sipapp", "[2001:db8::7]:5061"],
        ["192.0.2.1:40123", "sipapp", "198.51.100.2:5060"],
        ["10.0.0.1:5062", "sipapp", "198.51.100.2:5060"],
    ]
    assert max(map(len, lines)) <= 80


def test_severalCalls() -> None:
    """Each is named when it goes on."""
    lines = drawn(80, *(sighting(callID=each) for each in ("a", "a", "b", "a", "")))
    assert [line for line in lines if line.startswith("Call-ID")] == [
        "Call-ID a",
        "Call-ID b",
        "Call-ID a",
        "Call-ID missing",
    ]


@pytest.mark.parametrize("width", [0, 20, 80, 1000])
def test_whateverComes(width: int) -> None:
    """Nothing reaches the terminal as it came, and no line breaks."""
    nasty = "\x1b[2J\n" + "x" * 100
    lines = drawn(
        width,
        sighting(nasty, callID=nasty, worker="w" * 30),
        sighting(nasty, 200, nasty, remote=("f" * 100, 1), isSent=True),
        sighting("", 699, ""),
        sighting(""),
    )
    assert all(line.isprintable() for line in lines)
