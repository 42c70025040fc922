"""C{user.*}"""

from __future__ import annotations

from pathlib import Path

import pytest

from sipapp.admin.methods.user import UserMethods
from sipapp.config import Settings
from sipapp.config.accountsettings import AccountsSettings
from sipapp.config.settings import ServerSettings
from sipapp.storage import Account, AccountFile, newAccount
from tests.admin.methods.outcomes import Called, inThisThread

DOMAINS = ("example.com", "example.net")


def called(path: Path, domains: tuple[str, ...] = DOMAINS, checker: str | None = None) -> Called:
    settings = Settings(
        file="test",
        server=ServerSettings(domains=domains, stateDirectory=str(path)),
        accounts=AccountsSettings(checker=checker),
    )
    AccountFile.create(Path(settings.accountsPath))
    return Called(path, user=UserMethods(lambda: settings, inThisThread))


def accounts(path: Path) -> tuple[Account, ...]:
    with AccountFile(path / "accounts.db") as file:
        return file.accounts()


def test_life(tmp_path: Path) -> None:
    call = called(tmp_path)
    alice = {"user": "alice", "realm": "example.com", "role": None}
    assert call("user.add", "alice", "wonderland") == alice
    bob = call("user.add", user="bob", password="builder", realm="example.net", role="admin")
    assert bob == {"user": "bob", "realm": "example.net", "role": "admin"}
    assert call("user.list") == [alice, bob]
    assert call("user.list", "example.net") == [bob]
    assert call("user.password", "bob", "other", "example.net") == bob
    changed = newAccount("bob", "example.net", "other", "admin")
    assert accounts(tmp_path) == (newAccount("alice", "example.com", "wonderland"), changed)
    assert call("user.role", "bob", "none", "example.net")["role"] is None
    assert call("user.role", "alice", "viewer") == alice | {"role": "viewer"}
    assert accounts(tmp_path)[0] == newAccount("alice", "example.com", "wonderland", "viewer")
    assert call("user.remove", "alice") is None
    assert [each.username for each in accounts(tmp_path)] == ["bob"]


def test_passwordsAreNowhere(tmp_path: Path) -> None:
    call = called(tmp_path)
    call("user.add", "alice", "wonderland")
    call("user.password", user="alice", password="looking-glass")
    log = call.auditLog.read_text()
    assert log.count("user.") == 2
    assert "wonderland" not in log
    assert "looking-glass" not in log


def test_refused(tmp_path: Path) -> None:
    call = called(tmp_path)
    call("user.add", "alice", "wonderland")
    assert "'alice' of 'example.com'" in call.fault(409, "user.add", "alice", "other")
    for name, *more in (("user.password", "p"), ("user.role", "admin"), ("user.remove",)):
        assert "no user 'carol'" in call.fault(404, name, "carol", *more)
    assert "empty" in call.fault(-32602, "user.add", "carol", "")
    assert "colon" in call.fault(-32602, "user.add", "ca:rol", "p")
    call.fault(-32602, "user.role", "alice", "emperor")
    assert accounts(tmp_path) == (newAccount("alice", "example.com", "wonderland"),)


def test_noDomain(tmp_path: Path) -> None:
    call = called(tmp_path, domains=())
    assert call.fault(-32602, "user.add", "alice", "p").startswith("realm: ")
    assert call("user.add", "alice", "p", "example.org")["realm"] == "example.org"


def test_anotherIsAsked(tmp_path: Path) -> None:
    call = called(tmp_path, checker="file:/etc/passwords")
    assert "file:/etc/passwords" in call.fault(503, "user.list")


def test_noFile(tmp_path: Path) -> None:
    call = called(tmp_path)
    (tmp_path / "accounts.db").write_text("no database at all" * 100)
    call.fault(503, "user.list")


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_roles(tmp_path: Path, role: str) -> None:
    """Who may appoint somebody could appoint himself."""
    from msgspec.structs import replace

    from tests.admin.methods.outcomes import ADMIN

    settings = Settings(file="test", server=ServerSettings(stateDirectory=str(tmp_path)))
    caller = replace(ADMIN, role=role)
    call = Called(tmp_path, caller, user=UserMethods(lambda: settings, inThisThread))
    for name, *parameters in (
        ("user.add", "a", "p"),
        ("user.password", "a", "p"),
        ("user.role", "a", "admin"),
        ("user.remove", "a"),
    ):
        call.fault(403, name, *parameters)
