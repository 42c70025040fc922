"""What the kernel says of processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from bench.usage import Usage, family, processorTime, residentMiB

#: A child with a child, both of which wait until they are killed or their input ends.
_FAMILY = """
import subprocess, sys
child = subprocess.Popen(["cat"], stdin=subprocess.PIPE)
print(child.pid, flush=True)
sys.stdin.read()
child.stdin.close()
child.wait()
"""


def test_processorTime() -> None:
    """The same as the process says of itself."""
    before = time.process_time()
    there = processorTime(os.getpid())
    assert before <= there <= time.process_time()


def test_workIsSeen() -> None:
    before = Usage(os.getpid())
    begun = time.process_time()
    while time.process_time() < begun + 0.05:
        pass
    after = Usage(os.getpid())
    assert 0.05 <= after.since(before) < after.at - before.at + 0.1
    assert after.eachSince(before)[os.getpid()] >= 0.05


def test_family() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", _FAMILY], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        grandchild = int(process.stdout.readline())
        assert family(process.pid) == [process.pid, grandchild]
        assert 1 < residentMiB(process.pid) < 100


def test_endedChildrenCount() -> None:
    """Their time is their parent's when it has waited for them."""
    before = Usage(os.getpid())
    work = "import time\nwhile time.process_time() < 0.2: pass"
    subprocess.run([sys.executable, "-c", work], check=True)
    assert Usage(os.getpid()).since(before) >= 0.18
