"""The output of the workers in the parent's log."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from twisted.logger import Logger, LogLevel
from twisted.python.log import LogPublisher

from sipapp.pool.lines import LineSplitter, LogRelay
from sipapp.pool.workerlog import WorkerLog


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


def worker(use: Callable[[Logger], None], context: Mapping[str, str] | None = None) -> bytes:
    """
    @return: what a worker writes of what C{use} logs.
    """
    output = io.StringIO()
    log = WorkerLog("info", output)
    if context is not None:
        log.context = lambda: context
    use(Logger("sipapp.transport", observer=log))
    return output.getvalue().encode()


def test_whatAWorkerLogsKeepsLevelAndSystem():
    def use(log: Logger) -> None:
        log.error("cannot send to {host}", host="192.0.2.1")
        log.info("two\nlines")

    events, relay = relayed(worker(use))
    assert told(events) == [
        ("udp-0/2 sipapp.transport#error", "error", "cannot send to 192.0.2.1"),
        ("udp-0/2 sipapp.transport#info", "info", "two\nlines"),
    ]
    assert relay.lastLine == "lines"


def test_aTracebackStaysWithItsLine():
    def use(log: Logger) -> None:
        try:
            raise LookupError("the drawer is empty")
        except LookupError:
            log.failure("no luck")

    (event,), relay = relayed(worker(use))
    assert event["told"].message == "no luck"
    assert event["told"].traceback.startswith("Traceback")
    assert event["line"].startswith("no luck\nTraceback")
    assert relay.lastLine == "builtins.LookupError: the drawer is empty"


def test_whatALineIsAbout():
    """What the worker says, what it is doing, and which worker it is."""

    def use(log: Logger) -> None:
        log.info("plain")
        log.info("more", about={"call_id": "later", "slot": "another"})

    events, _ = relayed(worker(use, {"call_id": "now", "method": "INVITE"}), b"printed\n")
    assert [event["about"] for event in events] == [
        {"slot": "udp-0/2", "method": "INVITE", "call_id": "now"},
        {"slot": "udp-0/2", "method": "INVITE", "call_id": "later"},
        {"slot": "udp-0/2"},
    ]


@pytest.mark.parametrize("text", ["\udcff\udc00 surrogates", "\x00\x1b[2J", "ü" * 200_000, "{}"])
def test_whateverIsInALineItArrivesWhole(text):
    (event,), _ = relayed(worker(lambda log: log.warn("{text}", text=text)))
    assert event["log_level"] is LogLevel.warn
    assert event["told"].system == "sipapp.transport"
    kept = event["told"].message
    assert kept.startswith((text[:4000], "\\udcff"))
    assert len(kept) < 10_000


def test_whatIsNotSevereEnoughIsNotWritten():
    output = io.StringIO()
    log = WorkerLog("warn", output)
    quiet, loud = Logger("sipapp.sip", observer=log), Logger("sipapp.sip.host", observer=log)
    quiet.info("not now")
    log.setLevels({"": "critical", "sipapp.sip.host": "debug"})
    quiet.error("not this")
    loud.debug("this")
    log.setLevels({"": "error"})
    loud.warn("not any more")
    events, _ = relayed(output.getvalue().encode())
    assert [event["line"] for event in events] == ["this"]


@pytest.mark.parametrize(
    "line", ["{", "{}", "[1]", '{"level": "loud", "system": "x", "message": "y"}', '{"a": "b"}']
)
def test_whatOnlyLooksLikeItIsALineOfItsOwn(line):
    events, _ = relayed(line.encode() + b"\n")
    assert told(events) == [("udp-0/2", "info", line)]
    assert "told" not in events[0]


def test_linesOfTheLegacyLog():
    output = io.StringIO()
    legacy = LogPublisher(publishPublisher=WorkerLog("info", output))
    legacy.msg("Main loop terminated.")
    legacy.msg("hello", system="Factory (TLS),1,192.0.2.1")
    events, _ = relayed(output.getvalue().encode())
    assert told(events) == [
        ("udp-0/2", "info", "Main loop terminated."),
        ("udp-0/2 Factory (TLS),1,192.0.2.1#info", "info", "hello"),
    ]


def test_emptyLinesAreLeftOut():
    events, relay = relayed(b"\n\nword\n\n")
    assert told(events) == [("udp-0/2", "info", "word")]
    assert relay.lastLine == "word"
