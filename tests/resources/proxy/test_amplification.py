"""RFC 5393: forking loops must not multiply messages."""

from __future__ import annotations

from collections import deque

import pytest

from sipapp.location import Binding
from sipapp.sip import SIPURI
from tests.resources.proxy.stage import RecordingFlow, Stage, invite


def run(stage: Stage, first: str, limit: int = 2000) -> int:
    """Send every forwarded request that is meant for this server back to it, as the network
    would, until nothing moves or the limit is reached.

    @return: how many requests were forwarded.
    """
    flow = RecordingFlow(remote=("192.0.2.1", 5060))
    stage.receive(first)
    waiting = deque(stage.sent)
    seen = len(stage.sent)
    while waiting and seen < limit:
        sent = waiting.popleft()
        uri = sent.request.uri
        if not isinstance(uri, SIPURI) or not stage.isLocal(uri):
            continue
        flow.take()
        stage.receive(sent.request.toBytes(), flow)
        for response in flow.take():
            if response.status >= 200 and response.via.branch == sent.branch:
                sent.user.responseReceived(response)
        waiting.extend(stage.sent[seen:])
        seen = len(stage.sent)
    return seen


def attackers() -> Stage:
    """RFC 5393 §3: two users, each bound to both of them."""
    stage = Stage()
    for user in ("a", "b"):
        stage.bind(f"sip:{user}@example.com", "sip:a@example.com;x=1", "sip:b@example.com;x=1")
    return stage


def test_attack() -> None:
    """Without loop detection this is 2**70 messages; with it the attack ends at once."""
    assert run(attackers(), invite("sip:a@example.com")) < 20


def test_wideAttack() -> None:
    """RFC 5393 §3 and §5: many users, each bound to all of them. Loop detection alone leaves
    a number that grows with their factorial; Max-Breadth bounds the branches at any time."""
    stage = Stage(maxBranches=20)
    users = [f"u{number}" for number in range(10)]
    for user in users:
        stage.bind(f"sip:{user}@example.com", *(f"sip:{each}@example.com" for each in users))
    stage.receive(invite("sip:u0@example.com"))
    flow = RecordingFlow(remote=("192.0.2.1", 5060))
    active, rounds = list(stage.sent), 0
    while active and rounds < 5:
        # Nobody has answered yet: all of them are active at the same time.
        assert len(active) <= 60
        rounds += 1
        before = len(stage.sent)
        for sent in active:
            stage.receive(sent.request.toBytes(), flow)
        active = stage.sent[before:]
    assert rounds > 1


def test_breadthIsShared() -> None:
    """RFC 5393 §5.3.3: what the branches get is together no more than what came."""
    stage = Stage()
    stage.bind("sip:bob@example.com", *(f"sip:bob@203.0.113.{number}" for number in range(1, 5)))
    stage.receive(invite("sip:bob@example.com", "Max-Breadth: 10"))
    assert [sent.request.get("max-breadth") for sent in stage.sent] == ["3", "3", "2", "2"]


def test_breadthIsNotWhatTheSenderWants() -> None:
    """RFC 5393 §5.3.3: a proxy may make it less, and this one makes it what it would have given."""
    stage = Stage(maxBreadth=12)
    stage.bind("sip:bob@example.com", *(f"sip:bob@203.0.113.{number}" for number in range(1, 5)))
    stage.receive(invite("sip:bob@example.com", "Max-Breadth: 999999999"))
    assert [sent.request.get("max-breadth") for sent in stage.sent] == ["3", "3", "3", "3"]


def test_branchesAreBounded() -> None:
    """One request has so many branches and no more, those that come later among them."""
    stage = Stage(maxBranches=5)
    contacts = [Binding(f"sip:bob@203.0.113.{n}", 3600.0, q=n % 3 / 2) for n in range(1, 60)]
    stage.bind("sip:bob@example.com", *contacts)
    stage.receive(invite())
    answered = 0
    while answered < len(stage.sent):
        stage.sent[answered].answer(486)
        answered += 1
    assert answered == 5
    assert stage.caller.statuses()[-1] == 486


def test_lessBreadthThanTargets() -> None:
    """RFC 5393 §5.3.3.1: what is too much for once is tried one after the other."""
    stage = Stage()
    stage.bind(
        "sip:bob@example.com",
        *(f"sip:bob@203.0.113.{number}" for number in range(1, 4)),
        Binding("sip:bob@203.0.113.9", 3600.0, q=0.5),
    )
    stage.receive(invite("sip:bob@example.com", "Max-Breadth: 2"))
    assert [sent.request.get("max-breadth") for sent in stage.sent] == ["1", "1"]
    stage.sent[0].answer(486)
    assert len(stage.sent) == 2
    stage.sent[1].answer(486)
    assert [sent.request.get("max-breadth") for sent in stage.sent[2:]] == ["2"]
    stage.sent[2].answer(486)
    assert stage.sent[3].uri == "sip:bob@203.0.113.9"


@pytest.mark.parametrize(
    ("uri", "headers", "status"),
    [
        ("sip:nobody@example.com", (), 480),
        ("sip:bob@elsewhere.example", (), 403),
        ("sip:bob@example.com", ("Max-Breadth: 0",), 440),
        ("sip:bob@example.com", ("Proxy-Require: x",), 420),
    ],
)
def test_refusalsAreNotRepeated(uri: str, headers: tuple[str, ...], status: int) -> None:
    """RFC 3261 §8.2.7: an INVITE with a forged address draws one answer, and leaves nothing behind.
    One that comes again gets the same answer again, and the ACK to it goes nowhere."""
    stage = Stage()
    assert stage.receive(invite(uri, *headers)) is None
    stage.advance(40)
    (first,) = stage.caller.take()
    assert first.status == status
    stage.receive(invite(uri, *headers))
    (second,) = stage.caller.take()
    assert second.toBytes() == first.toBytes()
    ack = invite(uri, *headers, to=second.get("to")).replace("INVITE", "ACK")
    stage.receive(ack)
    assert (stage.caller.take(), stage.sent, stage.sender.forwarded) == ([], [], [])


def test_whatNobodyTakesIsNotRepeated() -> None:
    stage = Stage()
    stage.chain.clear()
    assert stage.receive(invite()) is None
    stage.advance(40)
    assert stage.caller.statuses() == [405]


def test_overAConnectionRefusalsHaveATransaction() -> None:
    """Nobody forges its address, and there it is not repeated."""
    stage = Stage()
    flow = RecordingFlow("TCP")
    assert stage.receive(invite("sip:nobody@example.com"), flow) is not None
    assert flow.statuses() == [480]
