"""A parent that replaces its own program, and goes on with the worker of the old one."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.processes import children, isAlive


class Parent:
    """C{imagescript} as a subprocess."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.pool.imagescript"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )
        self.pid = self._process.pid
        _, _, self.worker, self.port = self.expect("started")
        self.expect("ready")

    def expect(self, what: str) -> list[Any]:
        """
        @return: the next line that tells of this. All come from the same process.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told: list[Any] = json.loads(line)
            assert told[1] == self.pid
            if told[0] == what:
                return told
        raise AssertionError(f"it ended before {what}")

    def order(self, what: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(what.encode() + b"\n")
        self._process.stdin.flush()

    def tellWorker(self, question: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(question.encode(), ("127.0.0.1", self.port))

    def join(self) -> int:
        return self._process.wait(15)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def parent() -> Iterator[Parent]:
    parent = Parent()
    yield parent
    parent.end()


@pytest.mark.parametrize("times", [1, 3])
def test_workerGoesOn(parent: Parent, times: int) -> None:
    """The same process is the child of the new image, which reads what it prints, reaches it
    over the channel, and reaps it."""
    for _ in range(times):
        parent.order("exec")
        assert parent.expect("adopted")[2] == parent.worker
        assert children(parent.pid) == [parent.worker]
    parent.tellWorker("print something")
    assert parent.expect("output")[2].endswith("something")
    parent.order("stop")
    assert parent.expect("exited")[2] == "exited with status 0"
    assert parent.join() == 0


def test_crashIsSeen(parent: Parent) -> None:
    parent.order("exec")
    parent.expect("adopted")
    os.kill(parent.worker, signal.SIGSEGV)
    assert parent.expect("exited")[2] == "killed by SIGSEGV"
    assert parent.join() == 0


def test_endBetweenTheImages(parent: Parent) -> None:
    """It is a zombie when the new image begins."""
    parent.order("kill")
    assert parent.expect("adopted")[2] == parent.worker
    assert parent.expect("exited")[2] == "killed by SIGKILL"
    assert not isAlive(parent.worker)


def test_workerDoesNotOutliveTheNewImage(parent: Parent) -> None:
    """It is still bound to its parent, whatever program that runs."""
    parent.order("exec")
    parent.expect("adopted")
    watch = os.pidfd_open(parent.worker)
    parent.end()
    # Nobody need have reaped it yet.
    assert select.select([watch], [], [], 15)[0]
    os.close(watch)
