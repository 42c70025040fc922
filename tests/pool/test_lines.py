"""The output of the workers in the parent's log."""

from __future__ import annotations

import io
from typing import Any

import pytest
from twisted.logger import Logger, LogLevel, eventAsText, textFileLogObserver

from sipapp.pool.lines import LineSplitter, LogRelay


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_linesArriveWholeHoweverTheyWereRead(size):
    data = "one\ntwo ü\r\n\nthree".encode()
    splitter = LineSplitter()
    lines = []
    for start in range(0, len(data), size):
        lines += splitter.feed(data[start : start + size])
    assert lines == ["one", "two ü", ""]
    assert splitter.flush() == ["three"]
    assert splitter.flush() == []


def test_anEndlessLineIsBroken():
    splitter = LineSplitter(limit=10)
    lines = splitter.feed(b"0123456789" * 3 + b"abc")
    lines += splitter.feed(b"def\nx\n")
    assert lines == ["0123456789", "0123456789", "0123456789", "abcdef", "x"]
    assert splitter.flush() == []


def test_bytesThatAreNoTextAreShown():
    assert LineSplitter().feed(b"\xff\xfe\n") == ["\\xff\\xfe"]


def relayed(*chunks: bytes) -> tuple[list[dict[str, Any]], LogRelay]:
    events: list[dict[str, Any]] = []
    relay = LogRelay("udp-0/2", events.append)
    for chunk in chunks:
        relay.feed(chunk)
    relay.flush()
    return events, relay


def told(events: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(each["log_system"], each["log_level"].name, each["line"]) for each in events]


def test_plainLinesBecomeEvents():
    events, relay = relayed(b"Fatal Python error: {braces}\nhalf a line")
    assert told(events) == [
        ("udp-0/2", "info", "Fatal Python error: {braces}"),
        ("udp-0/2", "info", "half a line"),
    ]
    assert relay.lastLine == "half a line"


def test_formattedLinesKeepLevelAndSystem():
    output = io.StringIO()
    log = Logger("sipapp.transport", observer=textFileLogObserver(output))
    log.error("cannot send to {host}", host="192.0.2.1")
    log.info("two\nlines")
    events, _ = relayed(output.getvalue().encode())
    assert told(events) == [
        ("udp-0/2 sipapp.transport#error", "error", "cannot send to 192.0.2.1"),
        ("udp-0/2 sipapp.transport#info", "info", "two"),
        ("udp-0/2 sipapp.transport#info", "info", "\tlines"),
    ]


def test_linesOfTheLegacyLog():
    events, _ = relayed(
        b"2026-11-03T12:00:00+0000 [-] Main loop terminated.\n",
        b"2026-11-03T12:00:00+0000 [Factory (TLS),1,192.0.2.1] hello\n",
        b"plain again\n",
    )
    assert told(events) == [
        ("udp-0/2", "info", "Main loop terminated."),
        ("udp-0/2 Factory (TLS),1,192.0.2.1", "info", "hello"),
        ("udp-0/2", "info", "plain again"),
    ]


def test_theParentsLogHasOneTimeStampALine():
    events, _ = relayed(b"2026-11-03T12:00:00+0000 [sipapp.transport#warn] slow\n")
    assert events[0]["log_level"] is LogLevel.warn
    text = eventAsText(events[0], includeTimestamp=False)
    assert text == "[udp-0/2 sipapp.transport#warn] slow"


def test_emptyLinesAreLeftOut():
    events, relay = relayed(b"\n\nword\n\n")
    assert told(events) == [("udp-0/2", "info", "word")]
    assert relay.lastLine == "word"
