"""The course of a cell: its servers get the same load in turn, in a steady rhythm.

Round after round, each server gets its load at its place in the I{period}, and is charged the
processor time of the whole period, less what it takes at rest. So a load's costs that come later
are in the figure too: a transaction over UDP is forgotten 32 s after it (RFC 3261 §17.2, Timer J),
in a later round. The round that comes before the first one is not counted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

from bench.compare.contender import Contender, Effort
from bench.compare.rows import Row
from bench.compare.servers import Wanted, workingDirectory

#: Seconds that a client may take to start and to end.
_MARGIN = 1.0
#: The shortest period, in seconds: after three of them the first round is forgotten.
_PERIOD = 12.0

Say = Callable[[str], None]


def compare(
    scenario: str, wanted: Wanted, names: Sequence[str], effort: Effort, say: Say
) -> list[Row]:
    """Run a cell.

    @param names: of the servers, in the order in which they take turns.
    @param say: is told what each round has found.
    @return: a row for each server.
    """
    with workingDirectory() as directory, ExitStack() as cleanUp:
        contenders = []
        for name in names:
            contender = Contender(name, scenario, wanted, directory / name)
            cleanUp.callback(contender.end)
            contenders.append(contender)
        _watchRest(contenders, effort.rest)
        for contender in contenders:
            contender.prepare()
        _takeTurns(contenders, effort, say)
        return [contender.row(effort) for contender in contenders]


def _watchRest(contenders: Sequence[Contender], seconds: float) -> None:
    before = [contender.usage() for contender in contenders]
    time.sleep(seconds)
    for contender, usage in zip(contenders, before, strict=True):
        contender.rested(usage)


def _takeTurns(contenders: Sequence[Contender], effort: Effort, say: Say) -> None:
    """The rounds: at each of its turns a server is charged the period that has passed, and begins
    another.
    """
    turn = max(effort.seconds + _MARGIN, _PERIOD / len(contenders))
    due = time.monotonic()
    for number in range(effort.rounds + 2):
        for contender in contenders:
            time.sleep(max(0.0, due - time.monotonic()))
            due = time.monotonic() + turn
            if number > 1:
                say(f"  round {number - 1}: {contender.account()}")
            if number <= effort.rounds:
                contender.begin(effort)
