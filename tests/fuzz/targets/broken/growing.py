"""Keeps what it should not."""

from hypothesis import strategies as st

from tests.fuzz.target import Target

_kept: list[bytes] = []


def check(data: bytes) -> None:
    _kept.append(data + bytes(1 << 20))


TARGET = Target(what="nothing is kept", check=check, seeds=[b"abc"], inputs=st.binary())
