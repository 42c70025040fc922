"""How commands begin: nobody waits for what he does not need, least of all after a tab."""

from __future__ import annotations

import subprocess
import sys

LIGHT = (
    *("status", "top", "pools", "workers", "listeners", "registrations", "connections"),
    *("transactions", "reload", "resize", "restart", "drain", "resume", "shutdown"),
    *("trace", "call", "methods", "completion", "ping"),
)

SCRIPT = """\
import sys
from sipapp.admin.ctl import makeParser

for command in sys.argv[1:]:
    makeParser(command)
    assert "twisted" not in sys.modules, command
"""


def test_whatAsksAServerNeedsNoTwisted() -> None:
    """To import that takes longer than all the rest."""
    subprocess.run([sys.executable, "-c", SCRIPT, *LIGHT], check=True, timeout=60)
