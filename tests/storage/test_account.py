"""Tests of C{sipapp.storage.account}."""

from __future__ import annotations

import pytest

from sipapp.sip.digest import ALGORITHMS, HASHES
from sipapp.storage import Account, newAccount


def test_digests() -> None:
    """The user of RFC 7616 §3.9.1."""
    account = newAccount("Mufasa", "http-auth@example.org", "Circle of Life")
    assert account.ha1("MD5") == "3d78807defe7de2157e2b0b6573a855f"
    assert account.ha1("SHA-256") == (
        "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a00262392d7b4794232"
    )
    assert set(account.digests) == set(HASHES)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_sessionsHaveTheSameDigest(algorithm: str) -> None:
    account = newAccount("alice", "example.com", "wonderland")
    assert account.ha1(algorithm) == account.digests[algorithm.removesuffix("-sess")]


def test_unknownAlgorithm() -> None:
    assert newAccount("alice", "example.com", "wonderland").ha1("SHA-1") is None
    assert Account("alice", "example.com").ha1("MD5") is None


def test_nothingToLog() -> None:
    account = newAccount("alice", "example.com", "wonderland", "admin")
    assert repr(account) == str(account) == "<Account 'alice' of 'example.com'>"


def test_sameTextInAnotherForm() -> None:
    """RFC 7616 §4: NFC, whatever keyboard it was typed on."""
    one = newAccount("ren\u00e9", "example.com", "\u00e9tude")
    other = newAccount("rene\u0301", "example.com", "e\u0301tude")
    assert one == other


@pytest.mark.parametrize(
    ("username", "realm", "password", "reason"),
    [
        ("", "r", "p", "the user name is empty"),
        ("u", "", "p", "the realm is empty"),
        ("u", "r", "", "the password is empty"),
        ("u:v", "r", "p", "has a colon"),
        ("u\n", "r", "p", "user name holds what cannot be printed"),
        ("u", "r\x1b", "p", "realm holds what cannot be printed"),
        ("u", "r", "p\0", "password holds what cannot be printed"),
        ("\udcff", "r", "p", "user name holds what cannot be printed"),
    ],
)
def test_notATextForThat(username: str, realm: str, password: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        newAccount(username, realm, password)
