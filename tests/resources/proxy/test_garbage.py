"""What a call was made of is gone with it, and does not wait for the garbage collector: that would
come rarely, take long, and meanwhile a worker would have twice the memory that it needs."""

from __future__ import annotations

import gc

from sipapp.resources.sip.proxy.branch import Branch
from sipapp.resources.sip.proxy.context import ResponseContext
from sipapp.resources.sip.proxy.routing import Routed
from sipapp.resources.sip.proxy.targets import Target
from tests.resources.proxy.stage import Stage, invite, text


def _call(stage: Stage, number: int) -> None:
    """A call that is answered by one of two phones, and its end."""
    callID = f"call{number}"
    stage.receive(invite(branch=f"z9hG4bKi{number}", callID=callID))
    one, two = stage.sent
    stage.sent.clear()
    one.answer(180)
    two.answer(200)
    one.answer(487)
    bye = {"branch": f"z9hG4bKb{number}", "callID": callID, "cseq": 2}
    stage.receive(text("BYE", "sip:bob@example.com", to="<sip:bob@example.com>;tag=callee", **bye))
    for sent in stage.sent:
        sent.answer(200)
    stage.sent.clear()
    stage.sender.forwarded.clear()
    stage.caller.take()


def test_nothingIsLeftToTheCollector() -> None:
    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1", "sip:bob@203.0.113.2")
    _call(stage, 0)
    stage.advance(300)
    gc.collect()
    gc.disable()
    try:
        for number in range(1, 20):
            _call(stage, number)
        stage.advance(300)
        # Not one cycle for each call; what others do at times does not matter.
        assert gc.collect() < 19
    finally:
        gc.enable()


def test_nothingIsKeptOfWhatIsOver() -> None:
    """When a request has its final response, all that the proxy made for it is gone: what would be
    kept for the half minute in which messages may be repeated is what the collector goes through.
    """
    kinds = (ResponseContext, Branch, Target, Routed)

    def left() -> int:
        return sum(isinstance(each, kinds) for each in gc.get_objects())

    stage = Stage()
    stage.bind("sip:bob@example.com", "sip:bob@203.0.113.1")
    # What earlier tests have left to the collector may go at any time.
    gc.collect()
    before = left()
    for number, (method, status) in enumerate((("MESSAGE", 200), ("MESSAGE", 404), ("BYE", 481))):
        message = text(method, "sip:bob@example.com", branch=f"z9hG4bKm{number}")
        stage.receive(message)
        stage.sent.pop().answer(status)
    assert stage.caller.statuses() == [200, 404, 481]
    assert left() == before
    for status in (486, 200):
        stage.receive(invite(branch=f"z9hG4bKi{status}", callID=f"call{status}"))
        sent = stage.sent.pop()
        sent.answer(180)
        sent.answer(status)
        del sent
    assert left() == before
