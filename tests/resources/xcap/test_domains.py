"""Whose users there are."""

from __future__ import annotations

import pytest

from sipapp.resources.xcap.domains import Domains
from sipapp.storage import MemoryAccounts, OwnAccounts, newAccount


@pytest.mark.parametrize(
    ("uri", "isUser"),
    [
        ("sip:alice@example.com", True),
        ("sips:alice@example.com", True),
        ("sip:alice@example.net", True),
        ("sip:bob@example.net", True),
        ("sip:bob@example.com", False),
        ("sip:carol@example.org", True),
        ("sip:alice@example.org", False),
        ("sip:alice@example.com:5070", False),
        ("sip:alice@elsewhere.example", False),
        ("sip:example.com", False),
        ("sip:@example.com", False),
        ("tel:alice@example.com", False),
        ("alice", False),
        ("", False),
    ],
)
def test_isUser(uri: str, isUser: bool) -> None:
    """Domains of the same realm have the same accounts, unless there is a domain in their name."""
    domains = Domains(["example.net", "example.org"], "example.com", {"example.net": "example.com"})
    accounts = OwnAccounts(
        MemoryAccounts(
            newAccount("alice", "example.com", "x"),
            newAccount("bob@example.net", "example.com", "x"),
            newAccount("carol", "example.org", "x"),
        )
    )
    assert domains.isUser(uri, accounts) is isUser
