"""Nonces: known again, and not to be made up."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from sipapp.sip.digest import FORGED, FRESH, STALE, Nonces

NOW = 1_760_000_000.75

nonces = Nonces(b"k" * 32, 300)
colleague = Nonces(b"k" * 32, 300)
stranger = Nonces(b"x" * 32, 300)


def test_everyWorkerKnowsThem() -> None:
    nonce = nonces.mint(NOW)
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", nonce)
    assert colleague.check(nonce, NOW) == FRESH
    assert stranger.check(nonce, NOW) == FORGED


def test_theyEnd() -> None:
    nonce = nonces.mint(NOW)
    expiry = nonces.expiry(nonce)
    assert expiry == int(NOW) + 300
    assert nonces.check(nonce, expiry - 0.001) == FRESH
    assert nonces.check(nonce, expiry) == STALE
    assert nonces.check(nonce, expiry + 1e9) == STALE


def test_eachIsTheOnlyOne() -> None:
    assert len({nonces.mint(NOW) for _ in range(1000)}) == 1000


def test_theyKnowWhereTheyWereSent() -> None:
    nonce = nonces.mint(NOW, "192.0.2.1")
    assert colleague.wasSentTo(nonce, "192.0.2.1")
    assert not nonces.wasSentTo(nonce, "192.0.2.2")
    assert not nonces.wasSentTo(nonce, "")
    assert not stranger.wasSentTo(nonce, "192.0.2.1")
    # It need not be shown there.
    assert nonces.check(nonce, NOW) == FRESH


@given(st.integers(0, 31), st.characters())
def test_noCharacterCanBeChanged(position: int, character: str) -> None:
    nonce = nonces.mint(NOW, "192.0.2.1")
    changed = nonce[:position] + character + nonce[position + 1 :]
    assert (nonces.check(changed, NOW) == FRESH) == (changed == nonce)


@given(st.text(max_size=40))
def test_noTextIsTooHostile(text: str) -> None:
    assert nonces.check(text, NOW) == FORGED
    assert nonces.expiry(text) is None
    assert not nonces.wasSentTo(text, "")


def test_thereIsOneWayToWriteThem() -> None:
    for _ in range(200):
        nonce = nonces.mint(NOW)
        for other in (nonce.replace("-", "+"), nonce.replace("_", "/"), nonce + "=", nonce + "\n"):
            assert other == nonce or nonces.check(other, NOW) == FORGED
