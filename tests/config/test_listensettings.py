"""Tests of C{sipapp.config.listensettings}."""

from __future__ import annotations

import pytest

from sipapp.config import LimitsSettings, ListenSettings


def test_oneOrSeveralAddressesAndTransports() -> None:
    one = ListenSettings(address="lo", transport="udp")
    assert (one.addresses, one.transports) == (("lo",), ("udp",))
    several = ListenSettings(address=("lo", "eth0"))
    assert (several.addresses, several.transports) == (("lo", "eth0"), ("udp", "tcp"))


def test_chainOfResources() -> None:
    assert ListenSettings(address="lo").chain == ("options", "registrar", "proxy")
    assert ListenSettings(address="lo", resources=("proxy",)).chain == ("proxy",)
    assert ListenSettings(address="lo", transport="http").chain == ()


def test_limitsHaveDefaults() -> None:
    assert ListenSettings(address="lo").bounds.headSize == 32_768


def test_exemptAreNetworks() -> None:
    given = ("192.0.2.1", "2001:db8::/32")
    assert LimitsSettings(exempt=given).exempt == given
    with pytest.raises(ValueError, match="expected an IP address"):
        LimitsSettings(exempt=("192.0.2.1", "lb"))
