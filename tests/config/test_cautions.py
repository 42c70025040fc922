"""Tests of C{sipapp.config.cautions}."""

from __future__ import annotations

import pytest

from sipapp.config import cautionsOf
from tests.config.surroundings import plan


def endpoint(address: str, *resources: str) -> str:
    names = ", ".join(f'"{name}"' for name in resources)
    text = f'[[listen]]\naddress = "{address}"\ntransport = "udp"\nresources = [{names}]\n'
    if "replicate" in resources:
        text += '[resource.replicate]\npeers = ["sip:192.0.2.9"]\n'
    return text


@pytest.mark.parametrize("address", ["192.0.2.1", "*"])
def test_anybodyMayRegister(address: str) -> None:
    (caution,) = cautionsOf(plan(endpoint(address, "options", "registrar", "proxy")))
    assert "udp:" in caution
    assert '"authenticate" before "registrar"' in caution


def test_authenticationAfterTheRegistrarIsTooLate() -> None:
    assert cautionsOf(plan(endpoint("192.0.2.1", "registrar", "authenticate")))


@pytest.mark.parametrize(
    ("address", "resources"),
    [
        ("192.0.2.1", ("authenticate", "options", "registrar", "proxy")),
        ("192.0.2.1", ("options", "proxy")),
        ("192.0.2.1", ("replicate", "registrar")),
        ("127.0.0.1", ("options", "registrar", "proxy")),
    ],
)
def test_nothingToSay(address: str, resources: tuple[str, ...]) -> None:
    assert cautionsOf(plan(endpoint(address, *resources))) == []
