"""tshark, which is Wireshark without windows, opens what C{sipappctl trace} has written."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sipapp.admin.trace.capture import Capture
from sipapp.tracing import Sighting
from tests.conftest import ServerStarter
from tests.support.certificates import CertificateAuthority
from tests.support.configuration import DOMAIN, Configuration
from tests.support.deadlines import waitFor
from tests.support.dialog import Call, Callee
from tests.support.processes import Program
from tests.support.server import Server
from tests.support.sipclient import StreamSocket, UDPSocket

pytestmark = pytest.mark.peer("tshark")

SIPAPPCTL = str(Path(sys.executable).with_name("sipappctl"))

_CHECKS = ("ip.check_checksum", "udp.check_checksum", "tcp.check_checksum")

Tshark = Callable[..., list[list[str]]]


@pytest.fixture
def tshark(program: Callable[[str], str], tmp_path: Path) -> Tshark:
    def run(file: Path, wanted: str, *fields: str) -> list[list[str]]:
        """
        @param wanted: a display filter.
        @return: the fields of each packet that it lets through.
        """
        arguments = [program("tshark"), "-n", "-r", str(file), "-Y", wanted, "-T", "fields"]
        for name in _CHECKS:
            arguments += ["-o", f"{name}:TRUE"]
        for field in fields:
            arguments += ["-e", field]
        result = subprocess.run(
            arguments,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        )
        assert result.returncode == 0, result.stderr
        return [line.split("\t") for line in result.stdout.splitlines()]

    return run


def assertSound(tshark: Tshark, file: Path) -> None:
    """Nothing is malformed, all checksums are right, and no connection lacks anything."""
    wrong = (
        "_ws.malformed or ip.checksum.status == Bad or udp.checksum.status == Bad"
        " or tcp.checksum.status == Bad or tcp.analysis.flags"
    )
    assert tshark(file, wrong, "frame.number", "_ws.col.Info") == []


ENDS = [
    pytest.param(("192.0.2.254", 5060), ("192.0.2.1", 40_000), id="IPv4"),
    pytest.param(("2001:db8::1", 5060), ("2001:db8::2", 40_000), id="IPv6"),
]


@pytest.mark.parametrize("transport", ["UDP", "TCP", "TLS"])
@pytest.mark.parametrize(("local", "remote"), ENDS)
def test_whateverTheTransport(
    tshark: Tshark,
    tmp_path: Path,
    transport: str,
    local: tuple[str, int],
    remote: tuple[str, int],
) -> None:
    file = tmp_path / "trace.pcap"
    if transport == "TLS":
        local = local[0], 5061
    size = 500 if transport == "UDP" else 100_000
    with file.open("wb") as output:
        capture = Capture(output)
        for number in range(4):
            message = (
                "MESSAGE sip:a@example.com SIP/2.0\r\n"
                f"Via: SIP/2.0/{transport} a;branch=z9hG4bK1\r\n"
                "From: <sip:b@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\n"
                f"Call-ID: {number}\r\nCSeq: 1 MESSAGE\r\nContent-Type: text/plain\r\n"
                f"Content-Length: {size}\r\n\r\n"
            ).encode() + size * b"x"
            direction = "sent" if number % 2 else "received"
            capture.add(
                Sighting(
                    1_800_000_000.0 + number,
                    "udp-0/0",
                    direction,  # type: ignore[arg-type]  # one of the two
                    transport,
                    local,
                    remote,
                    str(number),
                    "MESSAGE",
                    0,
                    "",
                    message,
                )
            )
    assertSound(tshark, file)
    version = "ipv6" if ":" in local[0] else "ip"
    rows = tshark(file, "sip", "sip.Call-ID", f"{version}.src", "frame.time_epoch")
    assert [row[0] for row in rows] == ["0", "1", "2", "3"]
    assert [row[1] for row in rows] == [remote[0], local[0]] * 2
    assert float(rows[0][2]) == 1_800_000_000.0


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    sharedConfiguration.listen("udp", workers=2)
    sharedConfiguration.listen("tls")
    return startSharedServer(sharedConfiguration)


@pytest.fixture
def trace(server: Server, tmp_path: Path) -> Iterator[Callable[..., Program]]:
    started: list[Program] = []

    def start(*arguments: str) -> Program:
        file = server.configuration.directory / "sipapp.toml"
        program = Program(
            [SIPAPPCTL, "trace", "--config", str(file), *arguments],
            tmp_path / "trace.log",
            directory=server.configuration.directory,
        )
        started.append(program)
        waitFor(lambda: "ends the trace" in program.output(), "the trace", 60.0)
        return program

    yield start
    for each in started:
        each.kill()


def test_aCall(
    server: Server,
    trace: Callable[..., Program],
    tshark: Tshark,
    authority: CertificateAuthority,
    tmp_path: Path,
) -> None:
    """From a datagram to a TLS connection, followed by the caller's address; Ctrl-C ends it."""
    file = tmp_path / "trace.pcap"
    with (
        UDPSocket(server.endpoint("udp").address, "127.0.0.5") as caller,
        StreamSocket(server.endpoint("tls").address, authority.clientContext()) as phone,
    ):
        assert phone.register("tshark").status == 200
        following = trace("tshark", "--pcap", str(file))
        call = Call(caller, f"sip:tshark@{DOMAIN}")
        call.run(Callee(phone, "tshark"))
        # Each BYE and each answer to it, on both sides.
        waitFor(lambda: file.read_bytes().count(b"CSeq: 2 BYE\r\n") >= 4, "the end of the call")
        following.signal(signal.SIGINT)
        assert following.join(30.0) == 0
    assertSound(tshark, file)
    rows = tshark(file, "sip", "sip.Call-ID", "sip.Method", "sip.Status-Code", "ip.proto")
    assert {row[0] for row in rows} == {call.callID}
    for protocol in ("6", "17"):
        seen = {row[1] or row[2] for row in rows if row[3] == protocol}
        assert {"INVITE", "ACK", "BYE", "180", "200"} <= seen
