"""What a call was made of is gone with it, and does not wait for the garbage collector: that would
come rarely, take long, and meanwhile a worker would have twice the memory that it needs."""

from __future__ import annotations

import gc

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
