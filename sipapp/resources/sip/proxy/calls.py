"""Notes what becomes of the calls that a proxy forwards, for the call records."""

from __future__ import annotations

from typing import Any

from sipapp.resources.calls import CallRecord
from sipapp.resources.sip.proxy.routing import isInDialog
from sipapp.sip import Message, Request, Response
from sipapp.transaction import ServerTransaction

__all__ = ["Calls"]

_LENGTH = 500
"""Characters that are kept of what strangers have written."""


class Calls:
    """
    @param worker: the L{sipapp.interfaces.IWorker}, which has C{callRecords}.
    """

    def __init__(self, worker: Any) -> None:
        self._records = worker.callRecords
        self._worker = worker.name
        self._clock = worker.reactor.seconds

    def see(self, transaction: ServerTransaction, proven: bool) -> None:
        """Look at a request that is about to be forwarded.

        @param proven: whether it belongs to a dialog that this server has set up. Only such a BYE
            ends a call: anybody can send others.
        """
        request = transaction.request
        if request.method == "INVITE":
            if not isInDialog(request):
                self._watch(transaction)
        elif request.method == "BYE" and proven:
            record = CallRecord(
                callID=_clean(request.callID), tags=_tags(request), ended=self._clock()
            )
            self._records.note(record)

    def _watch(self, transaction: ServerTransaction) -> None:
        others = transaction.answered
        started = self._clock()

        def answered(response: Response) -> None:
            self._answered(transaction.request, response, started)
            if others is not None:
                others(response)

        transaction.answered = answered

    def _answered(self, request: Request, response: Response, started: float) -> None:
        status = response.status
        if status in (401, 407):
            # The caller is asked for a proof, and calls again.
            return
        now = self._clock()
        isAccepted = status < 300
        record = CallRecord(
            callID=_clean(request.callID),
            tags=_tags(response),
            caller=_clean(str(request.fromHeader.uri)),
            callee=_clean(str(request.to.uri)),
            user=None if request.authenticated is None else _clean(str(request.authenticated)),
            source=_source(request.flow),
            worker=self._worker,
            started=started,
            answered=now if isAccepted else None,
            ended=None if isAccepted else now,
            status=status,
        )
        self._records.note(record)


def _tags(message: Message) -> tuple[str, str]:
    one, other = sorted(_clean(each.tag or "") for each in (message.fromHeader, message.to))
    return one, other


def _source(flow: Any) -> str:
    host, port = flow.remote[:2]
    return f"{flow.transport.lower()} {f'[{host}]' if ':' in host else host}:{port}"


def _clean(text: str) -> str:
    """Without what is no UTF-8, which nobody could write down."""
    return text[:_LENGTH].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
