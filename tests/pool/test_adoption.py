"""A parent that replaces its own program, and goes on with the workers of the old one."""

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
        self.workers, self.ports = self.expect("all ready")

    def expect(self, what: str) -> list[Any]:
        """
        @return: what the next line says that tells of this. All come from the same process.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            told, pid, *details = json.loads(line)
            assert pid == self.pid
            if told == what:
                return details
        raise AssertionError(f"it ended before {what}")

    def expectOutput(self, text: str) -> None:
        """A worker has printed this."""
        while text not in self.expect("output")[0]:
            pass

    def order(self, what: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(what.encode() + b"\n")
        self._process.stdin.flush()

    def tellWorker(self, slot: int, question: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(question.encode(), ("127.0.0.1", self.ports[slot]))

    def stop(self) -> int:
        self._process.terminate()
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
def test_workersGoOn(parent: Parent, times: int) -> None:
    """The same processes are the children of the new image, which reads what they print, tells
    them to drain and reaps them."""
    for _ in range(times):
        parent.order("exec")
        assert parent.expect("all ready") == [parent.workers, parent.ports]
        assert children(parent.pid) == sorted(parent.workers)
    parent.tellWorker(1, "print something")
    parent.expectOutput("something")
    parent.stop()
    parent.expectOutput("draining")
    assert not [pid for pid in parent.workers if isAlive(pid)]


def test_crashIsSeen(parent: Parent) -> None:
    """And the worker is replaced in its slot."""
    parent.order("exec")
    parent.expect("all ready")
    os.kill(parent.workers[0], signal.SIGSEGV)
    assert parent.expect("exited")[0] == "udp-0/0"
    name, (new, other), ports = parent.expect("ready")
    assert name == "udp-0/0"
    assert new not in parent.workers
    assert other == parent.workers[1]
    assert ports == parent.ports


def test_endBetweenTheImages(parent: Parent) -> None:
    """It is a zombie when the new image begins."""
    parent.order("kill")
    assert parent.expect("exited")[0] == "udp-0/0"
    _, (new, other), _ = parent.expect("ready")
    assert new not in parent.workers
    assert other == parent.workers[1]
    assert not isAlive(parent.workers[0])


def test_workersDoNotOutliveTheNewImage(parent: Parent) -> None:
    """They are still bound to their parent, whatever program that runs."""
    parent.order("exec")
    parent.expect("all ready")
    watches = [os.pidfd_open(worker) for worker in parent.workers]
    parent.end()
    for watch in watches:
        # Nobody need have reaped it yet.
        assert select.select([watch], [], [], 15)[0]
        os.close(watch)
