"""Who is banned by one worker is not heard by any, until an operator says so."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from sipapp.admin.ctl import main
from sipapp.sip.digest import answerTo, parseChallenge
from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.server import Server
from tests.support.sipclient import NoMessage, StreamSocket, UDPSocket
from tests.support.siptext import Address

WORKERS = 4
ATTACKER = "127.0.0.2"
HOME = f"sip:{DOMAIN}"
SCANNER = [("User-Agent", "friendly-scanner")]


@pytest.fixture
def server(configuration: Configuration, startServer: ServerStarter) -> Server:
    configuration.listen("udp", workers=WORKERS)
    configuration.listen("tcp")
    configuration.table("sources", exempt=[])
    configuration.table("bans", datagram_duration=1000.0)
    return startServer(configuration)


def hears(socket: UDPSocket, **arguments: Any) -> bool:
    try:
        status = socket.options(HOME, timeout=0.3, **arguments).status
    except NoMessage:
        return False
    assert status == 200
    return True


def isRefused(address: Address) -> bool:
    """Whether nobody takes a connection of the attacker's."""
    with suppress(ConnectionError), StreamSocket(address, host=ATTACKER) as connection:
        connection.options(HOME)
        return False
    return True


def ban(server: Server, action: str, *arguments: str) -> int:
    file = server.configuration.directory / "sipapp.toml"
    return main(["ban", action, "--config", str(file), *arguments])


def test_scanner(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    udp, tcp = server.endpoint("udp").address, server.endpoint("tcp").address
    with UDPSocket(udp, ATTACKER) as attacker, UDPSocket(udp) as phone:
        assert hears(attacker)
        # Each Call-ID goes to a worker of its own, and they count together.
        while ATTACKER not in listed(server, capsys):
            assert not hears(attacker, extra=SCANNER)
        waitFor(lambda: not any(hears(attacker) for _ in range(8)), "all workers know")
        assert all(hears(phone) for _ in range(8))
        # It was but a datagram, which anybody can have sent.
        with StreamSocket(tcp, host=ATTACKER) as connection:
            assert connection.options(HOME).status == 200
        assert ban(server, "remove", ATTACKER) == 0
        waitFor(lambda: all(hears(attacker) for _ in range(8)), "all workers forget")


def listed(server: Server, capsys: pytest.CaptureFixture[str]) -> str:
    assert ban(server, "list") == 0
    return capsys.readouterr().out


def test_operator(server: Server) -> None:
    udp, tcp = server.endpoint("udp").address, server.endpoint("tcp").address
    with UDPSocket(udp, ATTACKER) as attacker, StreamSocket(tcp, host=ATTACKER) as connection:
        assert hears(attacker)
        assert connection.options(HOME).status == 200
        assert ban(server, "add", "127.0.0.2/31", "--for", "1h") == 0
        waitFor(lambda: not any(hears(attacker) for _ in range(8)), "all workers know")
        with pytest.raises(ConnectionError):
            connection.options(HOME)
        assert isRefused(tcp)


def test_guessing(configuration: Configuration, startServer: ServerStarter) -> None:
    """Over UDP as well: who answers a challenge has got it."""
    configuration.listen("udp", workers=WORKERS, resources=["authenticate", "registrar"])
    configuration.listen("tcp", resources=["authenticate", "registrar"])
    configuration.table("sources", exempt=[])
    server = startServer(configuration)
    udp, tcp = server.endpoint("udp").address, server.endpoint("tcp").address
    with UDPSocket(udp, ATTACKER) as attacker, UDPSocket(udp) as phone:
        challenge = parseChallenge(attacker.ask("REGISTER", HOME).get("www-authenticate"))
        for count in range(1, 1000):
            proof = answerTo(challenge, "alice", f"guess {count}", "REGISTER", HOME, "x", count)
            with suppress(NoMessage):
                extra = [("Authorization", proof)]
                attacker.ask("REGISTER", HOME, extra=extra, timeout=0.3)
                continue
            break
        # The threshold is ten, and some workers learn of it a second later.
        assert count < 100
        waitFor(lambda: isRefused(tcp), "all workers know")
        assert phone.ask("REGISTER", HOME).status == 401
        server.lineWith("127.0.0.2/32", "banned for 3600 s, at last for authentication")
