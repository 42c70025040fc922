"""Nonces that every worker can tell from others without having seen them.

A nonce is C{TIME RANDOM PLACE MAC}: when it was minted, what makes it the only one, a hash of who
it was given to, and a keyed hash over all that. Whoever has the key knows a nonce of ours when it
comes back, and when it ends. That it is not used twice in the same way is another's business:
L{sipapp.interfaces.INonceCounts}.

The place does not take part in whether a nonce is good, because phones wander and share addresses.
It answers one question: whether who shows this nonce is where it was sent to. On UDP that is the
only thing that tells a real sender from one who writes the address of another.
"""

from __future__ import annotations

import os
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from typing import Final, Literal

__all__ = ["FORGED", "FRESH", "STALE", "Freshness", "Nonces"]

Freshness = Literal["fresh", "stale", "forged"]

FRESH: Final = "fresh"
STALE: Final = "stale"
FORGED: Final = "forged"

# 24 bytes, which are 32 characters without padding: each nonce can be written in one way only.
_nonce = re.compile(r"[A-Za-z0-9\-_]{32}\Z").match
_LENGTH = 32
_REMEMBERED = 64
_TIME = struct.Struct(">L")
_RANDOM = 6
_PLACE = 3
_MAC = 11
_HEAD = _TIME.size + _RANDOM
_SIGNED = _HEAD + _PLACE


class Nonces:
    """Mints nonces, and recognises those minted with the same key.

    @ivar lifetime: how many seconds a nonce is good for.
    """

    __slots__ = ("_mac", "_place", "_read", "lifetime")

    def __init__(self, key: bytes, lifetime: float) -> None:
        """
        @param key: the same for all workers, and known to nobody else: 16 to 64 bytes.
        """
        self.lifetime = lifetime
        # One message is asked about several times.
        self._read = lru_cache(_REMEMBERED)(self._signedIn)
        self._mac = blake2b(key=key, person=b"nonce", digest_size=_MAC)
        self._place = blake2b(key=key, person=b"nonceplace", digest_size=_PLACE)

    def mint(self, now: float, place: str = "") -> str:
        """
        @param now: seconds since the epoch.
        @param place: the address that it is sent to.
        @return: 32 letters, digits, C{-} and C{_}.
        """
        head = _TIME.pack(int(now) & 0xFFFFFFFF) + os.urandom(_RANDOM)
        signed = head + self._digest(self._place, head + place.encode("utf-8", "surrogateescape"))
        return urlsafe_b64encode(signed + self._digest(self._mac, signed)).decode("ascii")

    def expiry(self, nonce: str) -> float | None:
        """
        @return: when a nonce ends, or has ended, in seconds since the epoch; C{None} if it was
            never minted.
        """
        signed = self._read(nonce) if len(nonce) == _LENGTH else None
        if signed is None:
            return None
        (minted,) = _TIME.unpack_from(signed)
        return float(minted) + self.lifetime

    def check(self, nonce: str, now: float) -> Freshness:
        """
        @return: L{FRESH}, L{STALE} if it has ended, or L{FORGED} if it was never minted.
        """
        expiry = self.expiry(nonce)
        if expiry is None:
            return FORGED
        return FRESH if now < expiry else STALE

    def wasSentTo(self, nonce: str, place: str) -> bool:
        """Tell whether a nonce was minted for this place."""
        signed = self._read(nonce) if len(nonce) == _LENGTH else None
        if signed is None:
            return False
        expected = signed[:_HEAD] + place.encode("utf-8", "surrogateescape")
        return compare_digest(signed[_HEAD:], self._digest(self._place, expected))

    def _signedIn(self, nonce: str) -> bytes | None:
        """What is signed in a nonce, if the signature is good."""
        if _nonce(nonce) is None:
            return None
        data = urlsafe_b64decode(nonce)
        signed = data[:_SIGNED]
        return signed if compare_digest(data[_SIGNED:], self._digest(self._mac, signed)) else None

    @staticmethod
    def _digest(keyed: blake2b, data: bytes) -> bytes:
        hasher = keyed.copy()
        hasher.update(data)
        return hasher.digest()
