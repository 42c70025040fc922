"""What becomes of a command whose output cannot be written."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_twisted import ensureDeferred

from sipapp.rpc import method
from tests.admin.commands.conftest import Operate

SIPAPPCTL = Path(sys.executable).with_name("sipappctl")


class Phone:
    """Says who made it."""

    @method()
    def agent(self) -> str:
        """In no alphabet of Western Europe."""
        return "Телефон é"


@pytest.mark.parametrize(
    ("output", "status", "said"),
    [
        ("/dev/full", 1, "sipappctl: [Errno 28] No space left on device\n"),
        ("&-", 0, ""),
        ("/dev/null 2>&-", 0, ""),
    ],
)
def test_redirected(output: str, status: int, said: str) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{SIPAPPCTL} completion bash >{output}"],
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (status, said)


@ensureDeferred
async def test_anotherEncoding(operate: Operate, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the terminal has no characters for is escaped."""
    written = io.BytesIO()
    server = operate(phone=Phone())
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    assert await server.run("call", "phone.agent") == 0
    assert written.getvalue() == rb"\u0422\u0435\u043b\u0435\u0444\u043e\u043d " + b"\xe9\n"
