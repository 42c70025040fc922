"""Python that an operator types, evaluated where it shall be: in the parent or in a worker.

What is typed runs between two turns of the reactor, as everything does: what takes long holds up
the process, and C{await} is how to wait. A Deferred or coroutine that an expression gives is waited
for by itself, and what comes of it is shown.
"""

from __future__ import annotations

import ast
import builtins
import codeop
import contextlib
import inspect
import io
import keyword
import pprint
import re
import reprlib
import sys
import traceback
from collections.abc import Callable, Iterable
from types import CodeType
from typing import Any, NamedTuple

from twisted.internet.defer import CancelledError

from sipapp.rpc import Fault

__all__ = ["Answer", "Evaluation", "Leave", "shown"]

#: Characters of what one evaluation shows, and of one value in it.
_LONGEST = 100_000
_VALUE = 20_000
#: Items of a collection that are shown.
_ITEMS = 100
#: Items in collections, all together, and bytes of each, that are laid out over lines.
_SMALL = 500
_LINE = 2000
_COLLECTIONS = (dict, list, tuple, set, frozenset)

# A name with what is after its dots, also that of something in a collection: workers["udp-0/1"].pid
_NAME = re.compile(r"[A-Za-z_][\w.]*(?:\[['\"][\w/-]*['\"]\][\w.]*)?$")

_UNPRINTABLE = re.compile(r"[^\n\t -~]")

_command = codeop.CommandCompiler()
_command.compiler.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT


class Leave(Exception):
    """Raised by what is typed to leave the console."""


class Answer(NamedTuple):
    """What has come of an evaluation.

    @ivar output: what it shows, with an end of line at its end unless it is empty.
    @ivar isError: whether it has failed.
    """

    output: str
    isError: bool


class Evaluation:
    """A namespace, and what is evaluated in it one after the other."""

    def __init__(self, namespace: dict[str, Any], show: Callable[[Any], str] | None = None) -> None:
        """
        @param namespace: what there is at the beginning.
        @param show: how a value other than C{None} looks.
        """
        self.namespace = namespace
        self._show = shown if show is None else show

    def isComplete(self, source: str) -> bool:
        """
        @return: whether this can be run, be it with an error; or there have to be more lines.
        """
        try:
            return _command(source, "<console>", "single") is not None
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
            # The two last: it is nested too deeply.
            return True

    async def run(self, source: str) -> Answer:
        """Evaluate statements; if the last one is an expression, show its value and keep it as
        C{_}.

        @raise Leave: if they want to leave; nothing else.
        """
        output = _Bounded()
        isError = False
        self.namespace["print"] = _printTo(output)
        try:
            value = await self._evaluate(source, output)
            if value is not None:
                self.namespace["_"] = value
                output.write(f"{self._show(value)}\n")
        except Leave:
            raise
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            isError = True
            output.write(_told(error))
        # So that it can be told and written wherever it is.
        text = output.getvalue().encode("utf-8", "backslashreplace").decode()
        return Answer(text if not text or text.endswith("\n") else f"{text}\n", isError)

    def complete(self, text: str) -> list[str]:
        """
        @param text: the beginning of a line.
        @return: what its last word may become, each as a whole word.
        """
        found = _NAME.search(text)
        word = found[0] if found is not None else ""
        if not word:
            return []
        owner, dot, begin = word.rpartition(".")
        if not dot:
            return sorted({each for each in self._names() if each.startswith(begin)})
        try:
            # Whoever is here may run anything.
            value = eval(owner, self.namespace)  # noqa: S307
            names: Iterable[str] = dir(value)
        except Exception:
            return []
        return sorted(
            f"{owner}.{each}"
            for each in names
            if each.startswith(begin) and (begin.startswith("_") or not each.startswith("_"))
        )

    def _names(self) -> Iterable[str]:
        yield from (each for each in self.namespace if not each.startswith("_"))
        yield from keyword.kwlist
        yield from (each for each in vars(builtins) if not each.startswith("_"))

    async def _evaluate(self, source: str, output: _Bounded) -> Any:
        value: Any = None
        for code in _compile(source):
            # Only what is done at once may write there: later somebody else may run.
            with contextlib.redirect_stdout(output):
                value = eval(code, self.namespace)  # noqa: S307 # what this is for
            if code.co_flags & inspect.CO_COROUTINE:
                value = await value
        if hasattr(value, "__await__") or inspect.iscoroutine(value):
            value = await value
        return value


def shown(value: Any) -> str:
    """
    @return: a value as it would be typed, if it is short; of something long, the beginning. Text of
        several lines is not quoted, but does nothing to a terminal.
    """
    if isinstance(value, str) and "\n" in value:
        return _UNPRINTABLE.sub(_escaped, value[: _LONGEST + 1].rstrip("\n"))
    if type(value) in _COLLECTIONS and _isSmall(value):
        text = pprint.pformat(value, width=100, sort_dicts=False, depth=6)
    else:
        text = _short.repr(value)
    return text if len(text) <= _VALUE else f"{text[:_VALUE]}…"


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return character if character.isprintable() else ascii(character)[1:-1]


def _isSmall(value: Any) -> bool:
    left, waiting = _SMALL, [value]
    while waiting:
        each = waiting.pop()
        if type(each) in _COLLECTIONS:
            left -= len(each)
            if left < 0:
                return False
            waiting += each.values() if type(each) is dict else each
        elif type(each) in (str, bytes, int) and sys.getsizeof(each) > _LINE:
            return False
    return True


def _compile(source: str) -> list[CodeType]:
    """
    @return: the statements, and by itself the last one if it is an expression.
    @raise SyntaxError: if it is no Python.
    """
    tree = ast.parse(source, "<console>")
    body = tree.body
    parts: list[tuple[Any, str]] = []
    if body and isinstance(body[-1], ast.Expr):
        parts.append((ast.Expression(body[-1].value), "eval"))
        body = body[:-1]
    if body:
        parts.insert(0, (ast.Module(body, []), "exec"))
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return [compile(part, "<console>", mode, flags) for part, mode in parts]


def _told(error: BaseException) -> str:
    if isinstance(error, Fault):
        return f"{type(error).__name__}: {error.text}\n"
    if isinstance(error, CancelledError):
        return "given up\n"
    if isinstance(error, SyntaxError) and error.filename == "<console>":
        return "".join(traceback.format_exception_only(error))
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename != "<console>":
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))


def _printTo(output: io.StringIO) -> Callable[..., None]:
    def write(*values: object, sep: str = " ", end: str = "\n", **_: object) -> None:
        output.write(sep.join(map(str, values)) + end)

    return write


class _Bounded(io.StringIO):
    """Keeps the beginning."""

    def write(self, text: str) -> int:
        room = _LONGEST - self.tell()
        if room > 0:
            super().write(text if len(text) <= room else f"{text[:room]}…\n")
        return len(text)


_short = reprlib.Repr()
_short.maxlevel = 4
_short.maxdict = _short.maxlist = _short.maxtuple = _short.maxset = _short.maxfrozenset = _ITEMS
_short.maxdeque = _short.maxarray = _ITEMS
_short.maxstring = _short.maxother = 4000
_short.maxlong = 400
