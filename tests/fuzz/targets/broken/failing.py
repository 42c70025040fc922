"""Fails for some inputs."""

from hypothesis import strategies as st

from tests.fuzz.target import Target


def check(data: bytes) -> None:
    if len(data) > 2 and data[1] == ord("x"):
        raise LookupError("x is the second")


TARGET = Target(what="no x", check=check, seeds=[b"abc"], inputs=st.binary())
