"""Another program in the place of this one: sipapp, Twisted or Python themselves are replaced.

Theory of operation
===================

1. A fresh interpreter reads the configuration and what this image would leave, with the code that
   is installed now. If it cannot, that is said in the log and nothing has happened.
2. What is left (L{sipapp.estate}) is written down, and this process executes the program that it
   was started with. It keeps its pid, its workers and its sockets.
3. The new image takes all of that up as its first generation, and reloads: new workers take over.

It has to wait until no reload is under way, no generation leaves, and every worker is ready. A slot
that is parked stays so until the reload of the new image fills it, as any reload does.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from twisted.internet.task import deferLater
from twisted.internet.utils import getProcessOutputAndValue
from twisted.logger import Logger

from sipapp.config import decodeSettings, loadSettings, resolve
from sipapp.estate import VARIABLE, Estate, readEstate
from sipapp.plugins import resourceTypes
from sipapp.pool.adoption import NotIdle

__all__ = ["SIGNALS", "Upgrade"]

_log = Logger()

#: What must not end the process before the new image listens to it.
SIGNALS = (signal.SIGHUP, signal.SIGUSR2, signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)

# Seconds between two looks whether it may begin, and how long it looks.
_PAUSE = 0.2
_PATIENCE = 60.0


class Upgrade:
    """Replaces the program of this process."""

    def __init__(
        self,
        bequeath: Callable[[], Estate],
        file: str | None,
        runDirectory: str,
        command: Sequence[str],
        pidFile: str | None,
        reactor: Any,
        onBegin: Callable[[], None],
        onEnd: Callable[[str], None],
        execute: Callable[[str, list[str], dict[str, str]], Any] = os.execve,
    ) -> None:
        """
        @param bequeath: says what is left; raises L{NotIdle} while that cannot be said.
        @param file: the configuration.
        @param command: what to execute.
        @param pidFile: a file that twistd wants to make anew.
        @param onBegin: called when it begins.
        @param onEnd: called with what has come of it, if this program goes on.
        """
        self._bequeath = bequeath
        self._file = file
        self._estatePath = Path(runDirectory) / "estate"
        self._command = list(command)
        self._pidFile = pidFile
        self._reactor = reactor
        self._onBegin = onBegin
        self._onEnd = onEnd
        self._execute = execute
        self._isUnderWay = False

    async def run(self) -> None:
        """Do it, unless it is under way. Does not return if it succeeds."""
        if self._isUnderWay:
            return
        self._isUnderWay = True
        self._onBegin()
        try:
            await self._await()
            await self._try()
            self._replace(await self._await())
        except (NotIdle, OSError, RuntimeError) as error:
            _log.critical("Not upgraded, this program goes on. {cause}", cause=error)
            self._onEnd(f"Not upgraded. {error}")
        finally:
            self._isUnderWay = False
            self._estatePath.unlink(missing_ok=True)

    async def _await(self) -> Estate:
        """
        @return: what is left, as soon as that can be said.
        """
        deadline = self._reactor.seconds() + _PATIENCE
        while True:
            try:
                estate = self._bequeath()
            except NotIdle:
                if self._reactor.seconds() > deadline:
                    raise
                await deferLater(self._reactor, _PAUSE)
            else:
                estate.write(self._estatePath)
                return estate

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, VARIABLE: str(self._estatePath)}

    async def _try(self) -> None:
        """
        @raise RuntimeError: if the code that is installed now cannot go on from here.
        """
        arguments = ["-m", "sipapp.upgrade", *([] if self._file is None else [self._file])]
        output, error, status = await getProcessOutputAndValue(
            sys.executable, arguments, self._environment, reactor=self._reactor
        )
        if status != 0:
            raise RuntimeError((error or output).decode("utf-8", "backslashreplace").strip())

    def _replace(self, estate: Estate) -> None:
        _log.info("Executes {command}", command=" ".join(self._command))
        sys.stdout.flush()
        sys.stderr.flush()
        if self._pidFile:
            Path(self._pidFile).unlink(missing_ok=True)
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        for fd in estate.fds:
            os.set_inheritable(fd, True)
        try:
            self._execute(self._command[0], self._command, self._environment)
        finally:
            for fd in estate.fds:
                os.set_inheritable(fd, False)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _check(file: str | None) -> None:
    """Find out in a fresh interpreter whether the new code can go on."""
    try:
        # By name: what is built upon this module is not for it to import.
        for module in ("sipapp.tap", "sipapp.worker"):
            importlib.import_module(module)
        resolve(loadSettings(file, resourceTypes()))
        estate = readEstate()
        if estate is not None:
            decodeSettings(estate.settings, resourceTypes())
    except Exception as error:
        raise SystemExit(f"{type(error).__name__}: {error}") from error


if __name__ == "__main__":
    _check(sys.argv[1] if len(sys.argv) > 1 else None)
