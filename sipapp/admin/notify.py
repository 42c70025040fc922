"""What a server tells the service manager that has started it: C{sd_notify} of systemd.

A message is one datagram with a line for each assignment, sent to the unix socket that the
environment names. A server that nobody has given such a socket says nothing. systemd takes the
messages of the parent only, and only the parent sends any.

The watchdog is fed by a call of the reactor's, so that it is fed only as long as the reactor
turns: a parent that is stuck is replaced, with its workers.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from twisted.internet.task import LoopingCall
from twisted.logger import Logger

__all__ = ["ServiceNotifier"]

_log = Logger()

# How long to wait with the next message while the service manager does not read them.
_PAUSE = 0.1
# Only for a service manager that does not read at all; it sees the first ones when it does again.
_MOST_WAITING = 100


class ServiceNotifier:
    """Tells the service manager when the server is ready, reloads or stops, and that it lives.

    @ivar watchdogInterval: seconds between two signs of life: half of what the service manager
        waits for one (C{WATCHDOG_USEC}); C{None} if it does not wait for any.
    """

    def __init__(self, reactor: Any, environment: Mapping[str, str] | None = None) -> None:
        """
        @param reactor: provides C{IReactorTime}.
        @param environment: names the socket and the time; C{None} is that of this process.
        """
        variables = os.environ if environment is None else environment
        self._reactor = reactor
        self._address = _address(variables.get("NOTIFY_SOCKET", ""))
        self.watchdogInterval = _watchdogInterval(variables) if self._address else None
        self._socket: socket.socket | None = None
        self._waiting: deque[bytes] = deque()
        self._retry: Any = None
        self._watchdog = LoopingCall(self._send, "WATCHDOG=1")
        self._watchdog.clock = reactor

    def start(self) -> None:
        """Begin with the signs of life."""
        if self.watchdogInterval is not None:
            self._watchdog.start(self.watchdogInterval)

    def stop(self) -> None:
        """End them: after everything else has stopped, which may take its time."""
        if self._watchdog.running:
            self._watchdog.stop()
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ready(self, status: str) -> None:
        """The server serves: after its start, and after each reload, also one that has failed.

        @param status: for people, as L{status}.
        """
        self._send("READY=1", f"STATUS={_oneLine(status)}")

    def reloading(self, status: str = "Reloads") -> None:
        """A reload has begun; L{ready} ends it.

        systemd takes this for the answer to its own signal only with the time of it.
        """
        now = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now}", f"STATUS={_oneLine(status)}")

    def stopping(self, status: str = "Stops") -> None:
        """The server has begun to stop."""
        self._send("STOPPING=1", f"STATUS={_oneLine(status)}")

    def status(self, status: str) -> None:
        """Say in one line, for people, what the server does."""
        self._send(f"STATUS={_oneLine(status)}")

    def _send(self, *assignments: str) -> None:
        if self._address and len(self._waiting) < _MOST_WAITING:
            self._waiting.append("\n".join(assignments).encode("utf-8", "backslashreplace"))
            if self._retry is None:
                self._flush()

    def _flush(self) -> None:
        """Send what there is, in order; the parent never waits for whoever does not read it."""
        self._retry = None
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.setblocking(False)
            while self._waiting:
                self._socket.sendto(self._waiting[0], self._address)
                self._waiting.popleft()
        except BlockingIOError:
            self._retry = self._reactor.callLater(_PAUSE, self._flush)
        except OSError as error:
            self._waiting.clear()
            # systemd unlinks nothing while a service runs: whoever did this is to know.
            _log.warn("The service manager is not reached: {error}", error=error)


def _address(name: str) -> str:
    """
    @param name: a path, or a name in the abstract name space that begins with C{@}.
    @return: what the socket is reached at; empty if there is none.
    """
    if name.startswith("@"):
        return "\0" + name[1:]
    return name if name.startswith("/") else ""


def _watchdogInterval(variables: Mapping[str, str]) -> float | None:
    if variables.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    with contextlib.suppress(ValueError):
        microseconds = int(variables.get("WATCHDOG_USEC", "0"))
        if microseconds > 0:
            return microseconds / 2e6
    return None


def _oneLine(text: str) -> str:
    """A line end would begin another assignment."""
    return " ".join(text.split())
