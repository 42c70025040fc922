"""The targets keep their promise for what is known to be hard, and for some that is made up."""

from __future__ import annotations

import gc
import os
import secrets
import sys
from random import Random

import pytest
from twisted.logger import globalLogBeginner

from tests.fuzz.target import CORPUS, NAMES, Target, found, load

#: CI says the same of the same tree each time; everybody else looks further at every run.
SEED = 0 if os.environ.get("CI") == "true" else secrets.randbits(32)
#: How many inputs are made up of the seeds of each target.
MADE_UP = 400


everyTarget = pytest.mark.parametrize("name", NAMES)


@everyTarget
def test_seeds(name: str) -> None:
    target = load(name)
    for data in target.seeds:
        target.check(data)


@everyTarget
def test_whatWasFound(name: str) -> None:
    target = load(name)
    for path in found(name):
        target.check(path.read_bytes())


def test_everyFindingHasATarget() -> None:
    assert {path.name for path in (CORPUS / "fuzz").iterdir() if path.is_dir()} <= set(NAMES)


def madeUp(target: Target, random: Random) -> bytes:
    data = random.choice(target.seeds)
    if target.mutate is None:
        return bytes(random.randrange(256) for _ in range(random.randint(0, len(data))))
    return target.mutate(data, random)


@everyTarget
def test_mutations(name: str) -> None:
    target = load(name)
    random = Random(SEED)
    for _ in range(MADE_UP):
        data = madeUp(target, random)
        try:
            target.check(data)
        except Exception as error:
            error.add_note(f"for {data!r}")
            raise


@pytest.fixture(scope="module")
def forgetfulLog() -> None:
    """Until somebody reads it, Twisted's log remembers what was said, for whoever comes."""
    globalLogBeginner.beginLoggingTo([], redirectStandardIO=False)


@everyTarget
@pytest.mark.usefixtures("forgetfulLog")
def test_nothingIsKept(name: str) -> None:
    """Trying the same inputs again leaves nothing behind."""
    target = load(name)
    random = Random(1)
    inputs = [madeUp(target, random) for _ in range(MADE_UP)]
    counts = []
    for _ in range(4):
        for data in inputs:
            target.check(data)
        gc.collect()
        counts.append(sys.getallocatedblocks())
    assert counts[3] - counts[1] < MADE_UP, counts
