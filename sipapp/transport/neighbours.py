"""What the workers of a machine do for each other, over the bus.

A message is another worker's if its Call-ID selects that worker's socket (UDP), if it is a
response to a request which that worker sent (our Via names it), an ACK to its response (the To tag
names it), or if it belongs to a transaction of a worker whose place this one takes. It crosses
the bus once: what was delivered is taken as ours.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from sipapp.sip import Request, Response
from sipapp.transaction import Identifiers, TransactionLayer
from sipapp.transport.bus import Ask, Bus, Deliver, Failed, Frame, Moved, Send, Transactions
from sipapp.transport.flowfinder import Flows
from sipapp.transport.flows import Flow
from sipapp.transport.moving import adopt
from sipapp.transport.responses import ResponseRouter
from sipapp.transport.streamflow import StreamFlow
from sipapp.transport.streams import Streams
from sipapp.transport.succession import Predecessors, Successors, transactionsOf
from sipapp.transport.turns import Turns

#: How often is looked whether predecessors are still there, in seconds.
_WATCH_INTERVAL = 1.0
#: How long the answers of those before may take, in seconds. Nothing is read meanwhile.
_ANSWER_TIME = 0.5

_log = Logger()


class Neighbours:
    """One worker's dealings with the others.

    @ivar predecessors: the workers whose place this one takes, while they are there.
    @ivar successors: the workers that take this one's place.
    @ivar delivered: called with a message that another worker has received, and its flow.

    The attributes that hold other parts are set by L{sipapp.transport.assembly.assemble}.
    """

    bus: Bus
    flows: Flows
    responses: ResponseRouter
    streams: Streams
    delivered: Callable[[bytes, Flow], None]

    def __init__(
        self, reactor: Any, turns: Turns, layer: TransactionLayer, identifiers: Identifiers
    ) -> None:
        self.predecessors: Predecessors | None = None
        self.successors: Successors | None = None
        self._reactor = reactor
        self._turns = turns
        self._layer = layer
        self._identifiers = identifiers
        self._watching: Any = None
        self._asked: set[str] = set()
        self._answers: Deferred[None] | None = None

    # Whose is it?

    def tagOwner(self, ack: Request) -> str | None:
        """
        @return: the other worker whose response an ACK is to.
        """
        return self._other(self._identifiers.tagOwner(ack.to.tag))

    def branchOwner(self, response: Response) -> str | None:
        """
        @return: the other worker whose request a response is to.
        """
        return self._other(self._identifiers.owner(response.via.branch))

    def successorFor(self, data: bytes) -> str | None:
        """
        @return: the worker after this one that a new request belongs to.
        """
        return None if self.successors is None else self.successors.of(data)

    def _other(self, code: str | None) -> str | None:
        if code is None or code == self._identifiers.code or not self.bus.knows(code):
            return None
        return code

    # What goes to the others.

    def deliver(self, code: str, data: bytes, flow: Flow) -> bool:
        """Give a message to the worker that it belongs to; false if that is impossible."""
        return self.bus.send(code, Deliver(data, flow.record()))

    def transportFailed(self, reference: str) -> None:
        """See L{sipapp.transport.flows.Unsent}."""
        owner = self._other(self._identifiers.owner(reference.partition(" ")[2]))
        if owner is None:
            self._requestFailed(reference)
        else:
            self.bus.send(owner, Failed(reference))

    def sendElsewhere(self, data: bytes, flow: StreamFlow, reference: str) -> None:
        """See L{sipapp.transport.flows.Unsent}."""
        frame = Send(flow.identifier, data, self._identifiers.code, reference)
        if not self.bus.send(flow.holder, frame):
            self.streams.undelivered(data, reference, flow.remote[0])

    def responseUndelivered(self, data: bytes, client: str) -> None:
        """See L{sipapp.transport.flows.Unsent}."""
        self.responses.sendAgain(data, client)

    # What comes from the others.

    def frameReceived(self, frame: Frame) -> None:
        """Something has come over the bus. An exception in it is logged."""
        try:
            self._take(frame)
        except Exception:
            _log.failure("A frame from another worker failed")

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, Deliver):
            flow = self.flows.fromRecord(frame.source)
            if flow is not None:
                self.delivered(frame.data, flow)
        elif isinstance(frame, Send):
            self._sendFor(frame)
        elif isinstance(frame, Failed):
            self._requestFailed(frame.reference)
        elif isinstance(frame, Moved):
            if frame.fd >= 0:
                adopt(self.streams, frame)
        elif isinstance(frame, Ask):
            self._answer(frame.sender)
        elif self.predecessors is not None:
            self.predecessors.learn(frame)
            if frame.isLast:
                self._hasAnswered(frame.owner)

    def _sendFor(self, frame: Send) -> None:
        """Send over a connection of this worker what another one has to send."""
        held = self.streams.index.held(frame.connection)
        if held is not None and held.holder:
            # It was moved: the answer, if there is one, goes to who has sent this.
            self.bus.send(held.holder, frame)
        elif held is not None:
            held.send(frame.data, frame.reference)
        elif frame.reference:
            self.bus.send(frame.sender, Failed(frame.reference))
        else:
            self.responses.sendAgain(frame.data, "")

    def _requestFailed(self, reference: str) -> None:
        now = self._turns.begin()
        self._turns.message = self._layer.requestUnder(reference)
        try:
            self._layer.transportFailed(reference, now)
        except Exception:
            _log.failure("A transaction failed", about=self._turns.about())
        finally:
            self._turns.message = None
            self._turns.end()

    # One generation follows another.

    def takeOver(self, codes: Sequence[str]) -> None:
        """Get ready to take the place of the workers with these codes."""
        self.predecessors = Predecessors(codes)
        self.bus.takeDescriptors(True)

    def ask(self, siblings: Collection[str]) -> Deferred[None]:
        """Ask the workers that finish what an earlier generation has begun whose transactions they
        have. They have told the worker whose place this one takes, but it has died.

        @param siblings: the codes of the workers of this generation.
        @return: fires when all have answered, or had time for it.
        """
        code = self._identifiers.code
        others = [each for each in self.bus.workers() if each != code and each not in siblings]
        self._asked = {each for each in others if self.bus.send(each, Ask(code))}
        if not self._asked:
            return succeed(None)
        self.predecessors = Predecessors(())
        answers = self._answers = Deferred()
        self._watching = self._reactor.callLater(_ANSWER_TIME, self._endAsking)
        return answers

    def _hasAnswered(self, code: str) -> None:
        self._asked.discard(code)
        if not self._asked and self._answers is not None:
            self._watching.cancel()
            self._endAsking()

    def _endAsking(self) -> None:
        answers, self._answers = self._answers, None
        self.watch()
        if answers is not None:
            answers.callback(None)

    def _answer(self, code: str) -> None:
        """Tell a worker that has asked. Who has handed nothing over has nothing to say."""
        if self.successors is not None:
            for frame in self._transactions():
                self.bus.send(code, frame)
            self.bus.send(code, Transactions(self._identifiers.code, [], True))

    def _transactions(self) -> Iterator[Transactions]:
        """Whose the transactions are that are here, or with the predecessors."""
        yield from transactionsOf(self._identifiers.code, self._layer.serverKeys())
        if self.predecessors is not None:
            yield from self.predecessors.transactions()

    def watch(self) -> None:
        """Ask nobody any more when all predecessors have left."""
        self._watching = None
        if self.predecessors is not None and self.predecessors.forgetGone(self.bus):
            self._watching = self._reactor.callLater(_WATCH_INTERVAL, self.watch)
        else:
            self.predecessors = None
            self.bus.takeDescriptors(False)

    def handOver(self, codes: Sequence[str], slot: int) -> Successors:
        """Let the workers with these codes take the place of this one, and tell them whose the
        transactions are that are here, or with its own predecessors.

        @param slot: this worker's.
        """
        successors = self.successors = Successors(codes, slot)
        successors.tell(self.bus, self._transactions())
        return successors

    def leave(self) -> None:
        """There will be nobody here any more: what still comes is for the successor."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None
        if self.successors is not None:
            self.bus.leaveTo(self._identifiers.code, self.successors.heir)
