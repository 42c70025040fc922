"""The response context of a forwarded request (RFC 3261 §16.7): its branches, and what goes back.

The target set is a queue of groups. The targets of one group are tried at the same time, the next
group when all branches of the present one have failed::

    begin(groups) -> group 1 -+- branch -- 486 --+-> group 2 --- branch -- 180, 200 -> upstream
                              +- branch -- 408 --+

A 2xx goes upstream at once and ends the search, a 6xx ends it too; both cancel the branches that
still ring. When every branch has ended without a 2xx the best answer goes upstream.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sipapp.resources.sip.proxy.bestresponse import chooseBest
from sipapp.resources.sip.proxy.branch import Branch
from sipapp.resources.sip.proxy.routing import Routed
from sipapp.resources.sip.proxy.targets import Groups, Target, fromContacts
from sipapp.sip import Response
from sipapp.transaction import ServerTransaction
from sipapp.transaction.machine import ACCEPTED

if TYPE_CHECKING:
    from sipapp.resources.sip.proxy.resource import Proxy

__all__ = ["ResponseContext"]

_ELSEWHERE = ('SIP;cause=200;text="Call completed elsewhere"',)
"""What keeps a phone from showing a missed call (RFC 3326 §1)."""


class ResponseContext:
    """Forwards one request statefully.

    @ivar request: the request as it was received.
    @ivar recordRoute: whether to add Record-Route to what is forwarded.
    """

    __slots__ = (
        "_answers",
        "_branches",
        "_breadth",
        "_cancelled",
        "_closed",
        "_open",
        "_waiting",
        "isInvite",
        "proxy",
        "recordRoute",
        "request",
        "routed",
        "transaction",
    )

    def __init__(
        self, proxy: Proxy, transaction: ServerTransaction, routed: Routed, breadth: int | None
    ) -> None:
        """
        @param breadth: how many branches there may be at the same time, here and further on
            (RFC 5393 §5.3); C{None} for a method that has no Max-Breadth.
        """
        request = transaction.request
        self.proxy = proxy
        self.transaction = transaction
        self.request = request
        self.routed = routed
        self.recordRoute = request.method in proxy.recordRouted
        self.isInvite = request.method == "INVITE"
        self._breadth = breadth
        # Most calls have one target and one answer: what holds more is made when there is more.
        self._waiting: tuple[list[Target], ...] = ()
        self._branches: tuple[Branch, ...] = ()
        self._answers: tuple[Response, ...] = ()
        self._open = 0
        # No new branches: a 2xx or 6xx has come, or a CANCEL.
        self._closed = False
        self._cancelled = False
        if self.isInvite:
            transaction.cancelled = self.cancel

    def begin(self, groups: Groups) -> None:
        """Forward to these targets. Does nothing if the caller has cancelled meanwhile."""
        if not self._closed:
            self._waiting = tuple(groups)
            self._advance()

    def answer(self, status: int) -> Response:
        """A response of our own."""
        request = self.request
        return request.respond(status, toTag=self.proxy.identifiers.toTag(request))

    def cancel(self) -> None:
        """The caller has given up (§16.10). The branches end with a 487 each."""
        self._cancelled = True
        cancel = self.transaction.cancelledBy
        reasons = [] if cancel is None else cancel.getAll("reason")
        # One that cannot be written anew must not keep the others from being told.
        self._close([reason for reason in reasons if reason.isprintable()])
        if not self._open:
            self._finish()

    # What branches report.

    def provisional(self, response: Response) -> None:
        """Goes upstream at once (§16.7 step 5), unless a final response has."""
        if not self.transaction.isFinal:
            self.transaction.respond(response)

    def accepted(self, response: Response) -> None:
        """A 2xx goes upstream at once (§16.7 step 5): every one of an INVITE, since each has set
        up a dialog, but only the first of another method."""
        transaction = self.transaction
        if not transaction.isFinal or transaction.state == ACCEPTED:
            transaction.respond(response)
        elif self.isInvite:
            # Our 408 was faster, or the transaction is gone: step 9, "statelessly".
            self.proxy.sender.respond(response)
        self._close(_ELSEWHERE)
        self._release()

    def rejected(self, branch: Branch, response: Response) -> None:
        """A branch has ended without a 2xx."""
        self._open -= 1
        status = response.status
        if status >= 600:
            # §16.7 step 5: it waits for the others to end, and nothing new is tried.
            self._answers = (*self._answers, response)
            if not self._closed:
                self._close((f"SIP;cause={status}",))
        elif self._closed or not self._instead(branch, response):
            self._answers = (*self._answers, response)
        if not self._open:
            self._advance()

    # The search.

    def _instead(self, branch: Branch, response: Response) -> bool:
        """Whether there is something to try instead of sending this response upstream."""
        status = response.status
        if branch.target.others and (
            status == 430 or (response.flow is None and status in (408, 503))
        ):
            # The flow is gone, or nothing comes back; the phone may have another (RFC 5626 §7).
            other, *others = branch.target.others
            other.others = others
            self._waiting = ([other], *self._waiting)
            return True
        if 300 <= status < 400 and self.proxy.settings.recurse != "never":
            # §16.7 step 4.
            groups = self.proxy.permittedRecursion(
                fromContacts(response, self.routed.text[:5].lower() == "sips:")
            )
            self._waiting = (*groups, *self._waiting)
            return bool(groups)
        return False

    def _close(self, reasons: Sequence[str]) -> None:
        """
        @param reasons: why the branches that still ring are cancelled, for Reason (RFC 3326).
        """
        self._closed = True
        self._waiting = ()
        if self.isInvite:
            for branch in self._branches:
                branch.cancel(reasons)

    def _advance(self) -> None:
        """Start the next group, or end."""
        while self._waiting:
            group = self._waiting[0]
            self._waiting = self._waiting[1:]
            if self._branches or len(group) > 1:
                group = self._admit(group)
            if group:
                self._startGroup(group)
                return
        self._finish()

    def _admit(self, group: list[Target]) -> list[Target]:
        """Without those that have been tried (§16.5: each URI once) and those over the limit.
        What is more than the breadth allows waits for the next turn (RFC 5393 §5.3.3.1)."""
        tried = {branch.target.key for branch in self._branches}
        room = self.proxy.settings.maxBranches - len(tried)
        admitted: list[Target] = []
        for target in group:
            if target.key not in tried and len(admitted) < room:
                tried.add(target.key)
                admitted.append(target)
        if self._breadth is not None and len(admitted) > self._breadth:
            self._waiting = (admitted[self._breadth :], *self._waiting)
            del admitted[self._breadth :]
        return admitted

    def _startGroup(self, group: list[Target]) -> None:
        """§16.6 for each target, the breadth divided between them (RFC 5393 §5.3.3)."""
        self._open += len(group)
        self.proxy.branches += len(group)
        if len(group) == 1:
            branch = Branch(self, group[0])
            self._branches = (*self._branches, branch)
            branch.start(self._breadth)
            return
        branches = [Branch(self, target) for target in group]
        self._branches = (*self._branches, *branches)
        if self._breadth is None:
            for branch in branches:
                branch.start(None)
        else:
            share, rest = divmod(self._breadth, len(group))
            for index, branch in enumerate(branches):
                branch.start(share + (index < rest))

    def _finish(self) -> None:
        """§16.7 step 6: no branch is left, and none has brought a 2xx."""
        if not self.transaction.isFinal:
            if self._answers:
                best = self._presentable(chooseBest(self._answers, self._cancelled))
            else:
                best = self.answer(487 if self._cancelled else 408)
            self.transaction.respond(best)
        self._release()

    def _presentable(self, best: Response) -> Response:
        """A 503 would have the caller believe that this server is out of order, not one target
        (§16.7 step 6). A flow that is gone means nothing to the caller (RFC 5626 §5.3.1)."""
        if best.status == 503:
            return self.answer(500)
        if best.status == 430:
            return self.answer(480)
        if best.status == 408 and self._cancelled:
            return self.answer(487)
        return best

    def _release(self) -> None:
        """Let go of what points back here: nothing has to wait for the garbage collector."""
        self._branches = ()
        self.transaction.cancelled = None
