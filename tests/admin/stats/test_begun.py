"""Tests of C{sipapp.admin.stats.begun}."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from sipapp.admin.stats.begun import begun

_PROGRAM = "import time; from sipapp.admin.stats.begun import begun; print(begun(time.time()))"


def test_another() -> None:
    """A process that is started now has begun now, to the tick of the kernel's clock."""
    before = time.time()
    said = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    assert before - 1 <= float(said.stdout) <= time.time() + 1


def test_otherProgram() -> None:
    """One that executes another program has begun before."""
    again = f"import os, sys; os.execv(sys.executable, [sys.executable, '-c', {_PROGRAM!r}])"
    with subprocess.Popen([sys.executable, "-c", again], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = float(process.stdout.read())
    assert said <= time.time() + 1


def test_self() -> None:
    now = time.time()
    assert begun(now) <= now
    assert abs(begun(now) - begun(now + 100) + 100) < 1
    assert os.getpid() > 0
