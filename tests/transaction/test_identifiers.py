"""Identifiers: pure functions of the message, unforgeable, safe on any text."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sipapp.sip import Request, Response
from sipapp.transaction import Identifiers
from tests.transaction.messages import VIA, parsedResponse, request

SECRET = b"0123456789abcdef0123456789abcdef"
TARGET = "sip:bob@192.0.2.4"
OLD = "SIP/2.0/UDP old.example.com:5060"

ours = Identifiers(SECRET, "u1")
twin = Identifiers(SECRET, "u1")
colleague = Identifiers(SECRET, "t0")
stranger = Identifiers(b"another secret", "u1")

text = st.binary(max_size=40).map(lambda data: data.decode("utf-8", "surrogateescape"))
visible = text.map(lambda value: re.sub(r"[\x00-\x20\x7f]", "", value)).filter(bool)


def forwarded(message: Request, branch: str) -> Request:
    copy = message.copy()
    copy.prepend("Via", f"SIP/2.0/UDP proxy.example.com;branch={branch}")
    return copy


def answered(message: Request, branch: str, status: int = 200) -> Response:
    reply = forwarded(message, branch).respond(status, toTag="t")
    return parsedResponse(reply.toBytes())


def edited(message: Response, old: str, new: str) -> Response:
    data = message.toBytes()
    assert data.count(old.encode()) >= 1
    return parsedResponse(data.replace(old.encode(), new.encode(), 1))


def test_theSecretAndTheCodeAreChecked() -> None:
    with pytest.raises(ValueError, match="secret"):
        Identifiers(b"", "u1")
    for code in ("", "U1", "u.1", "u-1", "ü", "u1\n"):
        with pytest.raises(ValueError, match="code"):
            Identifiers(SECRET, code)
    assert Identifiers(b"x" * 1000, "u1").code == "u1"


# Branches.


@pytest.mark.parametrize("via", [VIA, OLD])
def test_aReplacementMintsTheSameBranch(via: str) -> None:
    branch = ours.branch(request(via=via), TARGET)
    assert re.fullmatch(r"z9hG4bKu1\.[0-9a-f]{12}\.[0-9a-f]{12}\.[0-9a-f]{16}", branch)
    assert twin.branch(request(via=via), TARGET) == branch
    assert ours.branch(request(via=f"{via};received=192.0.2.9;rport=3"), TARGET) == branch


@pytest.mark.parametrize("via", [VIA, OLD])
def test_ackAndCancelFollowTheirInvite(via: str) -> None:
    branch = ours.branch(request(via=via, more="Proxy-Require: foo\r\n"), TARGET)
    assert ours.branch(request("CANCEL", via=via), TARGET) == branch
    assert ours.branch(request("ACK", via=via, toTag="t"), TARGET) == branch


@pytest.mark.parametrize(
    "other",
    [
        request(via=VIA + "x"),
        request(via=VIA.replace("client", "clienu")),
        request(via=VIA.replace("5060", "5061")),
        request(callID="x"),
        request(cseq=2),
        request(uri="sip:carol@example.com"),
        request(more="Route: <sip:x;lr>\r\n"),
    ],
)
def test_anotherRequestGetsAnotherBranch(other: Request) -> None:
    one = ours.branch(request(), TARGET).split(".")
    two = ours.branch(other, TARGET).split(".")
    assert one[2] == two[2]
    assert one[3] != two[3]


def test_forksDiffer() -> None:
    assert ours.branch(request(), TARGET) != ours.branch(request(), TARGET + ";transport=tcp")


def test_fromTagsDistinguishTheRequestsOfOldClients() -> None:
    one = ours.branch(request(via=OLD), TARGET)
    assert ours.branch(request(via=OLD, fromTag="f"), TARGET) != one
    assert ours.branch(request(fromTag="f"), TARGET) == ours.branch(request(), TARGET)


def test_workersAndSecretsDiffer() -> None:
    one = ours.branch(request(), TARGET)
    assert colleague.branch(request(), TARGET)[-16:] != one[-16:]
    assert stranger.branch(request(), TARGET)[-16:] != one[-16:]


@pytest.mark.parametrize("via", [VIA, OLD, f"{OLD};branch=z9hG4bK"])
def test_aResponseProvesItself(via: str) -> None:
    message = request(via=via)
    reply = answered(message, ours.branch(message, TARGET))
    assert ours.isOurs(reply)
    assert colleague.isOurs(reply)
    assert not stranger.isOurs(reply)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("74bf9", "74bf8"),
        ("client.example.com", "clienu.example.com"),
        (":5060", ":5061"),
        ("Call-ID: 3", "Call-ID: 4"),
        ("CSeq: 1", "CSeq: 2"),
        ("z9hG4bKu1", "z9hG4bKt0"),
        ("CSeq: 1", "CSeq: x"),
        ("Via: SIP/2.0/UDP client", "Via: nonsense"),
        ("Via: SIP/2.0/UDP client", "Subject: SIP/2.0/UDP client"),
        (";branch=z9hG4bKu1", ";x=z9hG4bKu1"),
        ("branch=z9hG4bKu1", "branch=\u00e4z9hG4bKu1"),
    ],
)
def test_aChangedResponseDoesNot(old: str, new: str) -> None:
    message = request()
    reply = answered(message, ours.branch(message, TARGET))
    assert not ours.isOurs(edited(reply, old, new))


def test_eachPartOfTheBranchIsCovered() -> None:
    message = request()
    branch = ours.branch(message, TARGET)
    for index in range(len("z9hG4bK"), len(branch)):
        other = "0" if branch[index] != "0" else "1"
        forged = branch[:index] + other + branch[index + 1 :]
        assert not ours.isOurs(answered(message, forged))


def test_aResponseToARequestOfOurOwnProvesNothing() -> None:
    message = request(via=f"SIP/2.0/UDP x;branch={ours.randomBranch()}")
    assert not ours.isOurs(parsedResponse(message.respond(200).toBytes()))


def test_randomBranchesNameTheirOwner() -> None:
    branches = {ours.randomBranch() for _ in range(100)}
    assert len(branches) == 100
    assert {ours.owner(branch) for branch in branches} == {"u1"}


@pytest.mark.parametrize(
    ("branch", "owner"),
    [
        ("z9hG4bKu1.0123", "u1"),
        ("z9hG4bKt0.", "t0"),
        ("z9hG4bKu1", None),
        ("z9hG4bK.1", None),
        ("z9hG4bKU1.1", None),
        ("Z9hG4bKu1.1", None),
        ("z9hG4bK\u00e4.1", None),
        ("z9hG4bK\udcff.1", None),
        ("", None),
        (None, None),
    ],
)
def test_owner(branch: str | None, owner: str | None) -> None:
    assert ours.owner(branch) == owner


# Loops (RFC 5393 §4.2).


def test_aRequestThatComesBackUnchangedLoops() -> None:
    message = request(more="Route: <sip:x;lr>\r\n")
    back = forwarded(message, ours.branch(message, TARGET))
    assert ours.isLoop(back)
    # Through another element, to another worker.
    back.prepend("Via", "SIP/2.0/TCP elsewhere.example.com;branch=z9hG4bKother")
    assert colleague.isLoop(back)
    assert not stranger.isLoop(back)


def test_viasInOneLineCountToo() -> None:
    branch = ours.branch(request(), TARGET)
    assert ours.isLoop(request(via=f"SIP/2.0/UDP p;branch={branch}, {VIA}"))
    assert not ours.isLoop(request(via=f"SIP/2.0/UDP p;branch=z9hG4bKother, {VIA}"))


@pytest.mark.parametrize(
    "changed",
    [
        request(uri="sip:carol@example.com"),
        request(more="Route: <sip:x;lr>\r\n"),
        request(cseq=2),
        request(callID="c"),
    ],
)
def test_aRequestThatComesBackOtherwiseSpirals(changed: Request) -> None:
    branch = ours.branch(request(), TARGET)
    assert ours.isLoop(forwarded(request(), branch))
    assert not ours.isLoop(forwarded(changed, branch))


def test_aRequestThatHasNotBeenHereDoesNotLoop() -> None:
    assert not ours.isLoop(request())
    assert not ours.isLoop(request(via=["SIP/2.0/UDP p;branch=z9hG4bKu1.1.2.3", VIA]))


# Tags.


def test_toTagsAreFunctionsOfTheRequest() -> None:
    tag = ours.toTag(request())
    assert re.fullmatch(r"u1\.[0-9a-f]{16}", tag)
    assert twin.toTag(request()) == tag
    others = [request(via=VIA + "x"), request(callID="c"), request(cseq=2), request(uri="sip:c@d")]
    assert len({tag, *(ours.toTag(other) for other in others)}) == 5
    assert ours.toTag(request(via=OLD)) == twin.toTag(request(via=OLD))


@pytest.mark.parametrize(
    ("tag", "owner"),
    [
        ("t0.0123456789abcdef", "t0"),
        ("t0.0123", None),
        ("t0", None),
        (".0123456789abcdef", None),
        ("T0.0123456789abcdef", None),
        (None, None),
    ],
)
def test_tagOwner(tag: str | None, owner: str | None) -> None:
    assert ours.tagOwner(tag) == owner


# Tokens.


def test_dialogTokensHoldForOneCall() -> None:
    token = ours.dialogToken("call")
    assert re.fullmatch(r"[0-9a-f]{20}", token)
    assert colleague.verifyDialogToken(token, "call")
    assert not ours.verifyDialogToken(token, "other call")
    assert not ours.verifyDialogToken(token[:-1], "call")
    assert not ours.verifyDialogToken(token.upper(), "call")
    assert not ours.verifyDialogToken("", "call")
    assert not stranger.verifyDialogToken(token, "call")


@given(text)
def test_flowTokensRoundTrip(payload: str) -> None:
    token = ours.flowToken(payload)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", token)
    assert colleague.readFlowToken(token) == payload
    assert stranger.readFlowToken(token) is None


@given(st.data())
def test_changedFlowTokensAreRefused(data: st.DataObject) -> None:
    token = ours.flowToken("u|3|192.0.2.7|5060")
    index = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("abcXYZ019-_=.\u00e9\udcff"))
    assume(token[index] != letter)
    assert ours.readFlowToken(token[:index] + letter + token[index + 1 :]) is None
    assert ours.readFlowToken(token[:index]) is None
    assert ours.readFlowToken(token + letter) is None


def test_aTokenOfOneKindIsNoneOfAnother() -> None:
    mac = ours.flowToken("")
    assert not ours.verifyDialogToken(mac, "")
    assert ours.readFlowToken(ours.dialogToken("")) is None


@given(text, text)
def test_noTextIsTooHostile(one: str, other: str) -> None:
    assert ours.owner("z9hG4bK" + one) is None or "." in one
    ours.tagOwner(one)
    assert ours.readFlowToken(one) is None
    assert ours.verifyDialogToken(ours.dialogToken(one), other) == (one == other)


@given(visible, visible)
def test_hostileMessagesAreHashed(callID: str, uri: str) -> None:
    message = request(callID=callID, uri=uri)
    branch = ours.branch(message, uri)
    assert branch == twin.branch(message, uri)
    assert ours.isOurs(answered(message, branch))
    assert ours.isLoop(forwarded(message, branch))
    assert ours.tagOwner(ours.toTag(message)) == "u1"


def test_fieldsCannotBeShiftedIntoEachOther() -> None:
    """Were the hashed texts simply joined, these two would be one."""
    one = ours.loopHash(request(uri="sip:a", callID="1x"))
    assert ours.loopHash(request(uri="sip:a1", callID="x")) != one


def test_aKeyForAnotherPurposeIsTheSameOnAllWorkers() -> None:
    key = ours.derivedKey("nonces", b"salt")
    assert len(key) == 32
    assert key == colleague.derivedKey("nonces", b"salt")
    others = [
        ours.derivedKey("nonces"),
        ours.derivedKey("nonces", b"Salt"),
        ours.derivedKey("others", b"salt"),
        stranger.derivedKey("nonces", b"salt"),
    ]
    assert len({key, *others}) == 5
