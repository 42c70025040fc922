"""sipsak, the tool at every administrator's hand: is the server there, does it register?"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import Configuration
from tests.support.server import Server
from tests.support.sipclient import UDPSocket
from tests.support.siptext import newToken

pytestmark = pytest.mark.peer("sipsak")

Sipsak = Callable[..., str]


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    for transport in ("udp", "tcp", "tls"):
        sharedConfiguration.listen(transport)
    # sipsak asks the resolver for every domain that is not an address, and writes but four digits
    # of a port into a URI: the server is its outbound proxy instead.
    sharedConfiguration.table("server", domains=["127.0.0.1"])
    return startSharedServer(sharedConfiguration)


@pytest.fixture
def sipsak(program: Callable[[str], str], tmp_path: Path) -> Sipsak:
    def run(*arguments: str) -> str:
        """
        @return: what it says; the exit status has to be 0.
        """
        result = subprocess.run(
            [program("sipsak"), "-vv", *arguments],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=30,
            cwd=tmp_path,
            check=False,
        )
        said = result.stdout + result.stderr
        assert result.returncode == 0, f"exit status {result.returncode}\n{said}"
        return said

    return run


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_options(server: Server, sipsak: Sipsak, transport: str) -> None:
    proxy = f"127.0.0.1:{server.endpoint(transport).port}"
    said = sipsak("-E", transport, "-s", "sip:127.0.0.1", "-p", proxy)
    assert "SIP/2.0 200" in said


def test_register(server: Server, sipsak: Sipsak) -> None:
    endpoint = server.endpoint("udp")
    user = newToken("sak-")
    contact = f"sip:{user}@127.0.0.1:9"
    proxy = f"127.0.0.1:{endpoint.port}"
    sipsak("-U", "-s", f"sip:{user}@127.0.0.1", "-p", proxy, "-C", contact, "-x", "300")
    with UDPSocket(endpoint.address) as client:
        assert contact in client.register(user, "127.0.0.1", contact="").get("contact")
