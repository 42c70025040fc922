"""What the built-in resources count themselves, for their metrics."""

from __future__ import annotations

from pathlib import Path

from sipapp.location import Binding
from sipapp.resources.sip import SIPResource
from tests.resources.authenticate.stage import Phone
from tests.resources.authenticate.stage import Worker as AskingWorker
from tests.resources.proxy.stage import Stage, invite, text
from tests.resources.registering import Worker
from tests.resources.test_replicate import ONE, ReplicatingWorker

BOB = "sip:bob@203.0.113.1"


def test_nothing() -> None:
    assert SIPResource().tallies == {}


def test_registrar() -> None:
    """What was refused is neither."""
    worker = Worker()
    assert worker.registrar.tallies == {"fetched": 0, "changed": 0, "failed": 0}
    worker.register("Contact: <sip:alice@198.51.100.7>")
    worker.register("Contact: <sip:alice@198.51.100.7>", cseq=2)
    worker.register("Contact: <sip:alice@198.51.100.7>;expires=1", cseq=3)
    worker.register(cseq=4)
    assert worker.registrar.tallies == {"fetched": 1, "changed": 2, "failed": 0}


def test_authenticate(tmp_path: Path) -> None:
    worker = AskingWorker(tmp_path / "counts")
    try:
        phone = Phone(worker)
        assert phone.ask().status == 200
        phone.password = "looking-glass"
        assert phone.ask().status == 401
        # Both times at first, and after the wrong proof.
        assert worker.authenticate.tallies == {"challenged": 3, "accepted": 1, "refused": 1}
    finally:
        worker.close()


def test_proxy() -> None:
    """Branches are counted by target, those of a fork each."""
    none = {"branches": 0, "relays_refused": 0, "stateless_requests": 0, "stateless_responses": 0}
    stage = Stage()
    assert stage.proxy.tallies == none
    stage.bind("sip:bob@example.com", BOB, "sip:bob@203.0.113.2")
    stage.receive(invite())
    assert stage.proxy.tallies == {**none, "branches": 2}
    stage = Stage()
    stage.receive(invite("sip:carol@203.0.113.9"))
    assert stage.proxy.tallies == {**none, "relays_refused": 1}


def test_statelessProxy() -> None:
    stage = Stage(mode="stateless")
    stage.bind("sip:bob@example.com", Binding(BOB, 3600.0))
    stage.receive(text("MESSAGE", "sip:bob@example.com"))
    (sent,) = stage.sender.forwarded
    assert stage.proxy.strayResponse(sent.response(200))
    tallies = stage.proxy.tallies
    assert (tallies["branches"], tallies["stateless_requests"]) == (0, 1)
    assert tallies["stateless_responses"] == len(stage.sender.responses) == 1


def test_replicate() -> None:
    worker = ReplicatingWorker()
    worker.register(ONE)
    worker.take()[0].answer(200)
    worker.register(ONE, cseq=2)
    worker.take()[0].answer(403)
    assert worker.public.tallies == {"copied": 1, "given_up": 1}
