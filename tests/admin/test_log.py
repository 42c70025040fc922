"""The log of the server, for people and for programs."""

from __future__ import annotations

import io
import json
import signal
import sys
import syslog
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from sipapp.admin.log import (
    ServerLog,
    SyslogObserver,
    fileObserver,
    serverLog,
    twistdLogFile,
)
from sipapp.config import LogSettings
from sipapp.pool.lines import LogRelay
from sipapp.pool.workerlog import WorkerLog


def logTo(settings: LogSettings, file: io.StringIO) -> ServerLog:
    return ServerLog(settings.level, fileObserver(settings.format, file))


def logged(settings: LogSettings, use: Any) -> str:
    """
    @return: what an observer of these settings writes of what C{use} logs.
    """
    file = io.StringIO()
    use(Logger("example", observer=logTo(settings, file)))
    return file.getvalue()


def talk(log: Logger) -> None:
    log.debug("whisper")
    log.info("talk")
    log.error("shout")


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("debug", ["whisper", "talk", "shout"]),
        ("info", ["talk", "shout"]),
        ("warn", ["shout"]),
        ("critical", []),
    ],
)
@pytest.mark.parametrize("format", ["text", "json"])
def test_level(level: Any, words: list[str], format: Literal["text", "json"]) -> None:
    lines = logged(LogSettings(level=level, format=format), talk).splitlines()
    assert len(lines) == len(words)
    assert all(word in line for word, line in zip(words, lines, strict=True))


def test_json() -> None:
    """One flat object a line, with nothing in it that a terminal would obey."""
    text = logged(
        LogSettings(format="json"),
        lambda log: log.warn("from {peer}", peer="\x1b[2J\n…", log_system="udp-0/1"),
    )
    assert text.isascii()
    assert text.endswith("\n")
    assert "\x1b" not in text
    event = json.loads(text)
    assert event.pop("time").endswith("+00:00")
    assert event == {"level": "warn", "system": "udp-0/1", "message": "from \x1b[2J\n…"}


def test_jsonOfAFailure() -> None:
    def use(log: Logger) -> None:
        try:
            raise LookupError("the drawer is empty")
        except LookupError:
            log.failure("no luck")

    event = json.loads(logged(LogSettings(format="json"), use))
    assert event["message"] == "no luck"
    assert "LookupError: the drawer is empty" in event["traceback"]


CALL = {"call_id": "abc@host", "method": "INVITE", "source": "192.0.2.1:5060"}


def relayed(settings: LogSettings, use: Any, context: Mapping[str, str] | None = None) -> str:
    """
    @return: what the log of a server has of what C{use} logs in its worker C{udp-0/1}.
    """
    output, file = io.StringIO(), io.StringIO()
    worker = WorkerLog("debug", output)
    worker.context = lambda: context or {}
    use(Logger("example.room", observer=worker))
    relay = LogRelay("udp-0/1", logTo(settings, file))
    relay.feed(output.getvalue().encode())
    relay.feed(b"printed\n")
    return file.getvalue()


def fail(log: Logger) -> None:
    try:
        raise LookupError("the drawer is empty")
    except LookupError:
        log.failure("no {what}", what="luck")


class TestWorkers:
    """What workers have logged."""

    def test_json(self) -> None:
        """Flat, in one piece, with what it is about."""
        lines = relayed(LogSettings(format="json"), fail, CALL).splitlines()
        event, printed = map(json.loads, lines)
        assert event.pop("time").endswith("+00:00")
        assert "LookupError: the drawer is empty" in event.pop("traceback")
        assert event == {
            "level": "critical",
            "system": "example.room",
            "message": "no luck",
            "slot": "udp-0/1",
            **CALL,
        }
        assert (printed["message"], printed["slot"]) == ("printed", "udp-0/1")

    def test_text(self) -> None:
        first, *others, printed = relayed(LogSettings(), fail, CALL).splitlines()
        assert first.endswith(
            " [udp-0/1 example.room#critical] no luck"
            " (INVITE from 192.0.2.1:5060, Call-ID abc@host)"
        )
        assert others[-1] == "\tbuiltins.LookupError: the drawer is empty"
        assert all(line.startswith("\t") for line in others)
        assert printed.endswith(" [udp-0/1] printed")

    @pytest.mark.parametrize(
        ("about", "suffix"),
        [
            ({}, ""),
            ({"method": "ACK"}, " (ACK)"),
            ({"source": "192.0.2.1"}, " (from 192.0.2.1)"),
            ({"call_id": "a", "method": "BYE"}, " (BYE, Call-ID a)"),
            ({"call_id": "a\x1b[2J"}, " (Call-ID 'a\\x1b[2J')"),
        ],
    )
    def test_whatIsKnown(self, about: Mapping[str, str], suffix: str) -> None:
        first, _ = relayed(LogSettings(), lambda log: log.info("done"), about).splitlines()
        assert first.partition("] ")[2] == f"done{suffix}"

    def test_theyKnowTheirLevels(self) -> None:
        """What a worker has let through is written, whatever the parent has for itself."""
        settings = LogSettings(level="error")
        (line,) = relayed(settings, lambda log: log.debug("whisper")).splitlines()
        assert line.endswith("whisper")

    def test_nothingNamesItselfSomethingElse(self) -> None:
        about = {"message": "a lie", "level": "info", "slot": "elsewhere"}
        line = relayed(LogSettings(format="json"), lambda log: log.warn("true"), about)
        event = json.loads(line.splitlines()[0])
        assert (event["message"], event["level"], event["slot"]) == ("true", "warn", "udp-0/1")


def test_levelsAtRunTime() -> None:
    file = io.StringIO()
    log = logTo(LogSettings(), file)
    one, other = Logger("sipapp.pool.slot", observer=log), Logger("sipapp.reload", observer=log)
    log.setLevels({"": "error", "sipapp.pool": "debug"})
    one.debug("one")
    other.info("other")
    log.setLevels({"": "info"})
    one.debug("one again")
    other.info("other again")
    words = [line.partition("] ")[2] for line in file.getvalue().splitlines()]
    assert words == ["one", "other again"]


class TestFile:
    @pytest.mark.parametrize("name", [None, "", "-"])
    def test_foreground(self, name: str | None) -> None:
        assert twistdLogFile({"nodaemon": True, "logfile": name}) is sys.stdout

    @ensureDeferred
    async def test_file(self, tmp_path: Path) -> None:
        before = signal.getsignal(signal.SIGUSR1)
        try:
            file = twistdLogFile({"nodaemon": True, "logfile": str(tmp_path / "sipapp.log")})
            file.write("before\n")
            signal.raise_signal(signal.SIGUSR1)
            # Whoever was writing when the signal came goes on where he was.
            file.write("meanwhile\n")
            turned: Deferred[None] = Deferred()
            reactor.callFromThread(turned.callback, None)  # type: ignore[attr-defined]
            await turned
            file.write("after\n")
            file.close()
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert (tmp_path / "sipapp.log").read_text() == "after\n"
        assert (tmp_path / "sipapp.log.1").read_text() == "before\nmeanwhile\n"

    def test_daemon(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where twistd puts it."""
        monkeypatch.chdir(tmp_path)
        before = signal.getsignal(signal.SIGUSR1)
        twistdLogFile({"logfile": None}).close()
        signal.signal(signal.SIGUSR1, before)
        assert (tmp_path / "twistd.log").exists()


class TestSyslog:
    """C{twistd --syslog}."""

    def test_text(self) -> None:
        """A priority for each level; no time, which syslog adds itself."""
        sent: list[tuple[int, str]] = []
        log = ServerLog("info", SyslogObserver("text", lambda *line: sent.append(line)))
        talk(Logger("example", observer=log))
        log.setLevels({"": "debug"})
        Logger("example", observer=log).debug("a\0b\udcff")
        assert sent == [
            (syslog.LOG_INFO, "[example#info] talk"),
            (syslog.LOG_ERR, "[example#error] shout"),
            (syslog.LOG_DEBUG, r"[example#debug] a\x00b\udcff"),
        ]

    def test_failures(self) -> None:
        """With what they are about, and a traceback, line by line."""
        sent: list[str] = []
        log = ServerLog("info", SyslogObserver("text", lambda priority, line: sent.append(line)))
        output = io.StringIO()
        worker = WorkerLog("debug", output)
        worker.context = lambda: CALL
        fail(Logger("example.room", observer=worker))
        LogRelay("udp-0/1", log).feed(output.getvalue().encode())
        first, *others = sent
        assert first == (
            "[udp-0/1 example.room#critical] no luck (INVITE from 192.0.2.1:5060, Call-ID abc@host)"
        )
        assert others[-1] == "\tbuiltins.LookupError: the drawer is empty"

    def test_json(self) -> None:
        sent: list[str] = []
        log = ServerLog("info", SyslogObserver("json", lambda priority, line: sent.append(line)))
        talk(Logger("example", observer=log))
        assert [json.loads(line)["message"] for line in sent] == ["talk", "shout"]

    def test_options(self) -> None:
        """An observer of somebody else's knows itself what it writes."""
        assert serverLog(LogSettings(), {"logger": lambda: None}) is None
        assert isinstance(serverLog(LogSettings(), {"syslog": True, "prefix": "x"}), ServerLog)
