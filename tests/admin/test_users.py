"""C{sipappctl user}."""

from __future__ import annotations

import io
import json
import os
import pty
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from sipapp.admin.ctl import main
from sipapp.storage import Account, AccountFile, SQLiteAccounts, newAccount


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of a server that has never been started; and whatever is wrong with what
    it says of other things, users can be added."""
    file = tmp_path / "sipapp.toml"
    file.write_text(
        f'[server]\nstate_directory = "{tmp_path}/state"\n'
        'domains = ["example.com", "example.net"]\n'
        '[[listen]]\naddress = "tun7"\nresources = ["no plugin of this name"]\n'
    )
    return file


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "accounts.db"


def user(config: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str, typed: str = "") -> int:
    """Run the command, with something on its standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    action, *others = arguments
    return main(["user", action, "--config", str(config), *others])


def accounts(path: Path) -> tuple[Account, ...]:
    with AccountFile(path) as file:
        return file.accounts()


def test_life(
    config: Path, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str, typed: str = "") -> int:
        return user(config, monkeypatch, *arguments, typed=typed)

    assert run("add", "--password-stdin", "alice", typed="wonderland\n") == 0
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert run("add", "bob@example.net", "--password-stdin", "--role=admin", typed="builder") == 0
    alice = newAccount("alice", "example.com", "wonderland")
    bob = newAccount("bob", "example.net", "builder", "admin")
    assert accounts(path) == (alice, bob)
    capsys.readouterr()
    assert run("list") == 0
    assert capsys.readouterr().out == (
        "USER   REALM        ROLE\nalice  example.com\nbob    example.net  admin\n"
    )
    assert run("list", "example.net") == 0
    assert capsys.readouterr().out == "USER  REALM        ROLE\nbob   example.net  admin\n"
    assert run("list", "example.net", "--json") == 0
    assert json.loads(capsys.readouterr().out) == [
        {"user": "bob", "realm": "example.net", "role": "admin"}
    ]
    assert run("password", "bob@example.net", "--password-stdin", typed="other\r\n") == 0
    changed = newAccount("bob", "example.net", "other", "admin")
    assert accounts(path) == (alice, changed), "the role stays"
    assert run("role", "bob@example.net", "viewer") == 0
    appointed = newAccount("bob", "example.net", "other", "viewer")
    assert accounts(path) == (alice, appointed), "the password stays"
    assert run("role", "bob@example.net", "none") == 0
    dismissed = newAccount("bob", "example.net", "other")
    assert accounts(path) == (alice, dismissed)
    assert run("remove", "alice@example.com") == 0
    assert accounts(path) == (dismissed,)
    assert capsys.readouterr() == ("", "")


def test_realmsWithAnAt(config: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ("add", "--password-stdin", "--realm", "phones@example.com", "alice@home")
    assert user(config, monkeypatch, *arguments, typed="wonderland\n") == 0
    assert accounts(path) == (newAccount("alice@home", "phones@example.com", "wonderland"),)


def test_aRunningServerSeesIt(config: Path, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.parent.mkdir()
    store = SQLiteAccounts(path)
    assert user(config, monkeypatch, "add", "--password-stdin", "alice", typed="wonderland\n") == 0
    assert store.find("alice", "example.com") == newAccount("alice", "example.com", "wonderland")
    assert user(config, monkeypatch, "remove", "alice") == 0
    assert store.find("alice", "example.com") is None
    store.close()


@pytest.mark.parametrize(
    ("arguments", "typed", "reason"),
    [
        (
            ("add", "--password-stdin", "alice"),
            "other\n",
            "there is a user 'alice' of 'example.com'",
        ),
        (("add", "--password-stdin", "carol"), "\n", "the password is empty"),
        (("add", "--password-stdin", "carol"), "", "the password is empty"),
        (("add", "--password-stdin", "ca:rol"), "p\n", "has a colon"),
        (("add", "--password-stdin", "carol@"), "p\n", "the realm is empty"),
        (("add", "--password-stdin", "ca\x1b[2Jrol"), "p\n", "holds what cannot be printed"),
        (("password", "--password-stdin", "carol"), "p\n", "no user 'carol' of 'example.com'"),
        (("role", "carol", "admin"), "", "no user 'carol' of 'example.com'"),
        (("remove", "carol"), "", "no user 'carol' of 'example.com'"),
        (("remove", "alice@example.net"), "", "no user 'alice' of 'example.net'"),
    ],
)
def test_refused(
    config: Path,
    path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    typed: str,
    reason: str,
) -> None:
    path.parent.mkdir()
    alice = newAccount("alice", "example.com", "wonderland")
    with AccountFile(path) as file:
        file.add(alice)
    assert user(config, monkeypatch, *arguments, typed=typed) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("sipappctl: ")
    assert said.err.count("\n") == 1
    assert reason in said.err
    assert accounts(path) == (alice,)


def test_noDatabase(
    config: Path, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only who adds somebody makes one: another directory may have been meant."""
    for arguments in (("list",), ("remove", "alice"), ("password", "alice")):
        assert user(config, monkeypatch, *arguments) == 1
        assert capsys.readouterr().err == f"sipappctl: there is no {path} yet\n"
    assert not path.parent.exists()


def test_noConfiguration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "missing.toml"
    assert user(missing, monkeypatch, "list") == 1
    assert "missing.toml: cannot be read: No such file" in capsys.readouterr().err
    missing.write_text("[accounts]\npath = 5\n[server]\ndomain = []\n")
    assert user(missing, monkeypatch, "list") == 1
    said = capsys.readouterr().err
    assert "accounts.path: expected str, got 5" in said
    assert "server.domain: unknown key; did you mean domains?" in said


def test_noDomain(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "sipapp.toml"
    file.write_text(f'[server]\nstate_directory = "{tmp_path}"\n')
    assert user(file, monkeypatch, "add", "--password-stdin", "alice", typed="p\n") == 1
    assert "the realm is missing: alice@REALM" in capsys.readouterr().err


def test_anotherIsAsked(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """An operator who wonders why a user is not let in."""
    config.write_text(config.read_text() + '[accounts]\nchecker = "file:/etc/passwords"\n')
    assert user(config, monkeypatch, "add", "--password-stdin", "alice", typed="p\n") == 0
    assert "has users checked by file:/etc/passwords instead" in capsys.readouterr().err


class Terminal:
    """Runs the command at a terminal of its own and types what it is asked for."""

    def __init__(self, config: Path, *arguments: str) -> None:
        self.shown = b""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            command = [sys.executable, "-m", "sipapp.admin.ctl", "user", *arguments]
            os.execv(sys.executable, [*command, "--config", str(config)])

    def answer(self, prompt: str, typed: str) -> None:
        while not self.shown.endswith(prompt.encode()):
            self.shown += self._read()
        os.write(self._fd, typed.encode())

    def end(self) -> int:
        """
        @return: the exit status.
        """
        try:
            while data := self._read():
                self.shown += data
        except OSError:
            pass  # A terminal that nobody has open any more.
        _, status = os.waitpid(self.pid, 0)
        os.close(self._fd)
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bytes:
        if not select.select([self._fd], [], [], 60)[0]:
            os.kill(self.pid, signal.SIGKILL)
            raise AssertionError(f"nothing follows {self.shown!r}")
        return os.read(self._fd, 4096)


def test_prompt(config: Path, path: Path) -> None:
    """It is asked for twice and never shown."""
    terminal = Terminal(config, "add", "alice")
    terminal.answer("Password of alice of example.com: ", "wonderland\n")
    terminal.answer("Once more: ", "wonderland\n")
    assert terminal.end() == 0
    assert b"wonderland" not in terminal.shown
    assert accounts(path) == (newAccount("alice", "example.com", "wonderland"),)


def test_notTwiceTheSame(config: Path, path: Path) -> None:
    terminal = Terminal(config, "add", "alice")
    terminal.answer("Password of alice of example.com: ", "wonderland\n")
    terminal.answer("Once more: ", "wunderland\n")
    assert terminal.end() == 1
    assert b"that was not twice the same" in terminal.shown
    assert accounts(path) == ()


def test_interrupted(config: Path, path: Path) -> None:
    terminal = Terminal(config, "add", "alice")
    terminal.answer("Password of alice of example.com: ", "\x03")
    assert terminal.end() == 1
    assert b"no password was given" in terminal.shown
    assert accounts(path) == ()


def test_noTerminal(config: Path) -> None:
    """A script that forgets --password-stdin is told so, and nothing waits."""
    result = subprocess.run(
        [sys.executable, "-m", "sipapp.admin.ctl", "user", "add", "alice", "--config", config],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        start_new_session=True,
        check=False,
    )
    assert result.returncode == 1
    assert result.stderr == ("sipappctl: there is no terminal to ask at: use --password-stdin\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_whatRootMakesBelongsToTheServer(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="sipapp-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        file, state = directory / "sipapp.toml", directory / "state"
        file.write_text(
            f'[server]\nuser = "nobody"\ndomains = ["example.com"]\nstate_directory = "{state}"\n'
        )
        assert user(file, monkeypatch, "add", "--password-stdin", "alice", typed="p\n") == 0
        assert user(file, monkeypatch, "remove", "alice") == 0
        assert {each.stat().st_uid for each in (state, *state.iterdir())} == {65534}


def test_whatIsChangedIsWrittenDown(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the server had been asked; of passwords nothing."""

    def run(*arguments: str, typed: str = "") -> int:
        return user(config, monkeypatch, *arguments, typed=typed)

    assert run("add", "bob", "--password-stdin", typed="builder\n") == 0
    assert run("role", "bob", "admin") == 0
    assert run("list") == 0
    assert run("remove", "eve") == 1
    path = config.parent / "state" / "audit.log"
    entries = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(each["method"], each["parameters"]) for each in entries] == [
        ("user.add", {"user": "bob", "realm": "example.com", "role": None}),
        ("user.role", {"user": "bob", "realm": "example.com", "role": "admin"}),
        ("user.remove", {"user": "eve", "realm": "example.com"}),
    ]
    assert "there is no user 'eve'" in entries[2]["fault"]["text"]
    assert {(each["door"], each["source"]) for each in entries} == {("files", f"pid {os.getpid()}")}
    assert entries[0]["who"]
    assert "builder" not in path.read_text()


def test_noSuchUserOfTheMachine(
    config: Path, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(f'[server]\nuser = "nobody-at-all"\nstate_directory = "{path.parent}"\n')
    assert user(config, monkeypatch, "add", "bob@example.com", "--password-stdin", typed="x") == 1
    said = capsys.readouterr().err
    assert said == 'sipappctl: server.user: there is no user "nobody-at-all" here\n'


def test_notUTF8(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert user(config, monkeypatch, "add", "bob", "--password-stdin", typed="x\n") == 0
    assert user(config, monkeypatch, "remove", "b\udcff") == 1
    assert user(config, monkeypatch, "list", "b\udcff") == 1
