"""What is freed does not stay with the process."""

from __future__ import annotations

import gc
import os
import weakref

import pytest
from twisted.internet.task import Clock

from sipapp.pool import HeapTrim, settleHeap
from sipapp.pool.memory import privateSize

#: More than Python's own allocator takes, and less than the C library maps on its own.
_SIZE = 2000
_COUNT = 20_000


def test_freedInTheMidst() -> None:
    clock = Clock()
    trim = HeapTrim(clock)
    if not trim.isOfUse:
        pytest.skip("this C library is not glibc 2.33 or newer")
    trim.startService()
    blocks = [bytes(_SIZE) for _ in range(_COUNT)]
    last = bytes(_SIZE)
    full = privateSize(os.getpid())
    del blocks
    clock.advance(10)
    # Half of it: others may have put theirs in between.
    assert full - privateSize(os.getpid()) > _SIZE * _COUNT / 2
    assert last
    trim.stopService()


def test_settled() -> None:
    """What a worker has made before it serves is not looked at again."""
    thresholds = gc.get_threshold()
    clock = Clock()
    try:
        settleHeap(clock)
        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] > thresholds[0]
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
    assert len(clock.getDelayedCalls()) == 1


def test_whatIsLeftToTheCollector() -> None:
    """It is not for long, however little it is."""

    class Ring:
        def __init__(self) -> None:
            self.myself = self

    clock = Clock()
    gc.collect()
    gc.disable()
    try:
        trim = HeapTrim(clock)
        trim.startService()
        left = weakref.ref(Ring())
        assert left() is not None
        clock.advance(10)
        assert left() is None
        trim.stopService()
    finally:
        gc.enable()
