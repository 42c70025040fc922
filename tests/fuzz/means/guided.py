"""Mutates inputs, and keeps those that have reached new code to mutate them further (atheris).

What it keeps is in C{corpus/} in the target's directory, and the next campaign begins with it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import atheris

from tests.fuzz.means.arguments import Arguments
from tests.fuzz.target import Target, found, load
from tests.fuzz.trial import Trials

#: Of all inputs, how many the target's own mutation makes, where it has one.
_OWN = 0.5


def _write(directory: Path, inputs: list[bytes]) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(inputs):
        (directory / f"{number:04}").write_bytes(data)
    return directory


def _mutation(target: Target) -> Callable[[bytes, int, int], bytes]:
    """
    @return: what libFuzzer asks for the next input: it gives one that it has, the most bytes
        that the next may have, and a number to be random by.
    """

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        random = Random(seed)
        if target.mutate is None or random.random() >= _OWN:
            return bytes(atheris.Mutate(data, longest))
        return target.mutate(data, random)[:longest]

    return mutate


def main(arguments: Arguments) -> None:
    """Does not return: libFuzzer ends the process."""
    with atheris.instrument_imports(include=["sipapp"]):
        target = load(arguments.target)
    directory = arguments.directory
    earlier = [path.read_bytes() for path in found(arguments.target)]
    corpus = _write(directory / "corpus", [])
    seeds = _write(directory / "seeds", [*target.seeds, *earlier])
    options = [
        f"-max_total_time={arguments.seconds}",
        f"-max_len={target.longest}",
        # Whoever watches looks at time, memory and findings. This is for what no signal interrupts.
        "-timeout=60",
        "-rss_limit_mb=0",
        "-exact_artifact_path=/dev/null",
        "-print_final_stats=1",
    ]
    atheris.Setup(
        [sys.argv[0], *options, str(corpus), str(seeds)],
        Trials(target.check, arguments.note),
        custom_mutator=_mutation(target),
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(Arguments.read())
