"""The transaction layer: all transactions of one worker (RFC 3261 §17).

The layer does no input or output and never looks at a clock. Its driver gives it the messages that
arrive and the time, asks for the next deadline, and calls back when that has come. What is to be
sent goes to the flow of the transaction at once; what has happened is told to the transaction
user at once.

An entry into the layer that fails has changed nothing, or all that it should: an exception of a
transaction user passes through to the driver, and neither timers nor tables are the worse for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator

from sipapp.sip import Request, Response
from sipapp.sip.methods import METHODS, OTHER
from sipapp.transaction.answers import Answers
from sipapp.transaction.client import ClientTransaction
from sipapp.transaction.finished import Finished
from sipapp.transaction.inviteclient import InviteClient
from sipapp.transaction.inviteserver import InviteServer
from sipapp.transaction.machine import (
    TIMER_J,
    TIMER_K,
    BranchInUse,
    Transaction,
    TransactionError,
)
from sipapp.transaction.matching import (
    ServerKey,
    clientKey,
    hasCookie,
    looseKey,
    responseKey,
    serverKey,
)
from sipapp.transaction.noninviteclient import NonInviteClient
from sipapp.transaction.noninviteserver import NonInviteServer
from sipapp.transaction.parties import ClientUser, Flow, TransactionUser
from sipapp.transaction.server import ServerTransaction
from sipapp.transaction.timers import TimerQueue, TimerSettings


class TransactionLayer:
    """All transactions of one worker.

    @ivar user: receives the requests.
    @ivar settings: the durations.
    @ivar timers: the running timers.
    @ivar finishedServers: what is left of requests that were answered.
    @ivar finishedClients: what is left of requests that have got their answer.
    @ivar clock: asked for the time by calls from outside that do not give it.
    @ivar now: the time of the last entry.
    @ivar unanswered: requests that have just come and have no final response yet: their timers are
        started when the driver asks for the next deadline.
    @ivar pending: transactions of both sides that have no final response yet; 0 when drained.
    @ivar serversCreated: server transactions made so far.
    @ivar clientsCreated: client transactions made so far.
    @ivar absorbed: messages that a peer repeated and a transaction absorbed.
    @ivar retransmitted: messages sent again.
    @ivar timeouts: transactions that ended because the peer, or the user, was silent.
    @ivar failures: failures to send that were told to a user.
    @ivar answers: what the server transactions have answered.
    @ivar requestsSent: requests that made a client transaction, by method.
    """

    __slots__ = (
        "_clients",
        "_loose",
        "_servers",
        "absorbed",
        "answers",
        "clientsCreated",
        "clock",
        "failures",
        "finishedClients",
        "finishedServers",
        "now",
        "pending",
        "requestsSent",
        "retransmitted",
        "serversCreated",
        "settings",
        "timeouts",
        "timers",
        "unanswered",
        "user",
    )

    def __init__(
        self,
        user: TransactionUser,
        timers: TimerSettings | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """
        @param clock: gives the time that the driver uses. Without it, the time of the last entry
            is taken to be the time still.
        """
        self.user = user
        self.settings = TimerSettings() if timers is None else timers
        self.timers = TimerQueue()
        self.finishedServers = Finished(self.timers, self.settings.timeout, TIMER_J)
        self.finishedClients = Finished(self.timers, self.settings.t4, TIMER_K)
        self.now = 0.0
        self.clock: Callable[[], float] = self._lastEntry if clock is None else clock
        self._servers: dict[ServerKey, ServerTransaction] = {}
        # INVITEs of RFC 2543 clients by what their ACKs have in common with them.
        self._loose: dict[ServerKey, ServerTransaction] = {}
        self._clients: dict[str, ClientTransaction] = {}
        self.unanswered: list[ServerTransaction] = []
        self.pending = 0
        self.serversCreated = 0
        self.clientsCreated = 0
        self.absorbed = 0
        self.retransmitted = 0
        self.timeouts = 0
        self.failures = 0
        self.answers = Answers()
        self.requestsSent: defaultdict[str, int] = defaultdict(int)

    def _lastEntry(self) -> float:
        return self.now

    @property
    def serverCount(self) -> int:
        """How many server transactions exist, those that have finished included."""
        return len(self._servers) + len(self.finishedServers)

    @property
    def clientCount(self) -> int:
        """How many client transactions exist, those that have finished included."""
        return len(self._clients) + len(self.finishedClients)

    def transactions(self) -> tuple[ServerTransaction | ClientTransaction, ...]:
        """
        @return: those that are there now, the oldest of each side first; of those that have
            finished (L{sipapp.transaction.finished}) nothing is left to be shown.
        """
        return (*self._servers.values(), *self._clients.values())

    # From the driver.

    def receiveRequest(self, request: Request, flow: Flow, now: float) -> None:
        """A request has come.

        @param flow: the way back to where it came from.
        @raise sipapp.sip.SIPError: if a header field that is needed to tell which transaction it
            belongs to is malformed; then there is no transaction.
        """
        self.now = now
        request.flow = flow
        method = request.method
        if method == "ACK":
            invite = self._inviteOfAck(request)
            if invite is None:
                self.user.ackReceived(request, flow, now)
            else:
                invite.acknowledged(request, now)
            return
        key = serverKey(request, method)
        known = self._servers.get(key)
        if known is not None:
            known.requestRepeated(now)
            return
        transaction: ServerTransaction
        if method == "INVITE":
            transaction = InviteServer(self, key, request, flow, now)
            if not hasCookie(request.via.branch):
                transaction.looseKey = looseKey(request, method)
                self._loose[transaction.looseKey] = transaction
        else:
            answer = self.finishedServers.get(key, now)
            if answer is not None:
                self._answerAgain(answer, flow)
                return
            transaction = NonInviteServer(self, key, request, flow, now)
        self._servers[key] = transaction
        self.serversCreated += 1
        self.pending += 1
        transaction.begin(now)

    def receiveResponse(self, response: Response, flow: Flow, now: float) -> bool:
        """A response has come.

        @param flow: where it came from.
        @return: whether it belongs to a client transaction here. One that does not is not for
            a user (RFC 6026 §7.3); the driver may know better where it belongs.
        @raise sipapp.sip.SIPError: if its topmost Via or CSeq is malformed.
        """
        self.now = now
        response.flow = flow
        key = responseKey(response)
        transaction = None if key is None else self._clients.get(key)
        if transaction is not None:
            transaction.responseReceived(response, now)
            return True
        if key is None or self.finishedClients.get(key, now) is None:
            return False
        self.absorbed += 1
        return True

    def nextDeadline(self) -> float | None:
        """
        @return: when L{handleTimers} wants to be called, or C{None} if no timer is running.
        """
        if self.unanswered:
            for transaction in self.unanswered:
                transaction.awaitAnswer()
            self.unanswered.clear()
        return self.timers.nextDeadline()

    def handleTimers(self, now: float) -> None:
        """Fire the timers whose deadline has come."""
        self.now = now
        self.timers.expire(now)

    def setBack(self, now: float) -> None:
        """The clock was set back, to this time."""
        self.now = now
        self.timers.setBack(now)
        self.finishedServers.setBack(now)
        self.finishedClients.setBack(now)

    @property
    def requestOfTimer(self) -> Request | None:
        """The request of the transaction whose timer fires, or was the last to fire."""
        owner = self.timers.firing
        return owner.request if isinstance(owner, Transaction) else None

    def requestUnder(self, key: str) -> Request | None:
        """
        @return: the request of the client transaction with this L{clientKey}.
        """
        transaction = self._clients.get(key)
        return None if transaction is None else transaction.request

    def transportFailed(
        self, which: ServerTransaction | ClientTransaction | str, now: float
    ) -> None:
        """A message that a transaction handed to its flow could not be sent.

        @param which: the transaction, or the L{clientKey} of one. It may have ended already.
        """
        self.now = now
        transaction = self._clients.get(which) if isinstance(which, str) else which
        if transaction is not None:
            transaction.transportFailed(now)

    # From transaction users.

    def request(
        self,
        request: Request,
        flow: Flow,
        user: ClientUser,
        now: float | None = None,
    ) -> ClientTransaction:
        """Send a request.

        @param request: any but ACK, complete, our own Via with its branch on top. The
            transaction owns it now.
        @param flow: where it goes.
        @param user: learns the outcome, never before this method has returned.
        @param now: the time, if the caller has it; otherwise the clock is asked.
        @raise BranchInUse: if the branch is that of another such request under way.
        """
        if now is None:
            now = self.clock()
        method = request.method
        branch = request.via.branch
        if branch is None or method == "ACK":
            raise TransactionError(f"{method} with branch {branch} makes no client transaction")
        key = clientKey(branch, method)
        if key in self._clients or self.finishedClients.get(key, now) is not None:
            raise BranchInUse(key)
        transaction = (InviteClient if method == "INVITE" else NonInviteClient)(
            self, key, request, flow, user
        )
        self._clients[key] = transaction
        self.clientsCreated += 1
        self.requestsSent[method if method in METHODS else OTHER] += 1
        self.pending += 1
        transaction.start(now)
        return transaction

    def serverKeys(self) -> Iterator[ServerKey]:
        """
        @return: what the requests of each server transaction have in common, and the ACKs.
        """
        yield from self._servers
        yield from self._loose
        yield from self.finishedServers

    def findServer(self, request: Request) -> ServerTransaction | None:
        """
        @return: the server transaction that a request belongs to. Not for ACK.
        """
        return self._servers.get(serverKey(request, request.method))

    def knows(self, request: Request) -> bool:
        """Tell whether a request belongs to a server transaction, or has been answered by one
        that is over. Not for ACK."""
        key = serverKey(request, request.method)
        return key in self._servers or key in self.finishedServers

    def inviteOf(self, cancel: Request) -> ServerTransaction | None:
        """
        @return: the INVITE that a CANCEL is about (RFC 3261 §9.2).
        """
        return self._servers.get(serverKey(cancel, "INVITE"))

    # From the transactions.

    def present(self, transaction: ServerTransaction, now: float) -> None:
        """Show a new request to the user."""
        request = transaction.request
        if request.method != "CANCEL":
            self.user.requestReceived(transaction, now)
            return
        invite = self.inviteOf(request)
        if invite is not None and not invite.isFinal:
            invite.cancelledBy = request
        self.user.cancelReceived(transaction, invite, now)

    def tellAck(self, ack: Request, now: float) -> None:
        """Show the ACK to a 2xx to the user."""
        self.user.ackReceived(ack, ack.flow, now)

    def forgetServer(self, transaction: ServerTransaction) -> None:
        """A server transaction has ended."""
        del self._servers[transaction.key]
        loose = transaction.looseKey
        if loose is not None and self._loose.get(loose) is transaction:
            del self._loose[loose]

    def forgetClient(self, transaction: ClientTransaction) -> None:
        """A client transaction has ended."""
        del self._clients[transaction.key]

    def _answerAgain(self, answer: bytes, flow: Flow) -> None:
        """A request has come again that was answered, or met with silence."""
        self.absorbed += 1
        if answer:
            self.retransmitted += 1
            flow.send(answer)

    def _inviteOfAck(self, ack: Request) -> ServerTransaction | None:
        """
        @return: the INVITE that an ACK belongs to (RFC 3261 §17.2.3), or C{None} if it is the
            ACK to a 2xx, which has a branch of its own, or a stray.
        """
        if hasCookie(ack.via.branch):
            return self._servers.get(serverKey(ack, "INVITE"))
        invite = self._loose.get(looseKey(ack, "INVITE"))
        return invite if invite is not None and invite.replyTag == ack.to.tag else None
