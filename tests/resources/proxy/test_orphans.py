"""Forks whose worker has died: one refusal does not end a call that others ring for."""

from __future__ import annotations

import pytest

from sipapp.location import Binding
from tests.resources.proxy.stage import Sent, Stage, invite

BOB = "sip:bob@example.com"
PHONES = [Binding(f"sip:bob@203.0.113.{n}", 3600.0, q=q) for n, q in ((1, 1.0), (2, 1.0), (3, 0.5))]


def stageWith(*phones: Binding) -> Stage:
    stage = Stage()
    stage.bind(BOB, *phones)
    return stage


def orphaned(*phones: Binding, uri: str = BOB) -> tuple[Stage, list[Sent]]:
    """
    @return: the worker that replaces another, and what that one has sent.
    """
    dead = stageWith(*phones)
    dead.receive(invite(uri))
    return stageWith(*phones), dead.sent


def statuses(stage: Stage) -> list[int]:
    return [response.status for response in stage.sender.responses]


def take(stage: Stage, sent: Sent, status: int) -> None:
    assert stage.proxy.strayResponse(sent.response(status))


def test_anotherAnswers() -> None:
    """The refusal comes again, for nobody acknowledges it, and is as unimportant as before."""
    stage, [one, two] = orphaned(*PHONES[:2])
    take(stage, one, 486)
    assert statuses(stage) == []
    take(stage, two, 180)
    take(stage, two, 200)
    take(stage, one, 486)
    take(stage, two, 200)
    assert statuses(stage) == [180, 200, 200]


def test_allRefuse() -> None:
    """The best goes upstream (§16.7 step 6), and again when its phone repeats it."""
    stage, [one, two] = orphaned(*PHONES[:2])
    take(stage, one, 486)
    take(stage, one, 486)
    take(stage, two, 484)
    take(stage, two, 484)
    take(stage, one, 486)
    assert statuses(stage) == [484, 484]


def test_declinedEverywhere() -> None:
    stage, [one, two] = orphaned(*PHONES[:2])
    take(stage, one, 486)
    take(stage, two, 603)
    assert statuses(stage) == [603]


def test_theOthersHadAnsweredBefore() -> None:
    """Whose refusal the dead worker knew, nobody knows: Timer C ends the wait, once."""
    stage, [one, _] = orphaned(*PHONES[:2])
    take(stage, one, 486)
    stage.advance(179)
    assert statuses(stage) == []
    stage.advance(10)
    assert statuses(stage) == [486]
    stage.advance(400)
    assert statuses(stage) == [486]


def test_theNextGroupIsNotTried() -> None:
    """A phone with a lower q has not rung yet, and the request is not there any more."""
    stage, [one, two] = orphaned(*PHONES)
    take(stage, one, 486)
    take(stage, two, 486)
    stage.advance(190)
    assert statuses(stage) == [486]


@pytest.mark.parametrize("uri", ["sip:bob@example.com;user=phone", "sip:bob@203.0.113.9"])
def test_notThatUser(uri: str) -> None:
    """Where To does not tell what was called, nobody knows of forks."""
    stage, sent = orphaned(*PHONES[:2], uri=uri)
    for each in sent:
        take(stage, each, 486)
    assert statuses(stage) == [486] * len(sent)


def test_onePhone() -> None:
    stage, [one] = orphaned(PHONES[0])
    take(stage, one, 486)
    assert statuses(stage) == [486]


def test_forged() -> None:
    """What answers nothing of ours neither waits nor decides."""
    stage, [one, two] = orphaned(*PHONES[:2])
    take(stage, one, 486)
    forged = two.response(200)
    via = forged.via
    forged.replaceFirst("Via", f"SIP/2.0/UDP {via.host};branch={one.branch[:-1]}")
    assert not stage.proxy.strayResponse(forged)
    take(stage, two, 484)
    assert statuses(stage) == [484]
