"""What operators adjust, as adjustments of a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from sipapp.adjusting import extended, loadedAdjusted, reduced, resized
from sipapp.config import (
    Adjustments,
    ConfigurationError,
    Place,
    Plan,
    Settings,
    adjustSettings,
    parseSettings,
    resolve,
)
from sipapp.plugins import resourceTypes

TEXT = """
[server]
domains = ["example.test"]
[[listen]]
address = "127.0.0.1"
[[listen]]
address = "127.0.0.2"
port = 0
transport = "udp"
resources = ["options"]
"""
BLOCK = {"address": "127.0.0.3", "port": 5070, "transport": ["udp", "tcp"]}
ONE = {**BLOCK, "transport": "udp"}
OTHER = {**BLOCK, "transport": "tcp"}


def configured(adjustments: Adjustments | None = None, text: str = TEXT) -> tuple[Settings, Plan]:
    settings = parseSettings(text, "sipapp.toml", resourceTypes())
    if adjustments is not None:
        settings = adjustSettings(settings, adjustments, resourceTypes())
    return settings, resolve(settings)


def test_resized() -> None:
    """Each size is in its own place, and the last one counts."""
    settings, plan = configured(Adjustments(sizes={"udp-0": 2, "tcp": 3}))
    assert resized(settings, plan, "udp-0", 4).sizes == {"udp-0": 4, "tcp": 3}
    with pytest.raises(ConfigurationError, match="udp-9: there is no such pool"):
        resized(settings, plan, "udp-9", 4)


def test_resizedOfAnAddedBlock() -> None:
    """Its size is its own; but not if it shares its pool with those of the file."""
    settings, plan = configured(Adjustments(added=(ONE, OTHER)))
    changed = resized(settings, plan, "udp-2", 4)
    assert changed == Adjustments(added=({**ONE, "socket_workers": 4}, OTHER))
    assert resized(settings, plan, "tcp", 4) == Adjustments(sizes={"tcp": 4}, added=(ONE, OTHER))


def test_extended() -> None:
    """Each listener that a block stands for is a block."""
    settings, _ = configured(Adjustments(sizes={"tcp": 4}))
    assert extended(settings, BLOCK) == Adjustments(sizes={"tcp": 4}, added=(ONE, OTHER))
    with pytest.raises(ConfigurationError, match="listen"):
        extended(settings, {"address": "127.0.0.1", "transport": "udp"})


def test_reduced() -> None:
    """One that was added is forgotten; one of the file is noted."""
    settings, plan = configured(Adjustments(added=(ONE, OTHER)))
    assert reduced(settings, plan, "udp:127.0.0.3:5070") == Adjustments(added=(OTHER,))
    changed = reduced(settings, plan, "tcp:127.0.0.1:5060")
    assert changed.removed == (Place("tcp", "127.0.0.1", 5060),)
    with pytest.raises(ConfigurationError, match="there is no such listener"):
        reduced(settings, plan, "udp:127.0.0.9:5060")


def test_reducedWhereTheKernelHasChosenThePort() -> None:
    """The file knows nothing of the port that it has got. Of two like that neither is known."""
    settings, plan = configured()
    assert reduced(settings, plan, "udp:127.0.0.2:0").removed == (Place("udp", "127.0.0.2", 0),)
    twice = TEXT + TEXT[TEXT.rindex("[[listen]]") :]
    settings, plan = configured(text=twice)
    with pytest.raises(ConfigurationError, match="several whose ports the kernel has chosen"):
        reduced(settings, plan, "udp:127.0.0.2:0")


def test_theFileMayHaveChanged(tmp_path: Path) -> None:
    """What was adjusted goes with it, but not if that cannot be."""
    file = tmp_path / "sipapp.toml"
    file.write_text(TEXT)
    adjustments = Adjustments(added=(ONE,))
    settings, plan = loadedAdjusted(str(file), adjustments)
    assert settings.adjustments == adjustments
    assert plan.listeners[-1].name == "udp:127.0.0.3:5070"
    file.write_text(TEXT + '[[listen]]\naddress = "127.0.0.3"\nport = 5070\ntransport = "udp"\n')
    settings, plan = loadedAdjusted(str(file), adjustments)
    assert settings.adjustments == Adjustments()
    assert len(plan.listeners) == 4
    assert loadedAdjusted(str(file), Adjustments())[0] == settings
    file.write_text("nonsense")
    with pytest.raises(ConfigurationError):
        loadedAdjusted(str(file), adjustments)
