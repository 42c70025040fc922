"""What a worker notes, and what the parent finds when it is gone."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from sipapp.pool import BlackBoxPen
from sipapp.pool.blackbox import KEPT, BlackBox, Name, Note, tell


@pytest.fixture
def box() -> Iterator[BlackBox]:
    box = BlackBox()
    yield box
    box.close()


@pytest.fixture
def pen(box: BlackBox) -> BlackBoxPen:
    return BlackBoxPen(os.dup(box.fd))


def test_nothingNoted(box: BlackBox, pen: BlackBoxPen) -> None:
    assert box.read() is None
    pen.done()
    assert box.read() is None


def test_aMessageInHandAndDone(box: BlackBox, pen: BlackBoxPen) -> None:
    pen.note(b"OPTIONS")
    assert box.read() == Note(b"OPTIONS", 7, True)
    pen.done()
    assert box.read() == Note(b"OPTIONS", 7, False)
    pen.note(b"ACK")
    assert box.read() == Note(b"ACK", 3, True)


@pytest.mark.parametrize("size", [KEPT - 1, KEPT, KEPT + 1, 65535])
def test_theBeginningOfALongMessage(box: BlackBox, pen: BlackBoxPen, size: int) -> None:
    data = os.urandom(size)
    pen.note(data)
    assert box.read() == Note(data[:KEPT], size, True)


def test_theNextProcessBeginsWithNothing(box: BlackBox, pen: BlackBoxPen) -> None:
    pen.note(b"OPTIONS")
    box.erase()
    assert box.read() is None


def test_itSurvivesTheWorker(box: BlackBox) -> None:
    """As a process that is killed, without a chance to write anything back."""
    pid = os.fork()
    if pid == 0:
        BlackBoxPen(os.dup(box.fd)).note(b"INVITE")
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    assert box.read() == Note(b"INVITE", 6, True)


def test_oneLineForTheLog() -> None:
    """Whatever is in the message."""
    note = Note(b"X\r\n\x1b[2J'\"\\\xff{x}", 4000, True)
    assert tell("udp-0/1", note, Name("14 bytes")) == (
        "udp-0/1 was working on 14 bytes, the first 2048 of 4000 bytes: "
        "X\\r\\n\\x1b[2J'\"\\\\\\xff{x}"
    )
    assert tell("tcp/0", Note(b"ACK", 3, False), Name("an ACK", shown=b"A**")) == (
        "tcp/0 had finished with all it read; the last was an ACK: A**"
    )
