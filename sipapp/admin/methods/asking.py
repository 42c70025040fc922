"""What methods that show things of all workers have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from sipapp.admin.methods.workforce import Kind, Workforce
from sipapp.rpc import Fault, InvalidParameters

__all__ = ["Limit", "Rows", "checkWord", "rowsOf"]

Limit = Annotated[int, Meta(ge=1, le=1000)]
"""How many rows to show."""


_PATIENCE = 20.0
"""Seconds for a worker that has a hundred thousand of something, and callers to serve meanwhile."""


class Rows(Struct, frozen=True):
    """Some of the things that were asked for.

    @ivar rows: each with the worker that has it.
    @ivar matching: how many there are.
    @ivar silent: the workers that have not said what they have, and why.
    """

    rows: list[dict[str, Any]]
    matching: int
    silent: dict[str, str]


def checkWord(parameter: str, word: str | None, known: Sequence[str]) -> None:
    """
    @param word: what rows are wanted of, in upper or lower case; C{None} is of all.
    @param known: the words that there are, in lower case.
    @raise InvalidParameters: if it is another, of which there could be no rows.
    """
    if word is not None and word.lower() not in known:
        raise InvalidParameters(f"{parameter}: {word!a} is none of {', '.join(known)}")


async def rowsOf(
    workforce: Workforce,
    question: str,
    worker: str | None,
    kind: Kind | None,
    limit: int,
    **wanted: Any,
) -> Rows:
    """Ask workers for what they have of something.

    @param worker: the one to ask; C{None} asks all of the kind.
    @param limit: each tells of so many at most.
    @raise Fault: if a single worker that was asked does not answer.
    """
    if worker is not None:
        answers = {
            worker: await workforce.ask(worker, question, timeout=_PATIENCE, limit=limit, **wanted)
        }
    else:
        answers = await workforce.askAll(
            question, kind=kind, timeout=_PATIENCE, limit=limit, **wanted
        )
    rows: list[dict[str, Any]] = []
    matching, silent = 0, {}
    for name, answer in answers.items():
        if isinstance(answer, Fault):
            silent[name] = answer.text
            continue
        matching += answer["matching"]
        rows += ({"worker": name, **row} for row in answer["rows"])
    return Rows(rows, matching, silent)
