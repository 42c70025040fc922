"""Where what is typed is run: in the parent, or in a worker."""

from __future__ import annotations

import ast
import secrets
import time
from collections.abc import Sequence
from typing import Any, Protocol

from sipapp.admin.manhole.display import display
from sipapp.admin.manhole.namespace import TIMEOUT
from sipapp.admin.methods.workforce import Workforce
from sipapp.evaluation import Answer, Evaluation, Leave
from sipapp.rpc import Caller, Fault, InternalError, MethodDescription
from sipapp.rpc.methods import Audit

__all__ = ["Here", "InWorker", "Place", "masked"]

_SECRET_NAMES = frozenset({"password", "passphrase", "secret", "token", "ha1"})
_LEAVING = frozenset({"exit", "exit()", "quit", "quit()"})


class Place(Protocol):
    """A place."""

    @property
    def prompt(self) -> str:
        """What stands before a line."""

    def isComplete(self, source: str) -> bool:
        """Whether there need be no more lines."""

    async def run(self, source: str) -> Answer:
        """Run it.

        @raise Leave: if that is what it says.
        """

    async def complete(self, text: str) -> list[str]:
        """What the last word of it may become."""


class Here:
    """The parent."""

    prompt = ">>> "

    def __init__(
        self,
        namespace: dict[str, Any],
        descriptions: Sequence[MethodDescription],
        audit: Audit,
        caller: Caller,
    ) -> None:
        self._evaluation = Evaluation(namespace, display)
        self._descriptions = {each.name: each for each in descriptions}
        self._audit = audit
        self._caller = caller

    def isComplete(self, source: str) -> bool:
        return self._evaluation.isComplete(source)

    async def run(self, source: str) -> Answer:
        began = time.monotonic()
        answer = await self._evaluation.run(source)
        written = {"source": masked(source, self._descriptions)}
        _write(self._audit, self._caller, written, answer, began)
        return answer

    async def complete(self, text: str) -> list[str]:
        return self._evaluation.complete(text)


class InWorker:
    """A worker."""

    def __init__(self, name: str, workforce: Workforce, audit: Audit, caller: Caller) -> None:
        """
        @param name: of the worker.
        """
        self.prompt = f"{name}> "
        self._name = name
        self._workforce = workforce
        self._audit = audit
        self._caller = caller
        self._console = secrets.token_hex(4)
        self._syntax = Evaluation({})

    def isComplete(self, source: str) -> bool:
        return self._syntax.isComplete(source)

    async def run(self, source: str) -> Answer:
        if source.strip() in _LEAVING:
            raise Leave
        began = time.monotonic()
        try:
            answer = Answer(*await self._ask("eval", source=source))
        except Fault as fault:
            answer = Answer(f"{type(fault).__name__}: {fault.text}\n", True)
        written = {"worker": self._name, "source": source}
        _write(self._audit, self._caller, written, answer, began)
        return answer

    async def complete(self, text: str) -> list[str]:
        try:
            found: list[str] = await self._ask("complete", text=text)
        except Fault:
            return []
        return found

    async def _ask(self, question: str, **arguments: Any) -> Any:
        return await self._workforce.ask(
            self._name, question, timeout=TIMEOUT, console=self._console, **arguments
        )


def masked(source: str, descriptions: dict[str, MethodDescription]) -> str:
    """
    @return: what is typed without the passwords that methods are given in it.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # It has not been run. The two last: it is nested too deeply.
        return "(no Python)"
    found = False
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _takesSecret(node, descriptions):
            found = True
            node.args = [ast.Constant("***") for _ in node.args]
            node.keywords = [ast.keyword(each.arg, ast.Constant("***")) for each in node.keywords]
    if not found:
        return source
    try:
        return ast.unparse(tree)
    except RecursionError:
        return "(passwords, and more than can be written down)"


def _takesSecret(call: ast.Call, descriptions: dict[str, MethodDescription]) -> bool:
    description = descriptions.get(ast.unparse(call.func))
    return description is not None and any(
        each.name in _SECRET_NAMES for each in description.parameters
    )


def _write(
    audit: Audit, caller: Caller, written: dict[str, str], answer: Answer, began: float
) -> None:
    outcome = InternalError("it has failed") if answer.isError else None
    audit.write(caller, "manhole.run", written, outcome, time.monotonic() - began)
