"""Whatever the phones of a forked INVITE do, in whatever order, the caller gets one outcome
(RFC 3261 §16.7)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sipapp.location import Binding
from tests.resources.proxy.stage import Stage, invite, text

PHONES = st.lists(st.sampled_from((1.0, 0.5, 0.1)), min_size=1, max_size=5)
STATUSES = st.sampled_from((100, 180, 183, 200, 302, 401, 407, 408, 480, 486, 487, 500, 503, 603))
EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("answer"), st.integers(0, 4), STATUSES),
        st.tuples(st.just("fail"), st.integers(0, 4), st.sampled_from((408, 430, 503))),
        st.tuples(st.just("cancel"), st.just(0), st.just(0)),
        st.tuples(st.just("wait"), st.just(0), st.sampled_from((1, 100, 200))),
    ),
    max_size=25,
)


@given(qs=PHONES, events=EVENTS)
def test_oneOutcome(qs: list[float], events: list[tuple[str, int, int]]) -> None:
    stage = Stage(recurse="always")
    for number, q in enumerate(qs):
        stage.bind("sip:bob@example.com", Binding(f"sip:bob@203.0.113.{number}", 3600.0, q=q))
    transaction = stage.receive(invite())
    ended: set[int] = set()
    accepted = 0
    for kind, which, value in events:
        if kind == "wait":
            stage.advance(value)
        elif kind == "cancel":
            if not transaction.isFinal:
                stage.receive(text("CANCEL", "sip:bob@example.com"))
        elif which < len(stage.sent):
            sent = stage.sent[which]
            if kind == "fail" and which not in ended:
                ended.add(which)
                sent.fail(value)
            elif kind == "answer" and (which not in ended or 200 <= value < 300):
                if value >= 200:
                    ended.add(which)
                accepted += 200 <= value < 300
                sent.answer(value)
    # Those that have not answered yet will not.
    number = 0
    while number < len(stage.sent):
        if number not in ended:
            stage.sent[number].fail(408)
        number += 1

    assert transaction.isFinal
    responses = [each for each in stage.caller.take() if each.cseq.method == "INVITE"]
    # What is repeated for lack of an ACK, in time, counts once.
    finals = list(
        dict.fromkeys((each.status, each.to.tag) for each in responses if each.status >= 300)
    )
    successes = sum(200 <= each.status < 300 for each in responses)
    assert len(finals) <= 1
    assert successes + len(stage.sender.responses) == accepted
    assert finals or accepted
    if finals and accepted:
        # A 2xx after our final answer is forwarded statelessly.
        assert successes == 0
    assert len(stage.proxy.timerC) == 0
    assert len({sent.branch for sent in stage.sent}) == len(stage.sent)
