"""What a reload says has changed, and the table of its states."""

from __future__ import annotations

import pytest

from sipapp.config import Settings, parseSettings
from sipapp.plugins import resourceTypes
from sipapp.reload import AGAIN, DONE, IDLE, RELOADING, REQUEST, TABLE, changes

TEXT = """
[server]
domains = ["example.test"]
[sip]
t1 = 0.5
[[listen]]
address = "127.0.0.1"
socket_workers = 2
[resource.registrar]
min_expires = 60
"""


def settings(text: str) -> Settings:
    return parseSettings(text, "sipapp.toml", resourceTypes())


@pytest.mark.parametrize(
    ("old", "new", "keys"),
    [
        ("", "", []),
        ("t1 = 0.5", "t1 = 1.0", ["sip.t1"]),
        ("socket_workers = 2", "", ["listen[0].socket_workers"]),
        ("min_expires = 60", "min_expires = 30", ["resource.registrar.min_expires"]),
        ('domains = ["example.test"]', 'domains = ["a.test", "b.test"]', ["server.domains"]),
        ("[resource", '[[listen]]\naddress = "127.0.0.2"\n[resource', ["listen[1]"]),
    ],
)
def test_changes(old: str, new: str, keys: list[str]) -> None:
    """Told by the keys of the file, in either direction."""
    before, after = settings(TEXT), settings(TEXT.replace(old, new))
    assert changes(before, after) == keys
    assert changes(after, before) == keys


def test_theTableHasEveryStateAndInput() -> None:
    assert TABLE == {
        IDLE: {REQUEST: (RELOADING, True)},
        RELOADING: {REQUEST: (AGAIN, False), DONE: (IDLE, False)},
        AGAIN: {REQUEST: (AGAIN, False), DONE: (RELOADING, True)},
    }
