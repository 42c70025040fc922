"""The console in a terminal, key by key."""

from __future__ import annotations

import re
from typing import Any

import pytest
from twisted.conch.insults.insults import ServerProtocol
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from sipapp.admin.manhole.console import Console
from sipapp.evaluation import Answer, Evaluation, Leave

UP, LEFT, HOME = b"\x1b[A", b"\x1b[D", b"\x1b[1~"


class Place:
    """The parent, or a worker."""

    def __init__(self, prompt: str) -> None:
        self.prompt = prompt
        self.ran: list[str] = []
        self.waiting: list[Deferred[Answer]] = []
        self.words: list[str] = []
        self.others: list[Place] = []
        self.console: Console | None = None

    def isComplete(self, source: str) -> bool:
        return Evaluation({}).isComplete(source)

    async def run(self, source: str) -> Answer:
        self.ran.append(source)
        if source == "exit()":
            raise Leave
        if source == "fail":
            raise ValueError("something is wrong")
        if source == "enter":
            assert self.console is not None
            self.console.enter(self.others[0])
        if source == "wait":
            self.waiting.append(Deferred())
            try:
                return await self.waiting[-1]
            except CancelledError:
                return Answer("given up\n", True)
        return Answer(f"ran {source!r}\n", False)

    async def complete(self, text: str) -> list[str]:
        return [each for each in self.words if each.startswith(text.split()[-1])]


class Terminal:
    def __init__(self) -> None:
        self.place, self.worker = Place(">>> "), Place("udp-0/0> ")
        self.place.others.append(self.worker)
        self.console = self.place.console = Console(self.place, "hello")
        self.transport = StringTransport()
        self._protocol = ServerProtocol(lambda: self.console)
        self._protocol.makeConnection(self.transport)

    def type(self, data: bytes) -> str:
        """
        @return: what has been written since, without what only moves the cursor.
        """
        self.transport.clear()
        self._protocol.dataReceived(data)
        return self.written()

    def written(self) -> str:
        text: str = self.transport.value().decode()
        return re.sub(r"\x1b(\[[\d;]*[A-Za-z]|E)", lambda m: "\r\n" * (m[1] == "E"), text)

    @property
    def line(self) -> str:
        """What is being typed."""
        found: bytes = b"".join(self.console.lineBuffer)
        return found.decode()

    def lose(self) -> None:
        self._protocol.connectionLost(Failure(ConnectionDone()))

    @property
    def isOver(self) -> Any:
        return self.transport.disconnecting


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


def test_theBeginning(terminal: Terminal) -> None:
    """What stood on the screen before is not erased."""
    assert terminal.written() == "hello\r\n>>> "
    assert b"\x1b[2J" not in terminal.transport.value()
    assert b"\x1bc" not in terminal.transport.value()


@pytest.mark.parametrize("end", [b"\r", b"\n"])
def test_aLine(terminal: Terminal, end: bytes) -> None:
    assert terminal.type(b"one" + end).endswith("ran 'one'\r\n>>> ")
    assert terminal.place.ran == ["one"]
    assert terminal.type(b" " + end).endswith("\r\n>>> ")
    assert terminal.place.ran == ["one"]


def test_severalLines(terminal: Terminal) -> None:
    assert terminal.type(b"if x:\r").endswith("\r\n... ")
    assert terminal.type(b"    two\r").endswith("\r\n... ")
    terminal.type(b"\r")
    assert terminal.place.ran == ["if x:\n    two\n"]


def test_editing(terminal: Terminal) -> None:
    terminal.type(b"ac" + LEFT + b"b\x01x\x05y")
    assert terminal.line == "xabcy"
    terminal.type(b"\x7f\x08\x01" + b"\x1b[C" + b"\x0b")
    assert terminal.line == "x"
    terminal.type(b"\x15")
    assert terminal.line == ""
    terminal.type("grüß€𝄞".encode() + b"\x7f\r")
    assert terminal.place.ran == ["grüß€"]
    terminal.type(UP)
    assert terminal.line == "grüß€"
    terminal.type(b"\x7f\xff\xc3x\r")
    assert terminal.place.ran[1] == "grüßx"


def test_keysWithoutMeaning(terminal: Terminal) -> None:
    terminal.type(b"\x1b[15~\x00\x1b[200~a")
    assert terminal.line == "a"


def test_forgettingALine(terminal: Terminal) -> None:
    terminal.type(b"if x:\r  one")
    assert terminal.type(b"\x03").endswith("\r\n>>> ")
    terminal.type(b"two\r")
    assert terminal.place.ran == ["two"]


def test_clearing(terminal: Terminal) -> None:
    assert terminal.type(b"abc\x0c").endswith(">>> abc")
    assert b"\x1b[2J" in terminal.transport.value()


def test_whatIsTypedWhileSomethingRuns(terminal: Terminal) -> None:
    assert terminal.type(b"wait\rone\rtwo") == "wait\r\n"
    assert terminal.place.ran == ["wait"]
    terminal.place.waiting[0].callback(Answer("waited\n", False))
    assert terminal.place.ran == ["wait", "one"]
    assert terminal.line == "two"
    assert terminal.written().endswith("waited\r\n>>> one\r\nran 'one'\r\n>>> two")


def test_givingUp(terminal: Terminal) -> None:
    terminal.type(b"wait\r")
    terminal.type(b"never run\r")
    assert terminal.type(b"\x03").endswith("given up\r\n>>> ")
    assert terminal.place.ran == ["wait"]


def test_anotherPlace(terminal: Terminal) -> None:
    assert terminal.type(b"enter\r").endswith("\r\nudp-0/0> ")
    assert terminal.type(b"if x:\r").endswith("\r\n     ... ")
    terminal.type(b"\x03one\r")
    assert (terminal.place.ran, terminal.worker.ran) == (["enter"], ["one"])
    assert terminal.type(b"exit()\r").endswith("\r\n>>> ")
    terminal.type(b"enter\r\x04two\r")
    assert terminal.place.ran == ["enter", "enter", "two"]
    assert not terminal.isOver


@pytest.mark.parametrize("keys", [b"exit()\r", b"\x04"])
def test_leaving(terminal: Terminal, keys: bytes) -> None:
    terminal.type(keys)
    assert terminal.isOver


def test_whatIsTypedAfterIt(terminal: Terminal) -> None:
    """Nobody hears it, nor that nothing more will be typed."""
    assert terminal.type(b"exit()\rone\r") == "exit()\r\n"
    terminal.console.endOfInput()
    assert terminal.place.ran == ["exit()"]


def test_leavingWaitsForWhatRuns(terminal: Terminal) -> None:
    """The end of what is piped into it comes at once."""
    terminal.type(b"wait\rone\r")
    terminal.console.endOfInput()
    assert not terminal.isOver
    terminal.place.waiting[0].callback(Answer("", False))
    assert terminal.place.ran == ["wait", "one"]
    assert terminal.isOver


def test_aLineThatIsBegunIsNotLeft(terminal: Terminal) -> None:
    assert terminal.type(b"a\x04") == "a\a"
    assert not terminal.isOver


def test_goneWhileSomethingRuns(terminal: Terminal) -> None:
    terminal.type(b"wait\rone\r")
    terminal.lose()
    assert terminal.place.ran == ["wait"]


def test_goneBeforeItIsDone(terminal: Terminal) -> None:
    terminal.type(b"wait\r")
    terminal.transport.clear()
    terminal.lose()
    assert terminal.written() == ""


@pytest.mark.parametrize(
    ("words", "keys", "line", "shown"),
    [
        (["thing.length"], b"x = thing.l\t", "x = thing.length", ""),
        (["thing.later", "thing.length"], b"thing.l\t", "thing.l", "later  length"),
        (["thing.laten", "thing.later"], b"thing.l\t", "thing.late", ""),
        (["things"], b"thing)" + LEFT + b"\t", "things)", ""),
        (["thing", "things"], b"thing\t", "thing", "thing  things"),
        ([], b"thing\t", "thing", ""),
        ([], b"\t", "    ", ""),
        ([f"n{number:03}" for number in range(200)], b"n\t", "n", "n099  …"),
    ],
)
def test_completion(
    terminal: Terminal, words: list[str], keys: bytes, line: str, shown: str
) -> None:
    terminal.place.words = words
    written = terminal.type(keys)
    assert terminal.line == line
    assert shown in written
    if shown:
        assert written.endswith(f"\r\n>>> {line}")


def test_aMistakeOfOurOwn(terminal: Terminal) -> None:
    assert terminal.type(b"fail\r").endswith("something is wrong\r\n>>> ")
    assert terminal.type(b"one\r").endswith("ran 'one'\r\n>>> ")


def test_theSizeOfTheTerminal(terminal: Terminal) -> None:
    terminal.console.terminalSize(132, 50)
    assert (terminal.console.width, terminal.console.height) == (132, 50)
