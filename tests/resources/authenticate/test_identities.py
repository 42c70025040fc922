"""From, To and the user who has proven himself must agree (RFC 3261 §10.3, §26.3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sipapp.resources.sip.authenticate import AuthenticateSettings
from tests.resources.authenticate.stage import Phone, Worker

SALES = '"Sales" <sip:sales@example.com>'


def status(path: Path, method: str, identities: Mapping[str, tuple[str, ...]], **more: Any) -> int:
    worker = Worker(path, identities=dict(identities))
    answer = Phone(worker, **more.pop("phone", {})).ask(method, **more)
    assert len(worker.passed) == (answer.status == 200)
    assert worker.bans.offences == []
    worker.close()
    return answer.status


@pytest.mark.parametrize(
    "sender",
    [
        "<sip:alice@example.com>",
        "<sips:alice@EXAMPLE.COM.>",
        '"Bob" <sip:%61lice:pw@example.com:5060;user=phone>',
    ],
)
def test_ones(tmp_path: Path, sender: str) -> None:
    assert status(tmp_path, "INVITE", {}, sender=sender) == 200


@pytest.mark.parametrize(
    "sender",
    ["<sip:bob@example.com>", "<sip:example.com>", "<sip:ALICE@example.com>", SALES],
)
def test_anothers(tmp_path: Path, sender: str) -> None:
    assert status(tmp_path, "INVITE", {}, sender=sender) == 403


def test_theRegistrationOfAnother(tmp_path: Path) -> None:
    assert status(tmp_path, "REGISTER", {}, to="<sip:bob@example.com>") == 403
    more = {"alice@example.com": ("sip:bob@example.com",)}
    assert status(tmp_path / "2", "REGISTER", more, to="<sip:bob@example.com>") == 200
    # To says whose call it is in a registration only.
    assert status(tmp_path / "3", "MESSAGE", {}, to="<sip:bob@example.com>") == 200


def test_theSameNameInAnotherRealm(tmp_path: Path) -> None:
    carol = {"username": "carol", "password": "singer"}
    sender = "<sip:carol@others.example>"
    assert status(tmp_path, "INVITE", {}, sender=sender, phone=carol) == 200
    more = {"carol@example.com": ("sip:sales@others.example",)}
    sender = "<sip:sales@others.example>"
    assert status(tmp_path / "2", "INVITE", more, sender=sender, phone=carol) == 403
    more = {"carol@The Others": ("sip:sales@others.example",)}
    assert status(tmp_path / "3", "INVITE", more, sender=sender, phone=carol) == 200


@pytest.mark.parametrize("address", ["sips:sales@EXAMPLE.com", "sip:s%61les@example.com", "*"])
def test_exceptions(tmp_path: Path, address: str) -> None:
    more = {"alice@example.com": ("sip:other@example.com", address)}
    assert status(tmp_path, "INVITE", more, sender=SALES) == 200


@pytest.mark.parametrize(
    "address", ["tel:+1-555-1234", "sip:alice@partner.example", "urn:x-user:alice"]
)
def test_addressesFromElsewhere(tmp_path: Path, address: str) -> None:
    """Are a user's once they are said to be, and then nobody else's."""
    more = {"alice@example.com": (address,)}
    sender = f"<{address.replace('-1234', '1234')}>"
    assert status(tmp_path, "INVITE", more, sender=sender) == 200
    bob = {"username": "bob", "password": "builder"}
    assert status(tmp_path / "2", "INVITE", more, sender=sender, phone=bob) == 403


@pytest.mark.parametrize(
    "settings",
    [
        {"identities": {"alice": ["sip:a@b"]}},
        {"identities": {"alice@b": ["sales"]}},
        {"identities": {"alice@b": ["sip:"]}},
        {"realms": {"example.com": "a\r\nb"}},
        {"realms": {"example.com": ""}},
        {"algorithms": []},
        {"algorithms": ["SHA-1"]},
        {"qop": []},
        {"qop": ["token"]},
        {"nonce_lifetime": 1},
    ],
)
def test_settingsThatCannotBe(settings: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(settings, AuthenticateSettings)


def test_settings() -> None:
    settings = msgspec.convert(
        {
            "realms": {"example.com": "Example"},
            "identities": {"alice@Example": ["tel:+15551234", "urn:service:sos", "*"]},
            "nonce_lifetime": 60,
        },
        AuthenticateSettings,
    )
    assert settings.nonceLifetime == 60
