"""Mutations differ, stay within bounds, and can be had again."""

from __future__ import annotations

from random import Random

import pytest

from tests.fuzz.mutation import LONGEST, Mutation
from tests.fuzz.target import torture

MESSAGES = torture()


def test_theSameAgain() -> None:
    one, other = Mutation(Random(1), MESSAGES), Mutation(Random(1), MESSAGES)
    for message in MESSAGES:
        assert one.apply(message) == other.apply(message)


def test_mostDiffer() -> None:
    mutation = Mutation(Random(2), MESSAGES)
    made = {mutation.apply(MESSAGES[0]) for _ in range(1000)}
    assert len(made) > 900
    assert max(map(len, made)) <= LONGEST


@pytest.mark.parametrize("data", [b"", b"\r\n", b"x", b"1"])
def test_hardlyAnything(data: bytes) -> None:
    mutation = Mutation(Random(3))
    for _ in range(200):
        mutation.apply(data)
