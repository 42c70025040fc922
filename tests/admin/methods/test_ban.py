"""C{ban.*}"""

from __future__ import annotations

from pathlib import Path

from sipapp.admin.methods.ban import BanMethods
from sipapp.config import Settings
from sipapp.config.admissionsettings import BansSettings
from sipapp.config.settings import ServerSettings
from sipapp.storage.banfile import BanFile
from tests.admin.methods.outcomes import Called, inThisThread

NOW = 1_800_000_000.0


def called(path: Path, enabled: bool = True) -> Called:
    settings = Settings(
        file="test",
        server=ServerSettings(stateDirectory=str(path)),
        bans=BansSettings(enabled=enabled),
    )
    return Called(path, ban=BanMethods(lambda: settings, lambda: NOW, inThisThread))


def test_life(tmp_path: Path) -> None:
    call = called(tmp_path)
    assert call("ban.list") == []
    entry = {
        "network": "192.0.2.0/24",
        "since": NOW,
        "left": None,
        "reason": "operator",
        "datagrams_only": False,
    }
    assert call("ban.add", "192.0.2.7/24") == entry
    short = call("ban.add", network="2001:db8::1", seconds=90, reason="a scan")
    assert short == entry | {"network": "2001:db8::/64", "left": 90.0, "reason": "a scan"}
    assert call("ban.list") == [entry, short]
    assert call("ban.remove", "192.0.2.0/24") is None
    assert call("ban.list") == [short]
    assert call.fault(404, "ban.remove", "192.0.2.0/24") == "192.0.2.0/24 is not banned"


def test_anotherProcessSeesIt(tmp_path: Path) -> None:
    """Each call lets go of the file."""
    called(tmp_path)("ban.add", "192.0.2.1")
    file = BanFile(tmp_path / "bans")
    assert list(file.bans(NOW)[1]) == ["192.0.2.1/32"]
    file.close()


def test_refused(tmp_path: Path) -> None:
    call = called(tmp_path)
    for text in ("", "somewhere", "192.0.2.1/40"):
        call.fault(-32602, "ban.add", text)
    call.fault(-32602, "ban.add", "192.0.2.1", 0)
    call.fault(-32602, "ban.add", "192.0.2.1", 60, "")
    assert call("ban.list") == []


def test_disabled(tmp_path: Path) -> None:
    call = called(tmp_path, enabled=False)
    assert call("ban.list") == []
    for name in ("ban.add", "ban.remove"):
        assert "enabled = false" in call.fault(503, name, "192.0.2.1")
    assert not (tmp_path / "bans").exists()
