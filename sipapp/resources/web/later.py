"""Answers a request by a coroutine."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.http import INTERNAL_SERVER_ERROR, NO_BODY_CODES
from twisted.web.server import NOT_DONE_YET

from sipapp.resources.web.about import aboutRequest

__all__ = ["answerLater"]

_log = Logger()


def answerLater(request: Any, answering: Coroutine[Any, Any, bytes | None]) -> int:
    """Run a coroutine that answers a request. It ends with C{CancelledError} if the client hangs
    up. What it fails with besides is logged, and answered with 500.

    @param request: a C{twisted.web.server.Request}.
    @param answering: gives the body of the answer; or C{None}, having ended the request itself.
    @return: what C{render} has to return.
    """
    waiting = Deferred.fromCoroutine(answering)
    request.notifyFinish().addErrback(lambda _: waiting.cancel())
    waiting.addErrback(partial(_failed, request))
    waiting.addCallback(partial(_end, request))
    waiting.addErrback(partial(_log.failure, "An answer could not be written"))
    return NOT_DONE_YET


def _failed(request: Any, failure: Failure) -> bytes | None:
    if failure.check(CancelledError):
        return None
    _log.failure("A request has failed", failure, about=aboutRequest(request))
    if request.startedWriting:
        # Half an answer is better seen as one.
        request.loseConnection()
        return None
    request.setResponseCode(INTERNAL_SERVER_ERROR)
    request.responseHeaders.setRawHeaders("Content-Type", ["text/plain; charset=utf-8"])
    return b"the server has failed\n"


def _end(request: Any, body: bytes | None) -> None:
    if body is None:
        return
    if request.code not in NO_BODY_CODES:
        request.responseHeaders.setRawHeaders("Content-Length", [str(len(body))])
    if body:
        request.write(body)
    request.finish()
