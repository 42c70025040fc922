"""What fits through the control channel."""

from __future__ import annotations

import pytest
from twisted.protocols import amp

from sipapp.pool.commands import BootFailed, HandOver, fitNames, fitReason


@pytest.mark.parametrize(
    "reason", ["", "port in use", "ü" * 15_000, "\udcff\udc00", "\ud83d", "😀" * 30_000]
)
def test_anyReasonFits(reason):
    box = BootFailed.makeArguments({"reason": fitReason(reason)}, amp.AMP())
    assert len(box[b"reason"]) <= amp.MAX_VALUE_LENGTH
    box.serialize()


def test_shortReasonsStayAsTheyAre():
    assert fitReason("etc/sipapp.toml: nothing listens") == "etc/sipapp.toml: nothing listens"


def test_longReasonsKeepBothEnds():
    fitted = fitReason("first" + "x" * 100_000 + "last")
    assert fitted.startswith("firstx")
    assert fitted.endswith("xlast")
    assert "\n[85009 characters left out]\n" in fitted


def test_namesThatFit():
    """Exactly as many as AMP takes, and rather none than a part of them."""
    names = ["a10"] * (amp.MAX_VALUE_LENGTH // 5)
    for fitted in (fitNames(names), fitNames([])):
        HandOver.makeResponse({"names": fitted}, None).serialize()
    assert fitNames(names) == names
    assert fitNames([*names, "a1"]) is None
    assert fitNames(None) is None
