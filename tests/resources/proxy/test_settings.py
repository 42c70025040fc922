"""The settings of a proxy as its table in the configuration has them."""

from __future__ import annotations

import msgspec
import pytest

from sipapp.resources.sip.proxy import ProxySettings, proxyMaker


def test_keys() -> None:
    table = {
        "mode": "stateless",
        "record_route": False,
        "record_route_methods": ["INVITE"],
        "recurse": "local",
        "relay_registered": False,
        "timer_c": 240,
        "max_branches": 5,
        "max_breadth": 10,
        "max_forwards": 20,
        "proxy_require": ["privacy"],
        "unreachable_status": 404,
    }
    settings = msgspec.convert(table, ProxySettings)
    assert settings.timerC == 240
    assert settings.unreachableStatus == 404
    assert msgspec.to_builtins(settings).keys() == table.keys()


@pytest.mark.parametrize(
    "table",
    [
        {"mode": "stateles"},
        {"timer_c": 0},
        {"max_branches": 0},
        {"max_forwards": 256},
    ],
)
def test_mistakes(table: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, ProxySettings)


def test_maker() -> None:
    assert (proxyMaker.name, proxyMaker.kind) == ("proxy", "sip")
    assert proxyMaker.settings is ProxySettings
