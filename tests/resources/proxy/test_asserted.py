"""RFC 3325: who is calling is what a trusted peer says, and nobody else."""

from __future__ import annotations

import pytest

from sipapp.resources.sip.asserted import ASSERTIONS
from sipapp.sip import Request, parseMessage
from sipapp.transport.trust import TrustedPeers
from tests.resources.proxy.stage import UDP, RecordingFlow, Stage, invite

TRUSTED = RecordingFlow(remote=("203.0.113.9", 5060))
CALLER, PEER, CALLEE = "198.51.100.10", "203.0.113.9", "203.0.113.1"

WAYS = [
    "P-Asserted-Identity: <sip:+15551234@example.com>",
    "p-asserted-identity:<sip:+15551234@example.com>",
    "P-ASSERTED-IDENTITY \t: <tel:+15551234>",
    "P-Asserted-Identity\r\n : <tel:+15551234>",
    "P-Asserted-Identity:\r\n\t<tel:+15551234>",
    "P-Preferred-Identity: <tel:+15551234>",
    "Remote-Party-ID: <sip:boss@example.com>;party=calling;screen=yes",
    "P-Charging-Vector: icid-value=1",
    "P-Asserted-Identity: nonsense, \x01",
]


def stageWithBob(**settings: str) -> Stage:
    stage = Stage(**settings)
    stage.trusted = TrustedPeers([PEER])
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    return stage


def asserted(message: object) -> list[str]:
    assert isinstance(message, Request)
    return sorted(ASSERTIONS.intersection(message.names))


@pytest.mark.parametrize("line", WAYS)
def test_strangers(line: str) -> None:
    """However it is written."""
    stage = stageWithBob()
    stage.receive(invite("sip:bob@example.com", line, line, "Privacy: id"))
    (sent,) = stage.sent
    assert asserted(sent.request) == []
    assert "1555" not in str(sent.request.lines)
    assert sent.request.get("privacy") == "id"


@pytest.mark.parametrize("line", WAYS)
def test_trustedPeers(line: str) -> None:
    stage = stageWithBob()
    stage.receive(invite("sip:bob@example.com", line), TRUSTED)
    (sent,) = stage.sent
    assert len(asserted(sent.request)) == 1


@pytest.mark.parametrize(
    "line", ["X: y\nP-Asserted-Identity: <tel:+1>", "P-Asserted\0-Identity: a"]
)
def test_notHiddenInAnotherLine(line: str) -> None:
    """What breaks a line in two elsewhere breaks the message here."""
    message = parseMessage(invite("sip:bob@example.com", line).encode())
    assert message.defect is not None
    assert message.defect.status == 400


def test_withoutATransaction() -> None:
    """An ACK to a 2xx, and in stateless mode every request."""
    line = "P-Asserted-Identity: <tel:+1555>"
    stage = stageWithBob(mode="stateless")
    stage.receive(invite("sip:bob@example.com", line))
    stage.receive(invite("sip:bob@example.com", line).replace("INVITE", "ACK"))
    stage.receive(invite("sip:bob@example.com", line, branch="z9hG4bKanother"), TRUSTED)
    assert [asserted(sent.request) for sent in stage.sender.forwarded] == [
        [],
        [],
        ["p-asserted-identity"],
    ]


@pytest.mark.parametrize(
    ("privacy", "isKept"),
    [("id", False), ("user;ID ;critical", False), ("none", True), ("header, id", False)],
)
@pytest.mark.parametrize("mode", ["stateful", "stateless"])
def test_privacy(mode: str, privacy: str, isKept: bool) -> None:
    """§7: a caller that wants it is not named to those who are not trusted."""
    stage = stageWithBob(mode=mode)
    lines = ("P-Asserted-Identity: <tel:+1555>", f"Privacy: {privacy}")
    stage.receive(invite("sip:bob@example.com", *lines), TRUSTED)
    (sent,) = stage.sent or stage.sender.forwarded
    assert bool(asserted(sent.request)) is isKept
    # The way that everything leaves by on this stage.
    stage.trusted = TrustedPeers([PEER, CALLER])
    stage.receive(invite("sip:bob@example.com", *lines, branch="z9hG4bKanother"), TRUSTED)
    *_, sent = stage.sent or stage.sender.forwarded
    assert asserted(sent.request)


ANSWER = (("P-Asserted-Identity", "<tel:+1555>"),)


@pytest.mark.parametrize("status", [180, 200, 486])
def test_responses(status: int) -> None:
    """What a stranger asserts in its answer is no better; and who is called may want privacy."""
    stage = stageWithBob()

    def answered(branch: str, headers: tuple[tuple[str, str], ...]) -> bool:
        stage.receive(invite(branch=branch))
        stage.caller.take()
        stage.sent[-1].answer(status, headers=headers)
        (response,) = stage.caller.take()
        assert response.status == status
        return bool(response.has("p-asserted-identity"))

    assert not answered("z9hG4bKone", ANSWER)
    stage.trusted = TrustedPeers([CALLEE])
    assert answered("z9hG4bKtwo", ANSWER)
    assert not answered("z9hG4bKthree", (*ANSWER, ("Privacy", "id")))
    stage.trusted = TrustedPeers([CALLEE, CALLER])
    assert answered("z9hG4bKfour", (*ANSWER, ("Privacy", "id")))


def test_strayResponses() -> None:
    """Those of a worker that is no more."""
    stage = stageWithBob()
    stage.receive(invite())
    (sent,) = stage.sent
    private = (*ANSWER, ("Privacy", "id"))
    for trusted, headers in (([], ANSWER), ([CALLEE], private), ([CALLEE], ANSWER)):
        stage.trusted = TrustedPeers(trusted)
        stage.dispatch.strayResponse(sent.response(200, headers=headers), UDP)
    assert [response.has("p-asserted-identity") for response in stage.sender.responses] == [
        False,
        False,
        True,
    ]
