"""What strangers send to a real server, and what it does not do then."""

from __future__ import annotations

import pytest

from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.server import Server
from tests.support.sipclient import StreamSocket, UDPSocket
from tests.support.siptext import newBranch, newToken

HIDDEN = f"sip:hidden@{DOMAIN}"


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    sharedConfiguration.listen("udp", workers=1)
    sharedConfiguration.listen("tcp", workers=1)
    return startSharedServer(sharedConfiguration)


def message(phone: StreamSocket | UDPSocket, method: str, uri: str, *lines: str) -> bytes:
    """A request with these lines in front of what it needs."""
    head = [
        f"{method} {uri} SIP/2.0",
        *lines,
        f"Via: SIP/2.0/{phone.transport} {phone.sentBy};branch={newBranch()};rport",
        "Max-Forwards: 70",
        f"From: <{uri}>;tag={newToken()}",
        f"To: <{uri}>",
        f"Call-ID: {newToken()}",
        f"CSeq: 1 {method}",
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n"


@pytest.mark.parametrize(
    "lengths",
    [
        ["Content-Length:\r\n 999"],
        ["Content-Length: 999", "l: 0"],
        ["Content-Length: -1"],
        ["Content-Length: 0x3e7"],
        ["Content-Length: +999"],
        ["Content-Length:"],
        ["Content-Length: 99999999999999999999"],
        ["Subject: x\nContent-Length: 999", "Content-Length: 0"],
        [],
    ],
)
def test_noBodyIsARequest(server: Server, lengths: list[str]) -> None:
    """400, the connection ends, and what stands behind it was not read."""
    with StreamSocket(server.endpoint("tcp").address) as phone:
        hidden = message(
            phone, "REGISTER", HIDDEN, "Contact: <sip:x@192.0.2.9>", "Content-Length: 0"
        )
        phone.send(message(phone, "OPTIONS", f"sip:{DOMAIN}", *lengths) + hidden)
        assert phone.receive().status == 400
        with pytest.raises(ConnectionResetError):
            phone.receive()
    with UDPSocket(server.endpoint("udp").address) as phone:
        # Without a Contact it asks who is there.
        answer = phone.ask("REGISTER", f"sip:{DOMAIN}", toURI=HIDDEN, fromURI=HIDDEN)
    assert (answer.status, answer.getAll("contact")) == (200, [])


def test_theLogIsText(server: Server) -> None:
    """Whatever is received, what is written of it can be shown on a terminal."""
    escapes = ("\x1b[2J", "\x9b2J", "\u202e", "\x07", "\x00", "\r", "\n[root] gone")
    with UDPSocket(server.endpoint("udp").address) as phone:
        for escape in escapes:
            for name in ("User-Agent", "Call-ID", "Contact", "Via", "Content-Length", "Route"):
                uri = f"sip:{DOMAIN}"
                phone.send(message(phone, "OPTIONS", uri, f"{name}: {escape}", "Content-Length: 0"))
            phone.send(message(phone, f"X{escape}", uri))
            phone.send(f"{escape} nothing\r\n\r\n".encode())
        assert phone.options(f"sip:{DOMAIN}").status == 200
    for escape in escapes:
        with StreamSocket(server.endpoint("tcp").address) as phone:
            phone.send(message(phone, "OPTIONS", f"sip:{escape}", f"Content-Length: {escape}"))
    with StreamSocket(server.endpoint("tcp").address) as phone:
        assert phone.options(f"sip:{DOMAIN}").status == 200
    for line in server.output().split("\n"):
        assert line.isascii(), ascii(line)
        assert line.isprintable(), ascii(line)
        assert "[root] gone" not in line
