"""The log of the server, for people and for programs."""

from __future__ import annotations

import io
import json
import signal
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from twisted.logger import Logger

from sipapp.admin.log import logObserver, twistdLogFile
from sipapp.config import LogSettings


def logged(settings: LogSettings, use: Any) -> str:
    """
    @return: what an observer of these settings writes of what C{use} logs.
    """
    file = io.StringIO()
    use(Logger("example", observer=logObserver(settings, file)))
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


class TestFile:
    @pytest.mark.parametrize("name", [None, "", "-"])
    def test_foreground(self, name: str | None) -> None:
        assert twistdLogFile({"nodaemon": True, "logfile": name}) is sys.stdout

    def test_file(self, tmp_path: Path) -> None:
        before = signal.getsignal(signal.SIGUSR1)
        try:
            file = twistdLogFile({"nodaemon": True, "logfile": str(tmp_path / "sipapp.log")})
            file.write("before\n")
            signal.raise_signal(signal.SIGUSR1)
            file.write("after\n")
            file.close()
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert (tmp_path / "sipapp.log").read_text() == "after\n"
        assert (tmp_path / "sipapp.log.1").read_text() == "before\n"

    def test_daemon(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where twistd puts it."""
        monkeypatch.chdir(tmp_path)
        before = signal.getsignal(signal.SIGUSR1)
        twistdLogFile({"logfile": None}).close()
        signal.signal(signal.SIGUSR1, before)
        assert (tmp_path / "twistd.log").exists()
