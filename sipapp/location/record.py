"""What the LMDB file holds for an address-of-record: its key and its record."""

from __future__ import annotations

import hashlib

import msgspec

from sipapp.location.binding import Binding

__all__ = ["Record", "decodeRecord", "encodeRecord", "keyOf"]

_MAX_KEY = 511
"""Longest key that LMDB stores (and, in C{expiry}, the longest value)."""


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What C{bindings} holds for an address-of-record.

    @ivar indexed: the time of the record's entry in C{expiry}.
    @ivar aor: the address-of-record if the key is only a hash of it, otherwise C{""}.
    """

    indexed: float
    bindings: tuple[Binding, ...]
    aor: str = ""

    def named(self, key: bytes) -> str:
        """
        @param key: the one that it is kept under.
        @return: whose it is, for people.
        """
        return self.aor or key.decode("utf-8", "backslashreplace")


encodeRecord = msgspec.msgpack.Encoder().encode
decodeRecord = msgspec.msgpack.Decoder(Record).decode


def keyOf(aor: str) -> tuple[bytes, str]:
    """The key for an address-of-record, and what goes into L{Record.aor}.

    A key made of a hash starts with a zero byte, as no address-of-record does.
    """
    key = aor.encode("utf-8", "surrogateescape")
    if len(key) <= _MAX_KEY:
        return key, ""
    return b"\0" + hashlib.blake2b(key, digest_size=32).digest(), aor
