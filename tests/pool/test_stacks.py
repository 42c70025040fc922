"""What the threads of a process are doing, and what a process is made to say about it."""

from __future__ import annotations

import threading

from twisted.internet.task import Clock

from sipapp.pool.stacks import StackDump, formatStacks

DUMP = b"""\
2026-01-01T00:00:00+0000 [-] something else
Thread 0x00007f5b8d3fe6c0 (most recent call first):
  File "/usr/lib/python3.11/threading.py", line 324 in wait
  ...

Current thread 0x00007f5b8f0b8740 (most recent call first):
  File "/usr/lib/python3.11/selectors.py", line 468 in select
{"level": "info", "system": "-", "message": "more of the log"}
"""


def dumped(dump: StackDump) -> list[str]:
    heard: list[str] = []
    for _ in range(2):
        dump.heard().addCallback(heard.append)
    return heard


def test_whatAProcessIsMadeToSay() -> None:
    """Picked out of its log, however it comes, until there is no more for a while."""
    clock = Clock()
    dump = StackDump(clock)
    heard = dumped(dump)
    for index in range(len(DUMP)):
        dump.feed(DUMP[index : index + 1])
    clock.advance(0.2)
    assert not dump.isOver
    dump.feed(b"  <no Python frame>\n")
    clock.advance(0.2)
    assert heard == []
    clock.advance(0.2)
    lines = [
        "Thread 0x00007f5b8d3fe6c0 (most recent call first):",
        '  File "/usr/lib/python3.11/threading.py", line 324 in wait',
        "  ...",
        "Current thread 0x00007f5b8f0b8740 (most recent call first):",
        '  File "/usr/lib/python3.11/selectors.py", line 468 in select',
        "  <no Python frame>",
    ]
    assert heard == ["\n".join(lines)] * 2
    assert dump.isOver


def test_oneThatSaysNothing() -> None:
    clock = Clock()
    heard = dumped(StackDump(clock))
    clock.advance(2.0)
    assert heard == ["", ""]


def test_stacks() -> None:
    """All threads but the one that looks, by their names."""
    begun, over = threading.Event(), threading.Event()

    def waitForTheEnd() -> None:
        begun.set()
        over.wait()

    other = threading.Thread(target=waitForTheEnd, name="the other one")
    other.start()
    begun.wait()
    text = formatStacks()
    over.set()
    other.join()
    assert "the other one, most recent call last:\n" in text
    assert "in waitForTheEnd" in text
    assert "in test_stacks\n" not in text
