"""What a worker evaluates for the manhole of its parent."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from sipapp.answers import Answers
from sipapp.evaluation import Answer, Evaluation

__all__ = ["Consoles"]

#: Consoles whose names are kept; of more, those that were used last.
_KEPT = 8


class Consoles:
    """The consoles of a worker. Each has its own names, as long as it is used; what is evaluated
    without a console has none of before."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        """
        @param namespace: what there is in each of them.
        """
        self._namespace = namespace
        self._consoles: OrderedDict[str, Evaluation] = OrderedDict()

    def addTo(self, answers: Answers) -> None:
        """Answer C{eval} and C{complete}."""
        answers.add("eval", self._run)
        answers.add("complete", self._complete)

    async def _run(self, source: str, console: str | None = None) -> Answer:
        return await self._at(console).run(source)

    def _complete(self, text: str, console: str | None = None) -> list[str]:
        return self._at(console).complete(text)

    def _at(self, console: str | None) -> Evaluation:
        if console is None:
            return Evaluation(dict(self._namespace))
        if console not in self._consoles:
            self._consoles[console] = Evaluation(dict(self._namespace))
        self._consoles.move_to_end(console)
        if len(self._consoles) > _KEPT:
            self._consoles.popitem(last=False)
        return self._consoles[console]
