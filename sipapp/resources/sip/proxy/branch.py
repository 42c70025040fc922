"""One branch of a response context: a target, and the client transaction to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from twisted.logger import Logger
from zope.interface import implementer

from sipapp.interfaces import IClientUser
from sipapp.resources.sip.asserted import (
    assertsNothing,
    concealIdentity,
    dropAssertions,
)
from sipapp.resources.sip.proxy.forwarding import forwardedRequest
from sipapp.resources.sip.proxy.recordroute import addRecordRoute
from sipapp.resources.sip.proxy.targets import Target
from sipapp.sip import Request, Response, SIPError, about
from sipapp.transaction import BranchInUse

if TYPE_CHECKING:
    from sipapp.resources.sip.proxy.context import ResponseContext

__all__ = ["Branch"]

_log = Logger()


@implementer(IClientUser)
class Branch:
    """Forwards the request to one target, and takes what comes back to the response context.

    @ivar done: whether it has had its final response, or one has been made up for it.
    """

    __slots__ = ("_added", "_context", "_edited", "_sent", "done", "target")

    def __init__(self, context: ResponseContext, target: Target) -> None:
        self._context = context
        self.target = target
        self.done = False
        self._sent: Any = None
        # What has got Record-Route, and how many values.
        self._edited: Request | None = None
        self._added = 0

    def start(self, breadth: int | None) -> None:
        """Send the request (RFC 3261 §16.6 steps 10 and 11).

        @param breadth: its share of Max-Breadth.
        """
        context = self._context
        proxy = context.proxy
        request = context.request
        target = self.target
        try:
            copy, hop = forwardedRequest(
                request, context.routed, target, proxy.settings.maxForwards, breadth
            )
        except SIPError as error:
            self._end(context.answer(error.status))
            return
        branch = proxy.identifiers.branch(request, target.key)
        if context.isInvite:
            proxy.timerC.start(self)
        try:
            self._sent = proxy.sender.request(copy, hop, self, branch)
        except BranchInUse:
            # A request that had its final answer long ago has come again.
            self._end(context.answer(482))

    def cancel(self, reasons: Sequence[str] = ()) -> None:
        """Give it up with a CANCEL (§16.10). It ends with its final response, usually a 487.

        @param reasons: what the CANCEL says in Reason (RFC 3326).
        """
        if not self.done and self._sent is not None:
            self._sent.cancel(reasons)

    def flowSelected(self, request: Request, flow: Any) -> None:
        """Add Record-Route (§16.6 step 4). When another flow is tried after one that has failed,
        what was added for that one is taken off."""
        context = self._context
        if not assertsNothing(request.names):
            concealIdentity(request, flow, context.proxy.isTrusted)
        if not context.recordRoute:
            return
        if request is self._edited:
            for _ in range(self._added):
                request.popFirst("record-route")
        target = self.target
        farFlow = target.flow is not None and not target.path
        identifiers = context.proxy.identifiers
        self._added = addRecordRoute(identifiers, context.request, request, flow, farFlow)
        self._edited = request

    def responseReceived(self, response: Response) -> None:
        """Take our Via off (§16.7 step 3) and tell the context."""
        status = response.status
        context = self._context
        if status == 100 or (self.done and not (context.isInvite and 200 <= status < 300)):
            # 100 is hop by hop (step 5); of what comes after the end, only a 2xx counts.
            return
        response.popFirst("via")
        if not assertsNothing(response.names):
            dropAssertions(response, context.proxy.isTrusted)
            concealIdentity(response, context.request.flow, context.proxy.isTrusted)
        if not response.has("via"):
            # It could go nowhere. A final one ends the branch all the same.
            if status < 200 or self.done:
                return
            self._end(context.answer(502))
        elif status < 200:
            if context.isInvite:
                context.proxy.timerC.start(self)
            context.provisional(response)
        elif status < 300:
            self._stop()
            context.accepted(response)
        else:
            self._end(response)

    def failed(self, status: int, detail: str) -> None:
        """§16.9: as if the target had answered with that status."""
        if self.done:
            return
        _log.debug(
            "{target!a} failed with {status}: {detail!a}",
            target=self.target.text,
            status=status,
            detail=detail,
            about=about(self._context.request),
        )
        self._end(self._context.answer(status))

    def timerCFired(self) -> None:
        """§16.8: as if the target had answered with 408, and a CANCEL for it in case it still
        rings. The context does not wait for what that brings."""
        self.cancel()
        self._end(self._context.answer(408))

    def _stop(self) -> None:
        self.done = True
        # What sends points back here: nothing has to wait for the garbage collector.
        self._sent = self._edited = None
        if self._context.isInvite:
            self._context.proxy.timerC.stop(self)

    def _end(self, response: Response) -> None:
        self._stop()
        self._context.rejected(self, response)
