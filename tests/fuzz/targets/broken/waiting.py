"""Waits for something that never comes."""

import threading

from hypothesis import strategies as st

from tests.fuzz.target import Target


def check(data: bytes) -> None:
    threading.Event().wait()


TARGET = Target(what="nothing is waited for", check=check, seeds=[b"abc"], inputs=st.binary())
