"""Tests of C{sipapp.config.values}."""

from __future__ import annotations

import pytest

from sipapp.config import tomlKey


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("user", "user"),
        ("socketWorkers", "socket_workers"),
        ("tcpChildren", "tcp_children"),
        ("timerC", "timer_c"),
        ("udpMTU", "udp_mtu"),
        ("negativeTTL", "negative_ttl"),
        ("t1", "t1"),
    ],
)
def test_keysAreSnakeCase(name: str, key: str) -> None:
    assert tomlKey(name) == key
