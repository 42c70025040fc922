"""Tests of who is trusted: the flow tells, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from sipapp.transport.networks import Networks
from sipapp.transport.trust import TrustedPeers


@dataclass
class Peer:
    """As much of a flow as is looked at."""

    host: str = "198.51.100.7"
    identities: frozenset[str] = frozenset()

    @property
    def remote(self) -> tuple[str, int]:
        return self.host, 5060


def trusts(peers: TrustedPeers, **flow: Any) -> bool:
    flow["identities"] = frozenset(flow.get("identities", ()))
    return Peer(**flow) in peers  # type: ignore[operator]  # as much as is looked at


@pytest.mark.parametrize(
    ("network", "host", "isIn"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.10", False),
        ("192.0.2.0/24", "192.0.2.10", True),
        ("192.0.2.77/24", "192.0.2.10", True),
        ("192.0.2.0/24", "::ffff:192.0.2.10", True),
        ("192.0.2.0/24", "2001:db8::c000:20a", False),
        ("2001:db8::/32", "2001:db8:1::7", True),
        ("2001:db8::/32", "192.0.2.1", False),
        ("fe80::/10", "fe80::1%eth0", True),
        ("fe80::/10", "fec0::1%eth0", False),
    ],
)
def test_networks(network: str, host: str, isIn: bool) -> None:
    networks = Networks(["203.0.113.0/24", network])
    assert bool(networks)
    assert (host in networks) is isIn
    assert (host in networks) is isIn  # from memory


def test_noNetworks() -> None:
    assert not Networks(())
    assert "192.0.2.1" not in Networks(())


def test_strangersDoNotFillTheMemory() -> None:
    networks = Networks(["192.0.2.0/24"])
    for number in range(10_000):
        assert f"10.0.{number >> 8}.{number & 255}" not in networks
    assert len(networks._known) <= 4096
    assert "192.0.2.1" in networks


def test_nobodyIsTrustedUnasked() -> None:
    assert not trusts(TrustedPeers(), host="127.0.0.1", identities=["example.com"])


def test_addresses() -> None:
    peers = TrustedPeers(["192.0.2.0/24"])
    assert trusts(peers, host="192.0.2.9")
    assert not trusts(peers, host="198.51.100.9")


@pytest.mark.parametrize(
    ("identities", "isTrusted"),
    [
        ([], False),
        (["example.com"], True),
        (["example.net", "example.com"], True),
        # RFC 5922 §7.2: whole names, and no wildcards.
        (["sip.example.com"], False),
        (["com"], False),
        (["*.example.com"], False),
    ],
)
def test_domains(identities: list[str], isTrusted: bool) -> None:
    peers = TrustedPeers(domains=["example.com"])
    assert trusts(peers, identities=identities) is isTrusted


def test_wildcardsAreNobody() -> None:
    peers = TrustedPeers(domains=["*.example.com"])
    assert not trusts(peers, identities=["sip.example.com"])
