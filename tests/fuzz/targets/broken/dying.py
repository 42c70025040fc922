"""Takes the whole process along."""

import ctypes

from hypothesis import strategies as st

from tests.fuzz.target import Target


def check(data: bytes) -> None:
    if len(data) > 2 and data[1] == ord("x"):
        ctypes.string_at(0)


TARGET = Target(what="nobody dies", check=check, seeds=[b"abc"], inputs=st.binary())
