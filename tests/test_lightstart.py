"""How workers begin: a slot is empty for as long as its next worker imports what it is made of."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """\
import sys

import sipapp.worker
from sipapp.plugins import resourceTypes

assert {"health", "metrics", "ready", "status", "xcap", "xmlrpc"} <= resourceTypes().keys()
for name in ("twisted.web.server", "sipapp.transport.web", "lxml", "prometheus_client"):
    assert name not in sys.modules, name
"""


def test_sipNeedsNoHTTP() -> None:
    """A worker knows all resources, and imports those that it serves with."""
    subprocess.run([sys.executable, "-c", SCRIPT], check=True, timeout=60)
