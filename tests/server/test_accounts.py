"""Users come, change their passwords and go while a server runs: the next request tells."""

from __future__ import annotations

import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from sipapp.sip.digest import answerTo, parseChallenge
from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.server import Server
from tests.support.sipclient import UDPSocket
from tests.support.siptext import Received

WORKERS = 3


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.listen("udp", workers=WORKERS, resources=["authenticate", "registrar"])
    return startServer(configuration)


def user(server: Server, *arguments: str, typed: str = "") -> str:
    """Run C{sipappctl user} as an operator does.

    @return: what it shows.
    """
    config = server.configuration.directory / "sipapp.toml"
    action, *others = arguments
    result = subprocess.run(
        [sys.executable, "-m", "sipapp.admin.ctl", "user", action, "--config", config, *others],
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def register(client: UDPSocket, username: str, password: str, callID: str) -> Received:
    """Register as a phone does: it is challenged, and answers."""
    aor = f"sip:{username}@{DOMAIN}"
    contact = [("Contact", f"<{client.contact(username)}>")]

    def ask(cseq: int, *extra: tuple[str, str]) -> Received:
        return client.ask(
            "REGISTER",
            f"sip:{DOMAIN}",
            fromURI=aor,
            toURI=aor,
            callID=callID,
            cseq=cseq,
            extra=[*contact, *extra],
        )

    challenged = ask(1)
    assert challenged.status == 401
    challenge = parseChallenge(challenged.get("www-authenticate"))
    answer = answerTo(challenge, username, password, "REGISTER", f"sip:{DOMAIN}", "cnonce")
    return ask(2, ("Authorization", answer))


def test_usersComeAndGo(server: Server) -> None:
    """In every worker: the Call-IDs are for all of them."""
    numbers = itertools.count()

    def statuses(password: str) -> set[int]:
        calls = [f"call-{next(numbers)}" for _ in range(8 * WORKERS)]
        return {register(client, "alice", password, call).status for call in calls}

    with UDPSocket(server.endpoint("udp").address) as client:
        assert statuses("wonderland") == {401}
        user(server, "add", f"alice@{DOMAIN}", "--password-stdin", typed="wonderland\n")
        assert statuses("wonderland") == {200}
        assert statuses("Wonderland") == {401}
        user(server, "password", "alice", "--password-stdin", typed="looking-glass\n")
        assert statuses("wonderland") == {401}
        assert statuses("looking-glass") == {200}
        assert user(server, "list") == f"USER   REALM{' ' * 9}ROLE\nalice  {DOMAIN}\n"
        user(server, "remove", "alice")
        assert statuses("looking-glass") == {401}
    server.stop()


def test_aFileOfPasswords(
    configuration: Configuration, startServer: ServerStarter, tmp_path: Path
) -> None:
    """A checker of twisted.cred in the place of the accounts."""
    passwords = tmp_path / "passwords"
    passwords.touch(mode=0o600)
    passwords.write_text("alice:wonderland\n")
    configuration.listen("udp", workers=1, resources=["authenticate", "registrar"])
    configuration.table("accounts", checker=f"file:{passwords}")
    server = startServer(configuration)
    with UDPSocket(server.endpoint("udp").address) as client:
        assert register(client, "alice", "wonderland", "one").status == 200
        assert register(client, "alice", "Wonderland", "two").status == 401
        passwords.write_text("alice:looking-glass\n")
        assert register(client, "alice", "looking-glass", "three").status == 200
    assert not (configuration.stateDirectory / "accounts.db").exists()
    server.stop()
