"""Where it was measured, in a sentence."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

from bench.compare.servers import program


def surroundings(*programs: str) -> str:
    """
    @param programs: those of others that took part. They say their version after C{-v}.
    @return: the machine and the versions of what runs on it.
    """
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    here = [
        f"{os.cpu_count()} processors ({_processor()}), {system}, Linux {platform.release()}",
        f"Python {platform.python_version()}, Twisted {version('twisted')}",
        *(_versionOf(name) for name in programs),
    ]
    return f"{', '.join(here)}."


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _versionOf(name: str) -> str:
    """
    @return: what a program says of itself.
    """
    answer = subprocess.run([program(name), "-v"], capture_output=True, text=True)
    found = re.search(rf"{name} v?\d+(\.\d+)+", answer.stdout, re.IGNORECASE)
    return found[0] if found else name
