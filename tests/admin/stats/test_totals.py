"""Tests of C{sipapp.admin.stats.totals}: workers come and go, counters stay."""

from __future__ import annotations

from sipapp.admin.stats.snapshot import Snapshot
from sipapp.admin.stats.totals import Totals
from sipapp.admin.stats.workerstats import WorkerStats
from sipapp.transaction.durations import Durations

WORKER = "udp-0/1"
LABELS = ("udp-0", "1")


def told(pid: int, sent: int, pending: int = 0, seconds: float | None = None) -> WorkerStats:
    """What a worker tells."""
    stats = WorkerStats(pid)
    stats.add("retransmissions_sent", sent)
    stats.add("transactions_pending", pending)
    if seconds is not None:
        durations = Durations()
        durations.add(seconds)
        stats.addSpread("answer_seconds", durations, "INVITE")
    return stats


def sent(snapshot: Snapshot) -> float:
    return snapshot.numbers["retransmissions_sent"][LABELS]


def test_oneWorker() -> None:
    """What it says last counts."""
    totals = Totals()
    totals.learn(WORKER, told(100, 5, pending=3))
    totals.learn(WORKER, told(100, 7, pending=2))
    every = totals.all({WORKER: 100})
    assert sent(every) == 7
    assert every.numbers["transactions_pending"] == {LABELS: 2}


def test_silence() -> None:
    """Of one that does not answer only what it has counted is known."""
    totals = Totals()
    totals.learn(WORKER, told(100, 5, pending=3))
    every = totals.all({})
    assert sent(every) == 5
    assert "transactions_pending" not in every.numbers


def test_replaced() -> None:
    """The one that follows begins at 0, and the other one's last words may come later."""
    totals = Totals()
    totals.learn(WORKER, told(100, 5, pending=3, seconds=0.5))
    totals.learn(WORKER, told(200, 1, pending=1, seconds=0.5))
    every = totals.all({WORKER: 200})
    assert sent(every) == 6
    assert every.numbers["transactions_pending"] == {LABELS: 1}
    totals.learn(WORKER, told(100, 9, pending=0, seconds=0.5))
    every = totals.all({WORKER: 200})
    assert sent(every) == 10
    spread = every.spreads["answer_seconds"][*LABELS, "INVITE"]
    assert (sum(spread.counts), spread.total) == (2, 1.0)


def test_manyReplaced() -> None:
    """However often: nothing is lost, and not everything is remembered one by one."""
    totals = Totals()
    for pid in range(1, 101):
        totals.learn(WORKER, told(pid, 1, seconds=0.25))
        assert sent(totals.all({WORKER: pid})) == pid
    assert len(totals._told[WORKER]) < 20
    assert sum(totals.all({}).spreads["answer_seconds"][*LABELS, "INVITE"].counts) == 100


def test_anotherVersion() -> None:
    """A worker that is older than the parent may have metrics that nobody knows here."""
    totals = Totals()
    stats = told(100, 5)
    stats.add("requests_juggled", 3)
    stats.add("requests_sent", 3)
    stats.addSpread("answer_seconds", Durations((0, 1, 2), 3.0), "INVITE")
    stats.addSpread("juggling_seconds", Durations())
    totals.learn(WORKER, stats)
    every = totals.all({WORKER: 100})
    assert set(every.numbers) == {"retransmissions_sent", "transactions_pending"}
    assert every.spreads == {}


def test_rows() -> None:
    snapshot = Snapshot()
    snapshot.add("requests_sent", 2, "udp-0", "0", "INVITE")
    snapshot.add("requests_sent", 3, "udp-0", "1", "INVITE")
    snapshot.add("requests_sent", 4, "tcp", "0", "BYE")
    assert snapshot.sum("requests_sent") == 9
    assert snapshot.sum("requests_sent", pool="udp-0") == 5
    assert snapshot.sum("requests_sent", pool="udp-0", method="BYE") == 0
    assert list(snapshot.rows("requests_sent", method="BYE")) == [
        ({"pool": "tcp", "slot": "0", "method": "BYE"}, 4)
    ]
    assert snapshot.sum("bans") == 0
