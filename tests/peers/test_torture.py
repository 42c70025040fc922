"""RFC 4475 and RFC 5118, every message, against a real server over UDP.

What each has to come to is in C{tests/corpus/expected.toml}, with the section that says so.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ServerStarter
from tests.peers.torture import CHANGED, Lanes, Outcome, Tormentor, rawFields
from tests.support.configuration import Configuration
from tests.support.server import Server
from tests.support.sipclient import UDPSocket

#: The messages name ports, which SIPVicious uses at every address.
pytestmark = pytest.mark.xdist_group("fixed-ports")

CORPUS = Path(__file__).parent.parent / "corpus"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((CORPUS / "expected.toml").read_text())

#: So many messages of the corpus are the same to RFC 3261 §17.2.3.
LANES = 4

#: Where the topmost Via cannot be read: the answer goes to where the message came from.
UNREADABLE_VIA = "rfc4475/badinv01.dat"


@pytest.fixture(scope="module")
def server(sharedConfiguration: Configuration, startSharedServer: ServerStarter) -> Server:
    """One worker for an endpoint: it reads in the order in which the endpoint was written to."""
    for _ in range(LANES):
        sharedConfiguration.listen("udp", workers=1)
    # For the forwarding of what is too long for UDP (RFC 3261 §18.1.1).
    sharedConfiguration.listen("tcp", workers=1)
    sharedConfiguration.table("server", domains=["example.com", "example.net", "example.org"])
    return startSharedServer(sharedConfiguration)


@pytest.fixture(scope="module")
def lanes(server: Server) -> Lanes:
    endpoints = server.configuration.endpoints
    return Lanes([each.address for each in endpoints if each.transport == "udp"])


def test_corpusIsComplete() -> None:
    for directory, count in (("rfc4475", 49), ("rfc5118", 12)):
        files = {f"{directory}/{file.name}" for file in (CORPUS / directory).glob("*.dat")}
        assert len(files) == count
        assert files == {name for name in EXPECTED if name.startswith(directory)}


@pytest.mark.parametrize(
    "name", EXPECTED, ids=lambda name: f"{EXPECTED[name]['section']} {name.removesuffix('.dat')}"
)
def test_message(server: Server, lanes: Lanes, name: str) -> None:
    wanted = EXPECTED[name]["answer"]
    message = (CORPUS / name).read_bytes()
    children = server.children()
    address = lanes.choose(message)
    with Tormentor(address, message) as tormentor:
        if wanted == "forwarded":
            assert tormentor.register() == 200
        outcome = tormentor.run(awaitAnswer=wanted != "silence")
        said = [answer.start for answer, _ in outcome.answers]
        assert outcome.describe() == [wanted], said
        if outcome.forwarded:
            assertForwarded(message, outcome)
        if outcome.answers:
            assertAnswered(name, tormentor, outcome)
    assert server.children() == children
    with UDPSocket(address) as client:
        assert client.options("sip:example.com").status == 200


def assertAnswered(name: str, tormentor: Tormentor, outcome: Outcome) -> None:
    """The answer has come to the port of the Via, and holds what it needs to."""
    answer, port = outcome.answers[0]
    if name == UNREADABLE_VIA or tormentor.port is None:
        assert port == tormentor.source.getsockname()[1]
    elif tormentor.port > 0:
        assert port == tormentor.port
    if answer.status == 420:
        unsupported = {tag.lower() for tag in answer.getAll("unsupported")}
        assert unsupported >= {"noproxiessupportthis", "nordoanyproxiessupportthis"}


def assertForwarded(message: bytes, outcome: Outcome) -> None:
    """One request, its body and what a proxy has no business with as they were; and the answer
    to it came back."""
    assert len({data.partition(b"\r\n\r\n")[0] for data in outcome.forwarded}) == 1
    arrived = outcome.forwarded[0]
    body = message.partition(b"\r\n\r\n")[2]
    assert arrived.partition(b"\r\n\r\n")[2] == body
    lines = [line for _, line in rawFields(arrived)]
    for field, line in rawFields(message):
        if field not in CHANGED:
            assert line in lines
    statuses = {answer.status for answer, _ in outcome.answers}
    assert statuses == ({486} if message.startswith(b"INVITE ") else {200})
