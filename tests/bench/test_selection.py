"""Parts of the comparison can be chosen."""

from __future__ import annotations

from bench.compare.rows import ORDER
from bench.compare.selection import Cell, everything, quick, select


def test_everything() -> None:
    paths = {(cell.scenario, cell.transport, cell.workers) for cell in everything()}
    for scenario in ("options", "register", "call"):
        for transport in ("udp", "tcp"):
            assert {(scenario, transport, 1), (scenario, transport, 2)} <= paths
    assert {("idle-5000", "tcp", 1), ("idle-50000", "tcp", 4)} <= paths
    assert all(cell.servers == ORDER for cell in everything())


def test_quick() -> None:
    assert {(cell.transport, cell.workers) for cell in quick()} == {("udp", 1)}


def test_noPatterns() -> None:
    assert select(quick(), []) == list(quick())


def test_partsThatAreLeftOutMatchEverything() -> None:
    assert [cell.workers for cell in select(everything(), ["call/udp"])] == [1, 2]


def test_servers() -> None:
    chosen = select(everything(), ["options/udp/1/kamailio-*", "register/tcp/2/sipapp"])
    assert chosen == [
        Cell("options", "udp", 1, ("kamailio-tuned", "kamailio-stock")),
        Cell("register", "tcp", 2, ("sipapp",)),
    ]


def test_tooManyParts() -> None:
    assert select(everything(), ["call/udp/1/sipapp/more"]) == []
