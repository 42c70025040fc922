"""openssl s_client and s_server: TLS handshakes by somebody else's library, and requests inside of
them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import ServerStarter
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import Configuration, Endpoint
from tests.support.deadlines import waitFor
from tests.support.ports import freePort
from tests.support.server import Server
from tests.support.sipclient import StreamSocket
from tests.support.siptext import Received, newBranch, newToken, request

pytestmark = pytest.mark.peer("openssl")

MODES = ("none", "optional", "required")
VERSIONS = pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])

Pair = tuple[Path, Path]


@pytest.fixture(scope="module")
def endpoints(
    sharedConfiguration: Configuration, authority: CertificateAuthority
) -> dict[str, Endpoint]:
    """By what they want of clients. The one that wants nothing has a second certificate."""
    certificate, key = authority.issue("named.example.test", "sip:example.net")
    made = {}
    for mode in MODES:
        made[mode] = sharedConfiguration.listen("tls")
        sharedConfiguration.blocks[-1]["tls"] |= {"ca": authority.file, "verify_client": mode}
    sharedConfiguration.blocks[0]["tls"]["certificates"] = [
        {"certificate": certificate, "private_key": key}
    ]
    made["IPv6"] = sharedConfiguration.listen("tls", "::1")
    sharedConfiguration.table("sip.tls", ca=authority.file)
    sharedConfiguration.table("trusted", domains=["carrier.example"])
    return made


@pytest.fixture(scope="module")
def server(
    sharedConfiguration: Configuration,
    endpoints: dict[str, Endpoint],
    startSharedServer: ServerStarter,
) -> Server:
    return startSharedServer(sharedConfiguration)


class Client:
    """C{openssl s_client} at one endpoint."""

    def __init__(self, path: str, endpoint: Endpoint, authority: CertificateAuthority) -> None:
        host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
        self.arguments = [path, "s_client", "-connect", f"{host}:{endpoint.port}"]
        self.arguments += ["-quiet", "-no_ign_eof"]
        self.arguments += ["-CAfile", str(authority.file), "-verify_return_error"]
        self.arguments += ["-verify_hostname", "localhost", "-servername", "localhost"]

    def ask(self, *options: str, first: bytes = b"") -> tuple[int, Received, str]:
        """Shake hands and send an OPTIONS.

        @param first: what is written to openssl before.
        @return: exit status, the answer, and what openssl says.
        """
        data = first + request(
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
    program: Callable[[str], str], authority: CertificateAuthority, endpoints: dict[str, Endpoint]
) -> Callable[[str], Client]:
    return lambda which: Client(program("openssl"), endpoints[which], authority)


@VERSIONS
@pytest.mark.parametrize("which", ["none", "IPv6"])
def test_options(
    server: Server, connectTo: Callable[[str], Client], which: str, version: str
) -> None:
    """Both versions that are in use; the certificate is verified, its name too."""
    status, answer, said = connectTo(which).ask(version)
    assert answer.status == 200, said
    assert answer.get("via").startswith("SIP/2.0/TLS 127.0.0.1:9;")
    assert status == 0, said


def test_oldVersionIsRefused(server: Server, connectTo: Callable[[str], Client]) -> None:
    # The client's own library must not be the one that refuses.
    status, answer, said = connectTo("none").ask("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")
    assert status != 0
    assert not answer.raw
    assert "alert" in said


@pytest.mark.parametrize("cipher", ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"])
def test_weakCiphersAreRefused(
    server: Server, connectTo: Callable[[str], Client], cipher: str
) -> None:
    status, answer, said = connectTo("none").ask("-tls1_2", "-cipher", cipher)
    assert (status != 0, answer.raw) == (True, b"")
    assert "alert handshake failure" in said


@VERSIONS
def test_serverName(server: Server, connectTo: Callable[[str], Client], version: str) -> None:
    """Another name, another certificate."""
    name = ("-servername", "named.example.test", "-verify_hostname", "named.example.test")
    status, answer, said = connectTo("none").ask(version, *name)
    assert (status, answer.status) == (0, 200), said
    status, answer, said = connectTo("none").ask(version, *name[2:])
    assert "hostname mismatch" in said


@pytest.fixture(scope="module")
def pairs(
    authority: CertificateAuthority, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Pair]:
    """Certificates and keys of clients."""
    other = CertificateAuthority(tmp_path_factory.mktemp("other"))
    return {
        "good": authority.issue("sip:carrier.example", file="carrier"),
        "other": authority.issue("sip:other.example", file="other"),
        "stranger's": other.issue("sip:carrier.example", file="carrier"),
    }


@VERSIONS
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shown", ["nothing", "good", "stranger's"])
def test_clientCertificates(
    server: Server,
    connectTo: Callable[[str], Client],
    pairs: dict[str, Pair],
    mode: str,
    shown: str,
    version: str,
) -> None:
    options = [version]
    if shown != "nothing":
        certificate, key = pairs[shown]
        options += ["-cert", str(certificate), "-key", str(key)]
    status, answer, said = connectTo(mode).ask(*options)
    if mode == "none" or shown == "good" or (mode, shown) == ("optional", "nothing"):
        assert (status, answer.status) == (0, 200), said
    else:
        assert not answer.raw
        assert "alert" in said, said


def test_noRenegotiation(server: Server, connectTo: Callable[[str], Client]) -> None:
    """A client cannot have the server do the dear part of a handshake again and again."""
    status, answer, said = connectTo("none").ask("-tls1_2", first=b"R\n")
    assert status != 0
    assert not answer.raw
    assert "RENEGOTIATING" in said
    assert "no renegotiation" in said


@VERSIONS
def test_noResumption(
    server: Server,
    connectTo: Callable[[str], Client],
    pairs: dict[str, Pair],
    tmp_path: Path,
    version: str,
) -> None:
    """Whoever comes again shows its certificate again."""
    session = tmp_path / "session.pem"
    certificate, key = map(str, pairs["good"])
    own = ("-cert", certificate, "-key", key)
    client = connectTo("required")
    status, answer, said = client.ask(version, *own, "-sess_out", str(session))
    assert (status, answer.status) == (0, 200), said
    if session.exists():
        status, answer, said = client.ask(version, "-sess_in", str(session))
        assert not answer.raw


@pytest.mark.parametrize(("shown", "status"), [("good", 500), ("other", 403), (None, 403)])
def test_trustedDomain(
    server: Server,
    endpoints: dict[str, Endpoint],
    authority: CertificateAuthority,
    pairs: dict[str, Pair],
    shown: str | None,
    status: int,
) -> None:
    """Who has proven to be a trusted domain is relayed (to nowhere), whichever worker has the
    connection; others are not, whatever they call themselves."""
    context = authority.clientContext()
    if shown is not None:
        context.load_cert_chain(*pairs[shown])
    for _ in range(4):
        with StreamSocket(endpoints["optional"].address, context) as client:
            uri = f"sip:nobody@127.0.0.1:{freePort()};transport=tcp"
            answer = client.ask("MESSAGE", uri, fromURI="sip:tester@carrier.example")
            assert answer.status == status


class TestConnecting:
    """The server opens the connection, to C{openssl s_server}."""

    @pytest.fixture
    def serve(
        self, program: Callable[[str], str], tmp_path: Path
    ) -> Iterator[Callable[[Pair, Pair], tuple[int, Path]]]:
        started: list[subprocess.Popen[bytes]] = []

        def start(first: Pair, forLocalhost: Pair) -> tuple[int, Path]:
            """
            @param first: what is shown to who asks for no name.
            @param forLocalhost: what is shown to who asks for that.
            @return: the port, and the file of what is received.
            """
            port = freePort()
            arguments = [program("openssl"), "s_server", "-accept", f"127.0.0.1:{port}"]
            arguments += ["-cert", str(first[0]), "-key", str(first[1])]
            arguments += ["-cert2", str(forLocalhost[0]), "-key2", str(forLocalhost[1])]
            arguments += ["-servername", "localhost"]
            received = tmp_path / f"{port}.log"
            with received.open("wb") as output:
                # It ends when its standard input does.
                peer = subprocess.Popen(
                    arguments, stdin=subprocess.PIPE, stdout=output, stderr=output
                )
            started.append(peer)
            waitFor(lambda: "ACCEPT" in received.read_text(), "s_server")
            return port, received

        yield start
        for peer in started:
            peer.kill()
            peer.communicate()

    def ask(
        self,
        endpoints: dict[str, Endpoint],
        authority: CertificateAuthority,
        pairs: dict[str, Pair],
        port: int,
    ) -> StreamSocket:
        """Have the server send a request to another one, as a trusted peer may."""
        context = authority.clientContext()
        context.load_cert_chain(*pairs["good"])
        client = StreamSocket(endpoints["optional"].address, context)
        uri = f"sips:somebody@localhost:{port}"
        client.send(
            request(
                "MESSAGE",
                uri,
                via=client.via(),
                fromValue=f"<sips:tester@carrier.example>;tag={newToken()}",
                toValue=f"<{uri}>",
                callID=newToken("connecting-"),
            )
        )
        return client

    def test_serverNameIsAskedFor(
        self,
        server: Server,
        endpoints: dict[str, Endpoint],
        authority: CertificateAuthority,
        pairs: dict[str, Pair],
        serverCertificate: Pair,
        serve: Callable[[Pair, Pair], tuple[int, Path]],
    ) -> None:
        port, received = serve(pairs["other"], serverCertificate)
        with self.ask(endpoints, authority, pairs, port):
            waitFor(
                lambda: "MESSAGE sips:somebody@localhost" in received.read_text(), "the request"
            )

    def test_wildcard(
        self,
        server: Server,
        endpoints: dict[str, Endpoint],
        authority: CertificateAuthority,
        pairs: dict[str, Pair],
        serve: Callable[[Pair, Pair], tuple[int, Path]],
    ) -> None:
        """A certificate for another name: the server says nothing to it, and why."""
        wrong = authority.issue("*.localhost", "host.localhost", file="wildcard")
        port, received = serve(wrong, wrong)
        with self.ask(endpoints, authority, pairs, port) as client:
            assert client.receive().status == 500
        assert "MESSAGE" not in received.read_text()
        server.lineWith("has a certificate of host.localhost and not of 'localhost', closed")
