"""Who gets a request, and what becomes of it when nobody wants it or something breaks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.logger import LogEvent, globalLogPublisher
from zope.interface.verify import verifyObject

from sipapp.interfaces import ISIPResource
from sipapp.resources.sip import TAKEN, SIPResource
from sipapp.sip import Request, Response
from sipapp.transaction import ServerTransaction
from tests.resources.offering import Offering, makeRequest


class Scripted(SIPResource):
    """Does with a request what the test says."""

    def __init__(self, does: Any = None, methods: frozenset[str] = frozenset()) -> None:
        self.methods = methods
        self.does = does
        self.offered: list[str] = []
        self.strays: list[object] = []
        self.takesStrays = False

    def offer(self, transaction: ServerTransaction) -> Any:
        self.offered.append(transaction.request.method)
        return self.does(transaction) if callable(self.does) else self.does

    def ack(self, request: Request) -> bool:
        self.strays.append(request)
        return self.takesStrays

    def strayResponse(self, response: Response) -> bool:
        self.strays.append(response)
        return self.takesStrays


def answer(status: int) -> Any:
    return lambda transaction: transaction.request.respond(status)


def fail(_: object) -> Any:
    raise LookupError("the drawer is empty")


@pytest.fixture
def events() -> Iterator[list[LogEvent]]:
    """What is logged."""
    seen: list[LogEvent] = []
    globalLogPublisher.addObserver(seen.append)
    yield seen
    globalLogPublisher.removeObserver(seen.append)


def test_interface() -> None:
    verifyObject(ISIPResource, SIPResource())


def test_resourceThatTakesNothing() -> None:
    """Every default leaves the message to the next one."""
    idle = SIPResource()
    assert idle.start() is None
    assert idle.stop() is None
    assert Offering([idle]).ask("INVITE") == [405]
    assert idle.answer(makeRequest("OPTIONS")) is None
    assert idle.ack(makeRequest("ACK")) is False
    assert idle.strayResponse(makeRequest("BYE").respond(200)) is False


class TestOrder:
    def test_theFirstThatTakesIt(self) -> None:
        first, second, third = Scripted(), Scripted(answer(200)), Scripted(answer(486))
        assert Offering([first, second, third]).ask("INVITE") == [200]
        assert (first.offered, second.offered, third.offered) == (["INVITE"], ["INVITE"], [])

    def test_takenForLater(self) -> None:
        taken: list[ServerTransaction] = []
        resource, other = Scripted(lambda t: taken.append(t) or TAKEN), Scripted(answer(500))
        offering = Offering([resource, other])
        assert offering.ask("MESSAGE") == []
        taken[0].respond(taken[0].request.respond(202))
        assert offering.statuses == [202]
        assert other.offered == []

    def test_retransmissionsAreNotOffered(self) -> None:
        resource = Scripted(answer(200))
        offering = Offering([resource])
        offering.ask("MESSAGE")
        assert offering.ask("MESSAGE") == [200, 200]
        assert resource.offered == ["MESSAGE"]


class TestLater:
    """Resources that give a Deferred or a coroutine."""

    @pytest.mark.parametrize(("given", "statuses"), [(answer(200), [200]), (None, [486])])
    def test_deferred(self, given: Any, statuses: list[int]) -> None:
        waiting: Deferred[Any] = Deferred()
        offering = Offering([Scripted(waiting), Scripted(answer(486))])
        assert offering.ask("MESSAGE") == []
        waiting.callback(makeRequest("MESSAGE").respond(200) if given else None)
        assert offering.statuses == statuses

    def test_coroutine(self) -> None:
        waiting: Deferred[int] = Deferred()

        async def think(transaction: ServerTransaction) -> Response:
            return transaction.request.respond(await waiting)

        offering = Offering([Scripted(think)])
        assert offering.ask("MESSAGE") == []
        waiting.callback(202)
        assert offering.statuses == [202]

    def test_deferredOfTaken(self) -> None:
        waiting: Deferred[Any] = Deferred()
        offering = Offering([Scripted(waiting), Scripted(answer(486))])
        offering.ask("MESSAGE")
        waiting.callback(TAKEN)
        assert offering.statuses == []

    def test_failsLater(self, events: list[LogEvent]) -> None:
        waiting: Deferred[Any] = Deferred()
        offering = Offering([Scripted(waiting)])
        offering.ask("MESSAGE")
        waiting.errback(LookupError("gone"))
        assert offering.statuses == [500]
        assert [event["about"]["call_id"] for event in events if "about" in event] == ["call-1"]


class TestFailures:
    def test_exception(self, events: list[LogEvent]) -> None:
        """500, the traceback beside the Call-ID, and the next request is served."""
        resource = Scripted(fail)
        offering = Offering([resource, Scripted(answer(200))])
        assert offering.ask("MESSAGE") == [500]
        (event,) = [each for each in events if "log_failure" in each]
        assert event["about"]["call_id"] == "call-1"
        assert event["log_failure"].check(LookupError)
        resource.does = None
        assert offering.ask("MESSAGE", branch="2") == [500, 200]

    def test_exceptionAfterTheAnswer(self, events: list[LogEvent]) -> None:
        def answerAndFail(transaction: ServerTransaction) -> Any:
            transaction.respond(transaction.request.respond(200))
            fail(None)

        assert Offering([Scripted(answerAndFail)]).ask("MESSAGE") == [200]
        assert [event for event in events if "log_failure" in event]

    def test_nonsense(self, events: list[LogEvent]) -> None:
        assert Offering([Scripted("yes")]).ask("MESSAGE") == [500]
        (event,) = [each for each in events if "log_failure" in each]
        assert "gave 'yes'" in event["log_failure"].getErrorMessage()

    def test_onAck(self, events: list[LogEvent]) -> None:
        resource = Scripted()
        resource.ack = fail  # type: ignore[method-assign]
        Offering([resource]).ask("ACK")
        assert [event["about"]["call_id"] for event in events if "log_failure" in event] == [
            "call-1"
        ]


class TestNobody:
    """RFC 3261 §8.2.1."""

    def test_methodNotAllowed(self) -> None:
        offering = Offering(
            [Scripted(methods=frozenset({"OPTIONS"})), Scripted(methods=frozenset({"MESSAGE"}))]
        )
        assert offering.ask("INVITE") == [405]
        assert offering.answer.get("Allow") == "MESSAGE, OPTIONS"
        assert offering.answer.to.tag

    def test_methodKnown(self) -> None:
        assert Offering([Scripted(methods=frozenset({"OPTIONS"}))]).ask("OPTIONS") == [404]

    def test_noResources(self) -> None:
        assert Offering([]).ask("INVITE") == [405]


class TestCancel:
    """RFC 3261 §9.2."""

    def test_whoeverTookTheInviteIsTold(self) -> None:
        cancelled: list[str] = []

        def take(transaction: ServerTransaction) -> Any:
            transaction.cancelled = lambda: cancelled.append("yes")
            return TAKEN

        offering = Offering([Scripted(take)])
        offering.ask("INVITE")
        assert offering.ask("CANCEL") == [200]
        assert cancelled == ["yes"]

    def test_theAnswerHasTheTagOfTheInvite(self) -> None:
        def ring(transaction: ServerTransaction) -> Any:
            transaction.respond(transaction.request.respond(180, toTag="ringing"))
            return TAKEN

        offering = Offering([Scripted(ring)])
        offering.ask("INVITE")
        offering.ask("CANCEL")
        assert offering.statuses == [180, 200, 487]
        assert offering.wire.sent[1].to.tag == "ringing"

    def test_nobodyCares(self) -> None:
        """A resource that does not follow CANCEL has its INVITE answered for it."""
        offering = Offering([Scripted(TAKEN)])
        offering.ask("INVITE")
        assert offering.ask("CANCEL") == [200, 487]
        assert all(response.to.tag for response in offering.wire.sent)

    @pytest.mark.parametrize("left", [True, False])
    def test_whileAResourceMakesUpItsMind(self, left: bool) -> None:
        """Whatever it does in the end with a request that was given up, nobody is called."""
        waiting: Deferred[Any] = Deferred()
        first, second = Scripted(waiting), Scripted(answer(200))
        offering = Offering([first, second])
        offering.ask("INVITE")
        assert offering.ask("CANCEL") == [200, 487]
        waiting.callback(None if left else makeRequest("INVITE").respond(486))
        assert second.offered == []
        assert offering.statuses == [200, 487]

    def test_tooLate(self) -> None:
        offering = Offering([Scripted(answer(486))])
        offering.ask("INVITE")
        assert offering.ask("CANCEL") == [486, 200]

    def test_unknownInvite(self) -> None:
        """It is offered, for a proxy to pass on (§16.10), and else answered with 481."""
        resource = Scripted()
        assert Offering([resource]).ask("CANCEL") == [481]
        assert resource.offered == ["CANCEL"]


class TestStrays:
    def test_ackIsShownUntilSomebodyTakesIt(self) -> None:
        first, second, third = Scripted(), Scripted(), Scripted()
        second.takesStrays = True
        assert Offering([first, second, third]).ask("ACK") == []
        assert [len(each.strays) for each in (first, second, third)] == [1, 1, 0]

    def test_response(self) -> None:
        resource = Scripted()
        offering = Offering([resource])
        response = makeRequest("INVITE").respond(200)
        offering.dispatch.strayResponse(response, offering.wire)
        assert resource.strays == [response]

    def test_overAConnectionOfNoEndpoint(self) -> None:
        """We have opened it, and the peer uses it for a request of its own (RFC 5923)."""
        offering = Offering([Scripted(answer(200))])
        offering.wire.listener = -1
        assert offering.ask("MESSAGE") == [200]


class TestServerHeader:
    """RFC 3261 §20.35."""

    def test_onAnswersGivenHere(self) -> None:
        offering = Offering([Scripted(answer(200))], server="Example 1")
        offering.ask("MESSAGE")
        assert offering.answer.get("Server") == "Example 1"

    def test_onRefusals(self) -> None:
        offering = Offering([], server="Example 1")
        offering.ask("MESSAGE")
        assert offering.answer.get("Server") == "Example 1"

    def test_notTwice(self) -> None:
        resource = Scripted(lambda t: t.request.respond(200, headers=[("Server", "Mine")]))
        offering = Offering([resource], server="Example 1")
        offering.ask("MESSAGE")
        assert offering.answer.getAll("Server") == ["Mine"]


def test_statelessAnswerThatFails(events: list[LogEvent]) -> None:
    """The request is offered like any other, and what goes wrong then is answered and logged."""

    class Failing(Scripted):
        stateless = frozenset({"OPTIONS"})

        def answer(self, request: Request) -> Response | None:
            raise LookupError("the drawer is empty")

    offering = Offering([Failing(does=fail)])
    assert not offering.dispatch.answered(makeRequest("OPTIONS"), offering.wire)
    assert offering.ask("OPTIONS") == [500]
    assert len(events) == 1


def test_resourceThatKnowsNothingOfThat() -> None:
    """A resource need not have what only a stateless one needs."""

    class Plain:
        methods: frozenset[str] = frozenset()
        offer = staticmethod(answer(200))

    offering = Offering([Plain()])
    assert not offering.dispatch.answered(makeRequest("OPTIONS"), offering.wire)
    assert offering.ask("OPTIONS") == [200]


class TestCounts:
    """What resources take is counted for them, and so is what they fail on."""

    @pytest.mark.parametrize("later", [False, True])
    def test_taken(self, later: bool) -> None:
        for given in (TAKEN, answer(200)):
            waiting: Deferred[Any] = Deferred()
            idle, taking = Scripted(), Scripted(waiting if later else given)
            offering = Offering([idle, taking])
            offering.ask("MESSAGE")
            assert offering.dispatch.taken == ({} if later else {id(taking): 1})
            waiting.callback(makeRequest("MESSAGE").respond(200) if given is not TAKEN else TAKEN)
            assert offering.dispatch.taken == {id(taking): 1}
            assert offering.dispatch.failed == {}

    def test_left(self) -> None:
        """One that thinks about it and then leaves it has not taken it."""
        waiting: Deferred[Any] = Deferred()
        thinking, taking = Scripted(waiting), Scripted(answer(486))
        offering = Offering([thinking, taking])
        offering.ask("MESSAGE")
        waiting.callback(None)
        assert offering.dispatch.taken == {id(taking): 1}

    def test_failed(self) -> None:
        failing = Scripted(fail)
        offering = Offering([failing])
        offering.ask("MESSAGE")
        assert offering.dispatch.failed == {id(failing): 1}
        assert offering.dispatch.taken == {}

    def test_withoutATransaction(self) -> None:
        """The layer does not see these answers."""

        class Stateless(Scripted):
            stateless = frozenset({"OPTIONS"})
            refusesAlike = True

            def answer(self, request: Request) -> Response | None:
                return request.respond(200)

        resource = Stateless(answer(403))
        offering = Offering([resource])
        assert offering.dispatch.answered(makeRequest("OPTIONS"), offering.wire)
        assert offering.ask("INVITE") == [200, 403]
        assert offering.dispatch.answers == {("OPTIONS", 200): 1, ("INVITE", 403): 1}
        assert offering.layer.answers.counts == {}
        assert offering.dispatch.taken == {id(resource): 2}
