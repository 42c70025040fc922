"""A client and a server layer over a network that loses, repeats and reorders what is sent."""

from __future__ import annotations

from hypothesis import event, given, settings
from hypothesis import strategies as st

from tests.transaction.messages import request
from tests.transaction.network import Callee, Caller, Fate, Simulation, join

# Messages stay in the network for less than T1, or the last repetition of a request could arrive
# when the server has rightly forgotten it, and look like a new one.
delays = st.sampled_from([0.0, 0.001, 0.05, 0.2, 0.4])
arrivals = st.one_of(st.tuples(delays), st.tuples(delays, delays))
badNetwork = st.lists(st.one_of(st.just(()), arrivals), max_size=60)
fewLosses = st.builds(
    lambda fates, losses: [() if index in losses else fate for index, fate in enumerate(fates)],
    st.lists(arrivals, min_size=16, max_size=16),
    st.sets(st.integers(0, 15), max_size=5),
)
blackout = st.builds(
    lambda fates, length: [*fates, *[()] * length],
    st.lists(arrivals, max_size=6),
    st.integers(6, 60),
)
fates: st.SearchStrategy[list[Fate]] = st.one_of(badNetwork, fewLosses, blackout)
times = st.sampled_from([0.0, 0.1, 0.3, 0.6, 2.0, 3.6, 10.0, 31.0, 50.0])

# As many losses never break anything: each message that matters is sent more often than that.
BEARABLE = 5


def assertOneOutcome(caller: Caller) -> None:
    """Provisional responses, then one outcome, after which only a 2xx may come again."""
    kinds = "".join("x" if isinstance(note, str) else str(note // 100) for note in caller.events)
    provisional = len(kinds) - len(kinds.lstrip("1"))
    outcome = kinds[provisional:]
    assert len(outcome) == 1 or (outcome and not outcome.strip("2")), caller.events


def assertQuiet(simulation: Simulation) -> None:
    for layer in simulation.layers:
        assert layer.serverCount == layer.clientCount == layer.pending == 0
        assert len(layer.timers) == 0
        assert layer.nextDeadline() is None


@settings(max_examples=150, deadline=None)
@given(fates, st.booleans(), st.sampled_from([200, 404, 408]), times)
def test_nonInvite(fates: list[Fate], reliable: bool, status: int, answersAfter: float) -> None:
    simulation, caller, callee = join(fates, reliable, status, None, answersAfter)
    caller.layer.request(request("MESSAGE"), caller.out, caller)
    simulation.run(200.0)
    assert len(callee.seen) <= 1
    assertOneOutcome(caller)
    assertQuiet(simulation)
    if simulation.lost <= BEARABLE:
        assert len(callee.seen) == 1
        if answersAfter <= 10 and status != 408:
            assert caller.events[-1] == status
    event(f"{caller.events[-1]}")


@settings(max_examples=250, deadline=None)
@given(
    fates,
    st.booleans(),
    st.sampled_from([200, 486]),
    st.one_of(st.none(), times),
    times,
    st.one_of(st.none(), times),
)
def test_invite(
    fates: list[Fate],
    reliable: bool,
    status: int,
    ringsAfter: float | None,
    answersAfter: float,
    cancelAfter: float | None,
) -> None:
    simulation, caller, callee = join(fates, reliable, status, ringsAfter, answersAfter)
    transaction = caller.layer.request(request(), caller.out, caller)
    if cancelAfter is not None:
        simulation.after(cancelAfter, transaction.cancel)
    simulation.run(200.0)
    if not transaction.isFinal:
        # All final responses were lost after a provisional one: a case for Timer C.
        assert simulation.lost > BEARABLE
        assert transaction.state == "Proceeding"
        transaction.cancel()
        simulation.run(400.0)
    assert len(callee.seen) <= 1
    assert len(callee.cancels) <= 1
    assertOneOutcome(caller)
    assertQuiet(simulation)
    if simulation.lost <= BEARABLE:
        assertAcknowledged(caller, callee, status, cancelled=cancelAfter is not None)
    event(f"{caller.events[-1]}")


def assertAcknowledged(caller: Caller, callee: Callee, status: int, cancelled: bool) -> None:
    (invite,) = callee.seen
    assert caller.events[-1] == invite.lastStatus
    assert invite.lastStatus == status or (cancelled and invite.lastStatus == 487)
    if invite.lastStatus == 200:
        assert callee.acknowledged
    else:
        assert not invite.timedOut
        assert not callee.acknowledged


def test_manyAtOnceLeaveNothingBehind() -> None:
    """A hundred requests of each kind through one pair of layers."""
    simulation, caller, callee = join([(), (0.3,), (0.1, 0.2)] * 300, False, 486, 0.1, 1.0)
    for number in range(100):
        for method in ("INVITE", "OPTIONS"):
            message = request(method, via=f"SIP/2.0/UDP c;branch=z9hG4bK{number}")
            caller.layer.request(message, caller.out, caller)
    assert caller.layer.pending == 200
    simulation.run(200.0)
    finals = [note for note in caller.events if isinstance(note, str) or note >= 200]
    assert len(finals) == 200
    assert len({id(transaction) for transaction in callee.seen}) == len(callee.seen)
    assertQuiet(simulation)
