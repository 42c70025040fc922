"""Configurations that differ from their file."""

from __future__ import annotations

from typing import Any

import pytest

from sipapp.config import (
    Adjustments,
    ConfigurationError,
    Place,
    Settings,
    adjustSettings,
    decodeSettings,
    encodeSettings,
    parseSettings,
    resolve,
)
from sipapp.plugins import resourceTypes
from tests.config.surroundings import FakeMachine

TEXT = """
[server]
domains = ["example.test"]
[pools]
children = 2
[[listen]]
address = "127.0.0.1"
[[listen]]
address = "127.0.0.2"
transport = "udp"
socket_workers = 3
resources = ["options"]
[resource.registrar]
min_expires = 60
"""
BLOCK = {"address": "127.0.0.3", "port": 5070, "transport": "udp", "resources": ["options"]}


def settings() -> Settings:
    return parseSettings(TEXT, "sipapp.toml", resourceTypes())


def adjusted(**adjustments: Any) -> Settings:
    return adjustSettings(settings(), Adjustments(**adjustments), resourceTypes())


def shape(settings: Settings) -> dict[str, tuple[int, list[str]]]:
    """
    @return: for each pool, its size and listeners.
    """
    plan = resolve(settings, FakeMachine())
    return {
        pool.name: (pool.size, [plan.listeners[index].name for index in pool.listeners])
        for pool in plan.pools
    }


def test_sizes() -> None:
    """Of pools of any kind, whatever their blocks say."""
    assert shape(adjusted(sizes={"udp-0": 5, "udp-1": 1, "tcp": 4})) == {
        "udp-0": (5, ["udp:127.0.0.1:5060"]),
        "tcp": (4, ["tcp:127.0.0.1:5060"]),
        "udp-1": (1, ["udp:127.0.0.2:5060"]),
    }
    plan = resolve(adjusted(sizes={"udp-0": 5}), FakeMachine())
    assert plan.pool("udp-0").reason == "pool.resize"
    assert [each.slots for each in plan.listeners] == [5, 2, 3]


def test_addedAndRemoved() -> None:
    """Of a block that stands for two listeners one stays; the pools keep their names."""
    removed = Place("udp", "127.0.0.1", 5060)
    assert shape(adjusted(added=(BLOCK,), removed=(removed,))) == {
        "tcp": (2, ["tcp:127.0.0.1:5060"]),
        "udp-1": (3, ["udp:127.0.0.2:5060"]),
        "udp-2": (2, ["udp:127.0.0.3:5070"]),
    }


def test_whatIsAddedIsNotRemoved() -> None:
    """In the place of one of the file there may be another one."""
    block = {**BLOCK, "address": "127.0.0.2", "port": 5060}
    other = adjusted(added=(block,), removed=(Place("udp", "127.0.0.2", 5060),))
    assert shape(other)["udp-2"] == (2, ["udp:127.0.0.2:5060"])


def test_resources() -> None:
    """What only an added block names has its defaults; what the file says stays."""
    block = {"address": "127.0.0.3", "port": 8080, "transport": "http", "resources": ["health"]}
    other = adjusted(added=(block,))
    assert other.resource["registrar"] == settings().resource["registrar"]
    assert "health" in other.resource
    assert adjustSettings(other, Adjustments(), resourceTypes()) == settings()


def test_othersTakeTheirPlace() -> None:
    """Adjustments are not added to those that there are."""
    first = adjusted(sizes={"udp-0": 5}, added=(BLOCK,))
    second = adjustSettings(first, Adjustments(sizes={"udp-1": 7}), resourceTypes())
    assert second == adjusted(sizes={"udp-1": 7})
    assert (first.blocksOfFile, second.blocksOfFile) == (2, 2)


def test_workersAndOtherProgramsAreToldOfThem() -> None:
    other = adjusted(sizes={"udp-0": 5}, added=(BLOCK,), removed=(Place("udp", "127.0.0.1", 5060),))
    assert decodeSettings(encodeSettings(other), resourceTypes()) == other


@pytest.mark.parametrize(
    ("adjustments", "complaint"),
    [
        ({"added": ({**BLOCK, "prot": 1},)}, "listen[2].prot: unknown key"),
        ({"added": ({"port": 5070},)}, "listen[2].address: missing"),
        ({"added": ({**BLOCK, "transport": "ws"},)}, "listen[2].transport: "),
        ({"added": ({**BLOCK, "resources": ["nothing"]},)}, "listen[2].resources: no plugin"),
        ({"added": ({**BLOCK, "address": "127.0.0.1", "port": 5060},)}, "is taken by"),
        (
            {
                "removed": (
                    Place("udp", "127.0.0.1", 5060),
                    Place("tcp", "127.0.0.1", 5060),
                    Place("udp", "127.0.0.2", 5060),
                )
            },
            "listen: the last listener cannot be removed",
        ),
    ],
)
def test_whatCannotBe(adjustments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        resolve(adjusted(**adjustments), FakeMachine())
    assert complaint in str(caught.value)


def test_description() -> None:
    adjustments = Adjustments(
        sizes={"udp-0": 5}, added=(BLOCK,), removed=(Place("udp", "127.0.0.1", 5060),)
    )
    assert adjustments.describe() == [
        "udp-0 has 5 workers",
        "udp 127.0.0.3:5070 is added",
        "udp 127.0.0.1:5060 is removed",
    ]
    assert Adjustments().describe() == []
