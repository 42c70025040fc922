"""What is asked and answered over a control channel, written as JSON.

A worker has L{Answers}: whatever part of it knows something adds a question of its own, by the name
that the parent asks it by. An answer is made between two turns of the SIP worker that it comes
from: it is short, and who may have much to say gives it by the page.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import msgspec
from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from sipapp.rpc import Fault, InternalError, InvalidParameters, NotFound, Unavailable

__all__ = ["Answers", "outcomeOf", "readOutcome"]

_log = Logger()


class Answers:
    """The questions that a worker answers."""

    def __init__(self) -> None:
        self._answers: dict[str, Callable[..., Any]] = {}

    def add(self, question: str, answer: Callable[..., Any]) -> None:
        """Answer a question from now on.

        @param answer: called with what JSON has, as keyword arguments. It returns a value, a
            Deferred or a coroutine of one, made of what JSON has and of C{msgspec.Struct}s. A
            L{Fault} is told to who asks; anything else that it raises is logged here.
        """
        if question in self._answers:
            raise ValueError(f"{question!r} is answered already")
        self._answers[question] = answer

    def answer(self, question: str, body: bytes) -> Deferred[bytes]:
        """
        @param body: the arguments.
        @return: fires with the outcome; never fails.
        """
        return outcomeOf(lambda: self._call(question, body), question)

    def _call(self, question: str, body: bytes) -> Any:
        answer = self._answers.get(question)
        if answer is None:
            raise NotFound(f"a worker of this kind does not answer {question!r}")
        arguments = msgspec.json.decode(body, type=dict[str, Any])
        try:
            return answer(**arguments)
        except TypeError as error:
            # Only if it has not begun: a mistake in it is one.
            if error.__traceback__ is not None and error.__traceback__.tb_next is None:
                raise InvalidParameters(str(error)) from None
            raise


def outcomeOf(call: Callable[[], Any], what: str) -> Deferred[bytes]:
    """Call something and write down what has come of it.

    @param call: returns a value, a Deferred or a coroutine.
    @param what: what to call it in the log if it fails otherwise than with a L{Fault}.
    @return: fires with what L{readOutcome} reads; never fails.
    """

    async def run() -> bytes:
        returned = call()
        if hasattr(returned, "__await__"):
            returned = await returned
        return msgspec.json.encode({"result": returned})

    def refuse(failure: Failure) -> bytes:
        fault = failure.value
        if isinstance(fault, CancelledError):
            fault = Unavailable(f"{what} has taken too long")
        elif not isinstance(fault, Fault):
            _log.failure("{what} could not be answered", failure, what=what)
            fault = InternalError(f"{what} has failed: the log says why")
        return msgspec.json.encode({"fault": (fault.code, fault.text)})

    return Deferred.fromCoroutine(run()).addErrback(refuse)


def readOutcome(outcome: bytes) -> Any:
    """
    @param outcome: what L{outcomeOf} has written.
    @return: the result.
    @raise Fault: if that is what has come of it.
    """
    read = msgspec.json.decode(outcome)
    if "fault" in read:
        _raise(*read["fault"])
    return read["result"]


def _raise(code: int, text: str) -> NoReturn:
    kinds = {kind.kindCode: kind for kind in Fault.__subclasses__()}
    raise kinds.get(code, Fault)(text, code)
