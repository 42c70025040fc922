"""The console in a terminal: lines that are edited, completed, remembered and run."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.conch import recvline
from twisted.conch.insults.insults import modes
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sipapp.admin.manhole.places import Place
from sipapp.evaluation import Answer, Leave

__all__ = ["Console"]

_CTRL_A, _CTRL_C, _CTRL_D, _CTRL_E = b"\x01", b"\x03", b"\x04", b"\x05"
_CTRL_K, _CTRL_L, _CTRL_U = b"\x0b", b"\x0c", b"\x15"
_TAB = "    "
#: Completions that are shown.
_CHOICES = 100


class Console(recvline.HistoricRecvLine):
    """A console. What is typed while something runs is kept for afterwards, but for Ctrl-C, which
    gives up what runs."""

    log = Logger()
    terminal: Any

    def __init__(self, place: Place, greeting: str) -> None:
        """
        @param place: where it begins.
        @param greeting: the first line.
        """
        super().__init__()
        self._places = [place]
        self._greeting = greeting
        self._lines: list[str] = []
        self._ahead: deque[tuple[bytes, Any]] = deque()
        self._running: Deferred[Any] | None = None
        self._character = b""

    def enter(self, place: Place) -> None:
        """Go on in another place, until that is left."""
        self._places.append(place)

    # The terminal.

    def connectionMade(self) -> None:
        super().connectionMade()
        self.keyHandlers.update(
            {
                _CTRL_A: self.handle_HOME,
                _CTRL_C: self._interrupt,
                _CTRL_D: self._endOfFile,
                _CTRL_E: self.handle_END,
                _CTRL_K: self._eraseRest,
                _CTRL_L: self._clear,
                _CTRL_U: self._eraseLine,
                b"\x08": self.handle_BACKSPACE,
            }
        )

    def initializeScreen(self) -> None:
        """What is on the screen already stays."""
        self._write(f"{self._greeting}\n")
        self._prompt()
        self.setInsertMode()

    def terminalSize(self, width: int, height: int) -> None:
        self.width, self.height = width, height

    def connectionLost(self, reason: Failure) -> None:
        self._ahead.clear()
        self._places.clear()
        if self._running is not None:
            self._running.cancel()

    def keystrokeReceived(self, keyID: bytes, modifier: Any) -> None:
        if not self._places:
            # It has been left.
            return
        if self._running is None:
            self._key(keyID, modifier)
        elif keyID == _CTRL_C:
            self._ahead.clear()
            self._running.cancel()
        else:
            self._ahead.append((keyID, modifier))

    def endOfInput(self) -> None:
        """Nothing more will be typed."""
        self.keystrokeReceived(_CTRL_D, None)

    def _key(self, keyID: bytes, modifier: Any) -> None:
        # A character of UTF-8 comes byte by byte.
        if len(keyID) == 1 and keyID >= b"\x80":
            self._character += keyID
            try:
                self._character.decode()
            except UnicodeDecodeError as error:
                if error.reason != "unexpected end of data":
                    self._character = b""
                return
            character, self._character = self._character, b""
            self.characterReceived(character, False)
        elif keyID in self.keyHandlers or keyID in self._printableChars:
            super().keystrokeReceived(keyID, modifier)

    def _deliverBuffer(self, buf: bytes) -> None:
        for character in buf.decode("utf-8", "replace"):
            self.characterReceived(character.encode(), False)

    def _write(self, text: str) -> None:
        self.terminal.write(text.encode("utf-8", "replace"))

    def _prompt(self) -> None:
        first = self._places[-1].prompt
        self.ps = (first.encode(), b"... ".rjust(len(first)))
        self.pn = 1 if self._lines else 0
        self.drawInputLine()

    # Keys.

    def _interrupt(self) -> None:
        self._lines = []
        self.lineBuffer, self.lineBufferIndex = [], 0
        self._write("\n")
        self._prompt()

    def _endOfFile(self) -> None:
        if self.lineBuffer:
            self.terminal.write(b"\a")
        else:
            self._write("\n")
            self._leave()

    def _eraseRest(self) -> None:
        del self.lineBuffer[self.lineBufferIndex :]
        self.terminal.eraseToLineEnd()

    def _eraseLine(self) -> None:
        self.handle_HOME()
        self._eraseRest()

    def _clear(self) -> None:
        self.terminal.eraseDisplay()
        self.terminal.cursorHome()
        self.drawInputLine()

    def handle_TAB(self) -> None:
        text = b"".join(self.lineBuffer[: self.lineBufferIndex]).decode("utf-8", "replace")
        if not text.strip():
            self._deliverBuffer(_TAB.encode())
        else:
            self._await(self._places[-1].complete(text), lambda found: self._offer(text, found))

    def _offer(self, text: str, found: list[str]) -> None:
        if not found:
            return
        common = os.path.commonprefix(found)  # noqa: RUF071 # they are no paths
        # What is there already is the longest end of the text that it may begin with.
        typed = max((n for n in range(len(common) + 1) if text.endswith(common[:n])), default=0)
        if len(common) > typed:
            self._deliverBuffer(common[typed:].encode())
        elif len(found) > 1:
            names = [each.rpartition(".")[2] for each in found[:_CHOICES]]
            more = ["…"] if len(found) > _CHOICES else []
            self._write("\n" + "  ".join([*names, *more]) + "\n")
            self._prompt()
            behind = len(self.lineBuffer) - self.lineBufferIndex
            if behind:
                self.terminal.cursorBackward(behind)

    # Running.

    def lineReceived(self, line: bytes) -> None:
        self._lines.append(line.decode("utf-8", "replace"))
        source = "\n".join(self._lines)
        place = self._places[-1]
        if not place.isComplete(source):
            self._prompt()
            return
        self._lines = []
        if source.strip():
            self._await(place.run(source), self._ran)
        else:
            self._prompt()

    def _ran(self, answer: Answer) -> None:
        if not self._places:
            # Nobody is there any more.
            return
        self._write(answer.output)
        self._prompt()

    def _await(self, what: Any, then: Callable[[Any], None]) -> None:
        """Have nothing typed be heard until something has been done."""
        running = self._running = Deferred.fromCoroutine(what)
        running.addBoth(self._over)
        running.addCallback(then)
        running.addErrback(self._failed)
        running.addBoth(lambda _: self._goOn())

    def _over(self, result: Any) -> Any:
        self._running = None
        return result

    def _failed(self, failure: Failure) -> None:
        if not self._places:
            # Nobody is there any more.
            return
        if failure.check(Leave):
            self._leave()
            return
        self.log.failure("The console has failed", failure)
        self._write(f"{failure.getErrorMessage()}\n")
        self._prompt()

    def _goOn(self) -> None:
        while self._ahead and self._running is None:
            self._key(*self._ahead.popleft())

    def _leave(self) -> None:
        self._places.pop()
        if self._places:
            self._prompt()
            return
        self._ahead.clear()
        self.terminal.resetModes([modes.IRM])
        self.terminal.transport.loseConnection()
