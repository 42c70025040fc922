"""Who is asked for a proof, and how (RFC 3261 §22.1 to §22.3, RFC 8760 §2.3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from zope.interface.verify import verifyObject

from sipapp.interfaces import IResourceMaker, ISIPResource
from sipapp.resources.sip.authenticate import authenticateMaker
from sipapp.resources.sip.proxy import tokens
from tests.resources.authenticate.stage import (
    MALLORY,
    Phone,
    PhoneFlow,
    Worker,
    challenges,
    text,
)


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    worker = Worker(tmp_path)
    yield worker
    worker.close()


def test_interfaces(worker: Worker) -> None:
    assert verifyObject(ISIPResource, worker.authenticate)
    assert verifyObject(IResourceMaker, authenticateMaker)


def test_aRegistration(worker: Worker) -> None:
    """§22.2: a registrar asks with 401."""
    answer = Phone(worker).send()
    assert answer.status == 401
    assert answer.to.tag
    assert worker.passed == []


def test_aCall(worker: Worker) -> None:
    """§22.3: a proxy asks with 407."""
    answer = Phone(worker).send("INVITE", uri="sip:bob@example.com")
    assert answer.status == 407
    assert worker.passed == []


@pytest.mark.parametrize(
    ("method", "uri", "status"),
    [
        ("OPTIONS", "sip:example.com", 401),
        ("OPTIONS", "sip:192.0.2.1", 401),
        ("OPTIONS", "sip:bob@example.com", 407),
        ("MESSAGE", "sip:bob@elsewhere.example", 407),
        ("MESSAGE", "tel:+15551234", 407),
        ("REGISTER", "sip:elsewhere.example", 407),
        ("SUBSCRIBE", "sip:bob@example.com", 407),
        ("UNHEARD-OF", "sip:bob@example.com", 407),
        ("BYE", "sip:bob@example.com", 407),
    ],
)
def test_whoeverAnswersAsks(worker: Worker, method: str, uri: str, status: int) -> None:
    assert Phone(worker).send(method, uri=uri).status == status


def test_strongestFirst(worker: Worker, tmp_path: Path) -> None:
    """RFC 8760 §2.3. All challenges are of one nonce."""
    offered = challenges(Phone(worker).send())
    assert [each.algorithm for each in offered] == ["SHA-256", "MD5"]
    assert len({each.nonce for each in offered}) == 1
    assert {(each.realm, each.qop, each.stale) for each in offered} == {
        ("example.com", ("auth",), False)
    }
    worker = Worker(
        tmp_path / "2",
        algorithms=("MD5", "SHA-256", "MD5-sess", "SHA-512-256"),
        qop=("auth", "auth-int"),
    )
    offered = challenges(Phone(worker).send())
    assert [each.algorithm for each in offered] == ["SHA-512-256", "SHA-256", "MD5", "MD5-sess"]
    assert {each.qop for each in offered} == {("auth", "auth-int")}
    worker.close()


def test_eachDomainHasItsRealm(worker: Worker) -> None:
    def realm(sender: str) -> str:
        return challenges(Phone(worker).send(sender=sender))[0].realm

    assert realm("<sip:alice@EXAMPLE.net.>") == "example.net"
    assert realm("<sips:alice@example.net>") == "example.net"
    assert realm("<sip:carol@others.example>") == "The Others"
    assert realm("<sip:alice@192.0.2.1>") == "192.0.2.1"
    # A port that is not ours makes nobody a stranger.
    assert realm("<sip:alice@example.com:9999>") == "example.com"


@pytest.mark.parametrize("sender", ["<sip:x@elsewhere.example>", "<tel:+15551234>", "<urn:x:y>"])
def test_strangersAreNotAsked(worker: Worker, sender: str) -> None:
    """Nobody here knows a password of theirs. What they may do is up to the next resource."""
    assert Phone(worker).send("INVITE", sender=sender).status == 200
    (request,) = worker.passed
    assert request.authenticated is None


def test_aRegistrationIsAboutTheUserInTo(worker: Worker) -> None:
    phone = Phone(worker)
    answer = phone.send(sender="<sip:x@elsewhere.example>", to="<sip:carol@others.example>")
    assert challenges(answer)[0].realm == "The Others"
    answer = phone.send(uri="sip:elsewhere.example", to="<sip:x@elsewhere.example>")
    assert challenges(answer)[0].realm == "example.com"


def test_trustedPeersVouchForTheirUsers(worker: Worker) -> None:
    worker.trusted.add("198.51.100.7")
    assert Phone(worker).send("INVITE").status == 200
    assert Phone(worker, flow=PhoneFlow(MALLORY)).send("INVITE").status == 401


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
def test_whatCannotBeAskedIsNot(worker: Worker, method: str) -> None:
    """§22.1"""
    data = text(method, uri="sip:bob@x", sender="<sip:alice@example.com>", to="<sip:bob@x>;tag=b")
    statuses = [answer.status for answer in worker.receive(data.encode(), PhoneFlow())]
    assert statuses == ([] if method == "ACK" else [200])


def test_dialogsHaveBeenAskedAlready(worker: Worker) -> None:
    """The Route of ours, made for this very call, shows it. A tag alone does not, nor does the
    Route of somebody else or of another call."""
    phone = Phone(worker)
    token = tokens.mint(worker.identifiers, "call-1@phone")
    other = tokens.mint(worker.identifiers, "call-2@phone")
    ours = f"Route: <sip:{token}@192.0.2.1;lr>"
    tagged = "<sip:bob@example.com>;tag=b"

    def bye(*routes: str, to: str = tagged) -> int:
        return phone.send("BYE", *routes, uri="sip:bob@198.51.100.9", to=to).status

    assert bye(ours) == 200
    assert bye(ours, "Route: <sip:next.example;lr>") == 200
    assert bye(f"Route: <sip:192.0.2.1;lr>, <sip:{token}@192.0.2.1;lr>") == 200
    assert bye(ours, to="<sip:bob@example.com>") == 407
    assert bye() == 407
    assert bye("Route: <sip:192.0.2.1;lr>") == 407
    assert bye(f"Route: <sip:{other}@192.0.2.1;lr>") == 407
    assert bye(f"Route: <sip:{token}@elsewhere.example;lr>") == 407
    assert bye("Route: <sip:elsewhere.example;lr>", ours) == 407
    assert bye("Route: <tel:+15551234>") == 407


@pytest.mark.parametrize(
    ("method", "uri", "status"),
    [
        ("REGISTER", "sip:example.com", 401),
        ("REGISTER", "sip:alice@198.51.100.7", 407),
        ("MESSAGE", "sip:bob@example.com", 407),
        ("PUBLISH", "sip:alice@example.com", 407),
        ("INVITE", "sip:example.com", 401),
        ("INVITE", "sip:bob@198.51.100.9", 200),
        ("UPDATE", "sip:bob@198.51.100.9", 200),
    ],
)
def test_dialogsAreForWhatIsSentInDialogs(
    worker: Worker, method: str, uri: str, status: int
) -> None:
    """Whoever has been called once has a Route of ours, and could put anything below it."""
    token = tokens.mint(worker.identifiers, "call-1@phone")
    to = "<sip:alice@example.com>;tag=b"
    answer = Phone(worker).send(method, f"Route: <sip:{token}@192.0.2.1;lr>", uri=uri, to=to)
    assert answer.status == status


def test_strangersCostNoTransaction(worker: Worker) -> None:
    """§26.3.2.4: each time that a stranger asks he is told once, with the same tag."""
    phone = Phone(worker)
    first = phone.send("INVITE", branch="same")
    second = phone.send("INVITE", branch="same")
    assert first.to.tag == second.to.tag
    assert worker.stateless == 2
    assert worker.layer.serverCount == 0
    ack = text(
        "ACK",
        uri="sip:example.com",
        sender="<sip:alice@example.com>",
        to=f"<sip:bob@example.com>;tag={first.to.tag}",
        branch="same",
    )
    assert worker.receive(ack.encode(), phone.flow) == []
    assert worker.behind.acknowledged == []


def test_theAnswerIsNotMuchLargerThanTheQuestion(worker: Worker) -> None:
    """Whoever writes another's address onto a request has little of it sent there."""
    data = text(
        "OPTIONS",
        uri="sip:example.com",
        sender="<sip:a@example.com>",
        to="<sip:b@example.com>",
    ).encode()
    flow = PhoneFlow()
    (answer,) = worker.receive(data, flow)
    assert len(answer.toBytes()) < 2.2 * len(data)


def test_whatCannotBeReadIsRefused(worker: Worker) -> None:
    answer = Phone(worker).send("INVITE", uri="sip:")
    assert answer.status == 400
    assert worker.passed == []
