"""Takes its time over some inputs."""

from hypothesis import strategies as st

from tests.fuzz.target import Target


def check(data: bytes) -> None:
    while len(data) > 2 and data[1] == ord("x"):
        pass


TARGET = Target(what="no x takes long", check=check, seeds=[b"abc"], inputs=st.binary())
