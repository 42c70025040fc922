"""What a shell makes of C{sipappctl completion}."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.threads import deferToThread

from sipapp.rpc import method
from tests.admin.commands.conftest import Operate
from tests.support.terminal import Terminal

PROGRAMS = str(Path(sys.executable).parent)

# What bash does when somebody types a tab: see "Programmable Completion" in its manual.
TAB = """\
eval "$(sipappctl completion bash)"
COMP_WORDS=(sipappctl "$@")
COMP_CWORD=$#
COMP_LINE="${COMP_WORDS[*]}"
COMP_POINT=${#COMP_LINE}
function=$(complete -p sipappctl | sed -n 's/.*-F \\([^ ]*\\) .*/\\1/p')
"$function" sipappctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


class Pool:
    """Two of them."""

    @method(name="list")
    def entries(self) -> list[dict[str, Any]]:
        """Always."""
        return [{"name": "udp-0"}, {"name": "tcp"}]


def completed(words: Sequence[str], directory: Path, config: str = "none.toml") -> set[str]:
    """
    @param words: the last one is not finished.
    @return: what bash offers.
    """
    path = f"{PROGRAMS}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--norc", "-c", TAB, "bash", *words],
        cwd=directory,
        env={**os.environ, "PATH": path, "SIPAPP_CONFIG": config},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["re"], {"registrations", "reload", "resize", "restart", "resume"}),
        (["completion", "ba"], {"bash"}),
        (["user", ""], {"add", "list", "password", "remove", "role"}),
        (["user", "add", "--ro"], {"--role"}),
        (["user", "add", "--role", ""], {"viewer", "operator", "admin"}),
        (["status", "--config", "my"], {"my.toml"}),
        # There is nobody to ask.
        (["resize", "u"], set()),
    ],
)
def test_bash(tmp_path: Path, words: list[str], offered: set[str]) -> None:
    (tmp_path / "my.toml").touch()
    assert completed(words, tmp_path) == offered


@ensureDeferred
async def test_names(operate: Operate, tmp_path: Path) -> None:
    """The server is asked for those that it alone knows."""
    config = str(operate(pool=Pool()).config)

    async def offered(*words: str) -> set[str]:
        return await deferToThread(completed, words, tmp_path, config)

    assert await offered("resize", "u") == {"udp-0"}
    assert await offered("restart", "") == {"udp-0", "tcp"}
    assert await offered("call", "po") == {"pool.list"}


def test_whoeverReadsHasSeenEnough() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as pipe:
        done = subprocess.run(
            [f"{PROGRAMS}/sipappctl", "completion", "bash"],
            stdout=pipe,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.peer("zsh")
def test_zsh(tmp_path: Path) -> None:
    """Somebody types, with two tabs."""
    environment = {"PATH": f"{PROGRAMS}:{os.environ['PATH']}", "HOME": str(tmp_path), "PS1": "%% "}
    terminal = Terminal(["zsh", "-f", "-i"], environment=environment)
    script = tmp_path / "script"
    try:
        terminal.type("autoload -U compinit; compinit -u -D\n")
        terminal.type('eval "$(sipappctl completion zsh)"\n')
        terminal.type(f"sipappctl compl\tba\t > {script}; exit\n")
        terminal.join()
    finally:
        terminal.close()
    assert "-F _shtab_sipappctl sipappctl\n" in script.read_text()
