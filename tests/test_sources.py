"""Tests of C{sipapp.sources}."""

from __future__ import annotations

import pytest

from sipapp.sources import SourceTable, parseNetwork, sourceOf


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("192.0.2.1", "192.0.2.1/32"),
        ("192.0.2.1/24", "192.0.2.0/24"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8:1:2:3::/80", "2001:db8:1:2::/64"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1/32"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
    ],
)
def test_networks(text: str, network: str) -> None:
    assert str(parseNetwork(text)) == network


@pytest.mark.parametrize("text", ["", "example.com", "192.0.2.0/33", "192.0.2", "2001:db8::/129"])
def test_whatIsNone(text: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        parseNetwork(text)


def test_aCustomerIsOneSource() -> None:
    assert sourceOf("2001:db8::1") == sourceOf("2001:db8::ffff:1") != sourceOf("2001:db8:0:1::1")


def test_finding() -> None:
    entries = ("192.0.2.1", "192.0.2.0/24", "198.51.100.7", "2001:db8::/32", "2001:db8::", "::/0")
    table = SourceTable((parseNetwork(text), text) for text in entries)
    assert sorted(table.find("192.0.2.1")) == ["192.0.2.0/24", "192.0.2.1"]
    assert table.find("::ffff:192.0.2.2") == ["192.0.2.0/24"]
    assert table.find("198.51.100.8") == []
    assert sorted(table.find("2001:db8::9")) == ["2001:db8::", "2001:db8::/32", "::/0"]
    assert table.find("fe80::1%eth0") == ["::/0"]


def test_changes() -> None:
    table: SourceTable[str] = SourceTable()
    host, network = parseNetwork("192.0.2.1"), parseNetwork("192.0.2.0/24")
    table.add(host, "one")
    table.add(host, "two")
    table.add(network, "all")
    assert sorted(table.find("192.0.2.1")) == ["all", "two"]
    table.discard(host)
    table.discard(host)
    assert table.find("192.0.2.1") == ["all"]
    table.discard(network)
    assert table.find("192.0.2.1") == []


def test_nothingToFind() -> None:
    table: SourceTable[str] = SourceTable()
    assert table.find("192.0.2.1") == []
