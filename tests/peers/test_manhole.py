"""OpenSSH in the manhole."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.server import START, Server

pytestmark = [pytest.mark.peer("ssh"), pytest.mark.peer("ssh-keygen")]

#: Seconds that a command may take on a machine that does other things as well.
PATIENCE = 90


class SSH:
    """A client with a key of its own, and the server that it may know."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        for name in ("key", "other"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True
            )
        self.port = 0

    def __call__(
        self,
        *command: str,
        user: str = "alice",
        key: str = "key",
        options: Sequence[str] = (),
        typed: str | None = None,
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [
                "ssh",
                *("-F", "/dev/null", "-q", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes"),
                *("-o", "StrictHostKeyChecking=accept-new"),
                *("-o", f"UserKnownHostsFile={self.directory / 'known'}"),
                *("-o", f"IdentityFile={self.directory / key}"),
                *options,
                *("-p", str(self.port), f"{user}@127.0.0.1", *command),
            ],
            input=None if typed is None else typed.encode(),
            stdin=subprocess.DEVNULL if typed is None else None,
            capture_output=True,
            timeout=PATIENCE,
            env={**os.environ, "SSH_AUTH_SOCK": ""},
        )
        # Ends of lines as they are.
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def terminal(self, *lines: str) -> str:
        """
        @return: what a terminal shows when that is typed, without what only moves the cursor.
        """
        done = self(options=["-tt"], typed="".join(f"{line}\n" for line in lines))
        assert done.returncode == 0
        return re.sub(r"\x1b(?:\[[\d;]*[A-Za-z]|E)|\r", "", done.stdout)


@pytest.fixture
def ssh(tmp_path: Path) -> SSH:
    return SSH(tmp_path)


@pytest.fixture
def server(configuration: Configuration, ssh: SSH, startServer: ServerStarter) -> Server:
    configuration.children = 2
    configuration.listen("udp")
    key = (ssh.directory / "key.pub").read_text().strip()
    users = {"alice": [str(ssh.directory / "key.pub")], "bob": [key.replace("key", "a")]}
    configuration.table("manhole", port=0, users=users)
    server = startServer(configuration)
    findPort(server, ssh)
    return server


def findPort(server: Server, ssh: SSH, after: int = 0) -> None:
    def found() -> list[str]:
        return re.findall(r"The manhole is at 127\.0\.0\.1 port (\d+)", server.output()[after:])

    waitFor(found, "a manhole", START)
    ssh.port = int(found()[-1])


def audited(server: Server) -> list[dict[str, object]]:
    text = (server.configuration.stateDirectory / "audit.log").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_oneCommand(server: Server, ssh: SSH) -> None:
    done = ssh("workers")
    assert (done.returncode, done.stderr) == (0, "")
    titles, *rows = done.stdout.splitlines()
    assert titles.split() == ["worker", "pid", "state", "restarts", "last", "reason"]
    assert [row.split()[:3] for row in rows] == [
        [name, str(pid), "ready"] for name, pid in server.workers().items()
    ]


def test_workersEvaluate(server: Server, ssh: SSH) -> None:
    done = ssh("""worker("udp-0/1").eval("import os; os.getpid(), worker.name")""")
    assert done.stdout == f"({server.workers()['udp-0/1']}, 'udp-0/1')\n"
    done = ssh("""everywhere("worker.name.upper()", kind="sip")""")
    assert done.stdout == "udp-0/0: 'UDP-0/0'\nudp-0/1: 'UDP-0/1'\n"
    done = ssh("""everywhere("len(reactor.getReaders())", kind="sip")""")
    assert re.fullmatch(r"udp-0/0: \d+\nudp-0/1: \d+\n", done.stdout)
    done = ssh("""worker("udp-0/1").eval("sorted(worker.domains)")""")
    assert done.stdout == f"['{DOMAIN}']\n"
    done = ssh("""worker("udp-0/0").eval("'x' * 10**6")""")
    assert 1000 < len(done.stdout) < 101_000


def test_methodsAndSettings(server: Server, ssh: SSH) -> None:
    assert ssh("location.count()").stdout == "0\n"
    assert ssh("settings.sip.t1").stdout == "0.5\n"
    assert "location.lookup(" in ssh("location").stdout
    assert "This is Python" in ssh("help()").stdout


def test_whatFails(server: Server, ssh: SSH) -> None:
    done = ssh("1 / 0")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[-1] == "ZeroDivisionError: division by zero"
    assert ssh("""worker("udp-9/9")""").stderr == "NotFound: there is no worker 'udp-9/9'\n"
    assert ssh("""worker("udp-0/0").shell()""").stderr.startswith("Conflict: a console in udp-0/0")
    assert ssh().stderr == "A console needs a terminal: give ssh -t, or a command to run.\n"


def test_aConsole(server: Server, ssh: SSH) -> None:
    shown = ssh.terminal(
        "pools",
        "for each in workers:",
        "    print(each.name)",
        "",
        "await core.version()",
        """worker("udp-0/1").shell()""",
        "name = worker.name",
        "name",
        "exit()",
        "settings.pools.chil\t",
        "1/0",
    )
    assert "pool   kind  workers  ready  restarts\nudp-0  sip         2      2         0\n" in shown
    assert "... \nudp-0/0\nudp-0/1\n>>> " in shown
    assert "\nudp-0/1> name\n'udp-0/1'\nudp-0/1> exit()\n>>> " in shown
    assert "settings.pools.children\n2\n" in shown
    assert "ZeroDivisionError: division by zero\n>>> " in shown


def test_theEnd(server: Server, ssh: SSH) -> None:
    """What is typed after it is not heard, and harms nobody."""
    assert ssh.terminal("exit()", "print('one' + 'two')").endswith(">>> exit()\n")
    assert "onetwo" not in ssh.terminal("exit()", "print('one' + 'two')")
    done = ssh("pools", options=["-tt"])
    assert done.returncode == 0
    assert done.stdout.count("\r\n") == done.stdout.count("\n") == 2
    assert "Traceback" not in server.output()


def test_whoGetsIn(server: Server, ssh: SSH) -> None:
    assert ssh("1", user="bob").stdout == "1\n"
    for user, key in (("alice", "other"), ("bob", "other"), ("eve", "key")):
        done = ssh("1", user=user, key=key)
        assert (done.returncode, done.stdout) == (255, "")
    (ssh.directory / "key.pub").write_text("")
    assert ssh("1").returncode == 255
    assert audited(server)[0]["who"] == "bob"
    assert len(audited(server)) == 1


def test_nothingElseThatSSHKnows(server: Server, ssh: SSH) -> None:
    """No ports are forwarded in either direction, and there are no files."""
    forward = ["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:9"]
    assert ssh("1", options=forward).returncode == 255
    assert ssh("sftp", options=["-s"]).returncode != 0
    done = ssh(options=["-W", f"127.0.0.1:{server.endpoint('udp').port}"])
    assert done.returncode != 0


def test_whatIsWrittenDown(server: Server, ssh: SSH) -> None:
    ssh("""user.remove("nobody", "nowhere")""")
    ssh("""user.add("carol", password="in wonderland")""")
    ssh.terminal("1 + 1")
    entries = audited(server)
    assert {(each["who"], each["source"], each["door"]) for each in entries} == {
        ("alice", "127.0.0.1", "manhole")
    }
    assert "manhole.open" in [each["method"] for each in entries]
    run = [each["parameters"] for each in entries if each["method"] == "manhole.run"]
    assert run[0] == {"source": """user.remove("nobody", "nowhere")"""}
    assert run[-1] == {"source": "1 + 1"}
    assert "wonderland" not in str(entries)
    assert "wonderland" not in server.output()
    assert not re.search("conch|Traceback|channel|lost", server.output())


def test_anotherImageHasItToo(server: Server, ssh: SSH) -> None:
    before = len(server.output())
    [known] = {line.split()[-1] for line in [ssh("1").stdout]}
    server.program.signal(signal.SIGUSR2)
    findPort(server, ssh, before)
    server.lineWith("Generation 1 has taken over")
    assert ssh("1").stdout.split() == [known]
    assert ssh("""worker("udp-0/0").eval("worker.name")""").stdout == "'udp-0/0'\n"
    key = server.configuration.stateDirectory / "manhole_key"
    assert key.read_text().startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    shown = subprocess.run(["ssh-keygen", "-l", "-f", key], capture_output=True, check=True)
    assert f"its host key {shown.stdout.split()[1].decode()}\n" in server.output()
