"""openssl s_client: a TLS handshake by somebody else's library, and a request inside of it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from tests.conftest import ServerStarter
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import Configuration
from tests.support.server import Server
from tests.support.siptext import Received, newBranch, newToken, request

pytestmark = pytest.mark.peer("openssl")


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    for host in ("127.0.0.1", "::1"):
        sharedConfiguration.listen("tls", host)
    return startSharedServer(sharedConfiguration)


class Client:
    """C{openssl s_client} at one endpoint."""

    def __init__(self, path: str, address: str, authority: CertificateAuthority) -> None:
        self.arguments = [path, "s_client", "-connect", address, "-quiet", "-no_ign_eof"]
        self.arguments += ["-CAfile", str(authority.file), "-verify_return_error"]
        self.arguments += ["-verify_hostname", "localhost", "-servername", "localhost"]

    def ask(self, *options: str) -> tuple[int, Received, str]:
        """Shake hands and send an OPTIONS.

        @return: exit status, the answer, and what openssl says.
        """
        data = request(
            "OPTIONS",
            "sip:example.test",
            via=f"SIP/2.0/TLS 127.0.0.1:9;branch={newBranch()};rport",
            fromValue=f"<sip:tester@example.test>;tag={newToken()}",
            toValue="<sip:example.test>",
            callID=newToken("openssl-"),
        )
        with subprocess.Popen(
            [*self.arguments, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdin and process.stdout and process.stderr
            try:
                process.stdin.write(data)
                process.stdin.flush()
                answer = b""
                while not answer.endswith(b"\r\n\r\n"):
                    line = process.stdout.readline()
                    if not line:
                        break
                    answer += line
                process.stdin.close()
                status = process.wait(20)
            finally:
                process.kill()
            return status, Received(answer), process.stderr.read().decode()


@pytest.fixture
def connectTo(
    program: Callable[[str], str], authority: CertificateAuthority
) -> Callable[[str], Client]:
    return lambda address: Client(program("openssl"), address, authority)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_options(
    server: Server, connectTo: Callable[[str], Client], host: str, version: str
) -> None:
    """Both versions that are in use; the certificate is verified, its name too."""
    port = server.endpoint("tls", host).port
    client = connectTo(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    status, answer, said = client.ask(version)
    assert answer.status == 200, said
    assert answer.get("via").startswith("SIP/2.0/TLS 127.0.0.1:9;")
    assert status == 0, said


def test_oldVersionIsRefused(server: Server, connectTo: Callable[[str], Client]) -> None:
    client = connectTo(f"127.0.0.1:{server.endpoint('tls').port}")
    # The client's own library must not be the one that refuses.
    status, answer, said = client.ask("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert status != 0
    assert not answer.raw
    assert "alert" in said
