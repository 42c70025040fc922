"""Every state of every machine meets every event: what happens is written down here once more,
independently of the tables, and what is not written down must be impossible."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sipapp.sip import Request, Response
from sipapp.transaction import (
    ClientTransaction,
    ImpossibleEvent,
    ServerTransaction,
    TransactionLayer,
    machine,
)
from sipapp.transaction.diagrams import MACHINES
from tests.transaction.fakes import (
    RecordingClient,
    RecordingFlow,
    RecordingServerUser,
    RecordingUser,
)
from tests.transaction.messages import request, response

STATES = (
    "Start",
    "Calling",
    "Trying",
    "Proceeding",
    "Accepted",
    "Completed",
    "Confirmed",
    "Terminated",
)
EVENTS = tuple(
    value
    for name, value in vars(machine).items()
    if name.isupper() and isinstance(value, str) and value not in STATES
)
STATUSES = {
    "1xx": 180,
    "2xx": 200,
    "3xx-6xx": 486,
    "2xx-6xx": 200,
    "100 in time": 100,
    "1xx unwanted": 183,
    "408": 408,
}

# Next state; first words of what is sent; what the user is told; running timers and deadlines.
Outcome = tuple[str, list[str], list[object], dict[str, float]]
Outcomes = dict[tuple[str, str], Outcome]

INVITE_CLIENT: Outcomes = {
    ("Start", "request"): ("Calling", ["INVITE"], [], {"A": 0.5, "B": 32}),
    ("Calling", "1xx"): ("Proceeding", [], [180], {}),
    ("Calling", "2xx"): ("Accepted", [], [200], {"M": 32}),
    ("Calling", "3xx-6xx"): ("Completed", ["ACK"], [486], {"D": 32}),
    ("Calling", "CANCEL"): ("Calling", [], [], {"A": 0.5, "B": 32}),
    ("Calling", "Timer A"): ("Calling", ["INVITE"], [], {"A": 1, "B": 32}),
    ("Calling", "Timer B"): ("Terminated", [], ["timeout"], {}),
    ("Calling", "transport error"): ("Terminated", [], ["failure"], {}),
    ("Proceeding", "1xx"): ("Proceeding", [], [180], {}),
    ("Proceeding", "2xx"): ("Accepted", [], [200], {"M": 32}),
    ("Proceeding", "3xx-6xx"): ("Completed", ["ACK"], [486], {"D": 32}),
    ("Proceeding", "CANCEL"): (
        "Proceeding",
        ["CANCEL"],
        [],
        {"CANCEL": 32, "E": 0.5, "F": 32},
    ),
    ("Proceeding", "Timer CANCEL"): ("Terminated", [], ["timeout"], {}),
    ("Proceeding", "transport error"): ("Proceeding", [], [], {}),
    ("Accepted", "1xx"): ("Accepted", [], [], {"M": 32}),
    ("Accepted", "2xx"): ("Accepted", [], [200], {"M": 32}),
    ("Accepted", "3xx-6xx"): ("Accepted", [], [], {"M": 32}),
    ("Accepted", "CANCEL"): ("Accepted", [], [], {"M": 32}),
    ("Accepted", "Timer M"): ("Terminated", [], [], {}),
    ("Accepted", "transport error"): ("Accepted", [], [], {"M": 32}),
    ("Completed", "1xx"): ("Completed", [], [], {"D": 32}),
    ("Completed", "2xx"): ("Completed", [], [200], {"D": 32}),
    ("Completed", "3xx-6xx"): ("Completed", ["ACK"], [], {"D": 32}),
    ("Completed", "CANCEL"): ("Completed", [], [], {"D": 32}),
    ("Completed", "Timer D"): ("Terminated", [], [], {}),
    ("Completed", "transport error"): ("Completed", [], [], {"D": 32}),
    ("Terminated", "CANCEL"): ("Terminated", [], [], {}),
    ("Terminated", "transport error"): ("Terminated", [], [], {}),
}

NON_INVITE_CLIENT: Outcomes = {
    ("Start", "request"): ("Trying", ["OPTIONS"], [], {"E": 0.5, "F": 32}),
    ("Trying", "1xx"): ("Proceeding", [], [180], {"E": 0.5, "F": 32}),
    ("Trying", "2xx-6xx"): ("Terminated", [], [200], {"K": 5}),
    ("Trying", "CANCEL"): ("Trying", [], [], {"E": 0.5, "F": 32}),
    ("Trying", "Timer E"): ("Trying", ["OPTIONS"], [], {"E": 1, "F": 32}),
    ("Trying", "Timer F"): ("Terminated", [], ["timeout"], {}),
    ("Trying", "transport error"): ("Terminated", [], ["failure"], {}),
    ("Proceeding", "1xx"): ("Proceeding", [], [180], {"E": 0.5, "F": 32}),
    ("Proceeding", "2xx-6xx"): ("Terminated", [], [200], {"K": 5}),
    ("Proceeding", "CANCEL"): ("Proceeding", [], [], {"E": 0.5, "F": 32}),
    ("Proceeding", "Timer E"): ("Proceeding", ["OPTIONS"], [], {"E": 4, "F": 32}),
    ("Proceeding", "Timer F"): ("Terminated", [], ["timeout"], {}),
    ("Proceeding", "transport error"): ("Terminated", [], ["failure"], {}),
    ("Terminated", "CANCEL"): ("Terminated", [], [], {}),
    ("Terminated", "transport error"): ("Terminated", [], [], {}),
}

INVITE_SERVER: Outcomes = {
    ("Start", "request"): ("Proceeding", [], ["request"], {"100": 0.2}),
    # A repeated INVITE has the last response, here the 180 that led to this state.
    ("Proceeding", "unanswered"): ("Proceeding", [], [], {}),
    ("Proceeding", "request"): ("Proceeding", ["180"], [], {}),
    ("Proceeding", "ACK"): ("Proceeding", [], [], {}),
    ("Proceeding", "1xx"): ("Proceeding", ["180"], [], {}),
    ("Proceeding", "2xx"): ("Accepted", ["200"], [], {"L": 32}),
    ("Proceeding", "3xx-6xx"): ("Completed", ["486"], [], {"G": 0.5, "H": 32}),
    ("Proceeding", "Timer 100"): ("Proceeding", ["100"], [], {}),
    ("Proceeding", "transport error"): ("Proceeding", [], ["failure"], {}),
    ("Proceeding", "abandon"): ("Terminated", [], [], {}),
    ("Accepted", "request"): ("Accepted", [], [], {"L": 32}),
    ("Accepted", "ACK"): ("Accepted", [], ["ACK"], {"L": 32}),
    ("Accepted", "2xx"): ("Accepted", ["200"], [], {"L": 32}),
    ("Accepted", "Timer L"): ("Terminated", [], ["ended"], {}),
    ("Accepted", "transport error"): ("Accepted", [], ["failure"], {"L": 32}),
    ("Completed", "request"): ("Completed", ["486"], [], {"G": 0.5, "H": 32}),
    ("Completed", "ACK"): ("Confirmed", [], [], {"I": 5}),
    ("Completed", "1xx"): ("Completed", [], [], {"G": 0.5, "H": 32}),
    ("Completed", "2xx"): ("Completed", [], [], {"G": 0.5, "H": 32}),
    ("Completed", "3xx-6xx"): ("Completed", [], [], {"G": 0.5, "H": 32}),
    ("Completed", "Timer G"): ("Completed", ["486"], [], {"G": 1, "H": 32}),
    ("Completed", "Timer H"): ("Terminated", [], ["ended"], {}),
    ("Completed", "transport error"): ("Completed", [], ["failure"], {"G": 0.5, "H": 32}),
    ("Confirmed", "request"): ("Confirmed", [], [], {"I": 5}),
    ("Confirmed", "ACK"): ("Confirmed", [], [], {"I": 5}),
    ("Confirmed", "1xx"): ("Confirmed", [], [], {"I": 5}),
    ("Confirmed", "2xx"): ("Confirmed", [], [], {"I": 5}),
    ("Confirmed", "3xx-6xx"): ("Confirmed", [], [], {"I": 5}),
    ("Confirmed", "Timer I"): ("Terminated", [], ["ended"], {}),
    ("Confirmed", "transport error"): ("Confirmed", [], [], {"I": 5}),
    ("Terminated", "1xx"): ("Terminated", [], [], {}),
    ("Terminated", "2xx"): ("Terminated", [], [], {}),
    ("Terminated", "3xx-6xx"): ("Terminated", [], [], {}),
    ("Terminated", "transport error"): ("Terminated", [], [], {}),
}

NON_INVITE_SERVER: Outcomes = {
    ("Start", "request"): ("Trying", [], ["request"], {"100": 3.5}),
    ("Trying", "unanswered"): ("Trying", [], [], {"100": 3.5}),
    ("Trying", "request"): ("Trying", [], [], {"100": 3.5}),
    ("Trying", "100 in time"): ("Proceeding", ["100"], [], {"100": 3.5}),
    ("Trying", "1xx unwanted"): ("Trying", [], [], {"100": 3.5}),
    ("Trying", "2xx-6xx"): ("Terminated", ["200"], ["ended"], {"J": 32}),
    ("Trying", "408"): ("Terminated", [], ["ended"], {"J": 32}),
    ("Trying", "Timer 100"): ("Proceeding", ["100"], [], {"100": 3.5, "F": 28.5}),
    ("Trying", "transport error"): ("Trying", [], ["failure"], {"100": 3.5}),
    ("Trying", "abandon"): ("Terminated", [], [], {}),
    ("Proceeding", "unanswered"): ("Proceeding", [], [], {"100": 3.5}),
    ("Proceeding", "request"): ("Proceeding", ["100"], [], {"100": 3.5}),
    ("Proceeding", "100 in time"): ("Proceeding", ["100"], [], {"100": 3.5}),
    ("Proceeding", "1xx unwanted"): ("Proceeding", [], [], {"100": 3.5}),
    ("Proceeding", "2xx-6xx"): ("Terminated", ["200"], ["ended"], {"J": 32}),
    ("Proceeding", "408"): ("Terminated", [], ["ended"], {"J": 32}),
    ("Proceeding", "Timer 100"): ("Proceeding", [], [], {"100": 3.5, "F": 28.5}),
    ("Proceeding", "Timer F"): ("Terminated", [], ["ended"], {}),
    ("Proceeding", "transport error"): ("Proceeding", [], ["failure"], {"100": 3.5}),
    ("Proceeding", "abandon"): ("Terminated", [], [], {}),
    ("Terminated", "100 in time"): ("Terminated", [], [], {"J": 32}),
    ("Terminated", "1xx unwanted"): ("Terminated", [], [], {"J": 32}),
    ("Terminated", "2xx-6xx"): ("Terminated", [], [], {"J": 32}),
    ("Terminated", "408"): ("Terminated", [], [], {"J": 32}),
    ("Terminated", "transport error"): ("Terminated", [], [], {"J": 32}),
}

# The shortest way from the start to each state.
WAYS: dict[str, dict[str, tuple[str, ...]]] = {
    "INVITE client transaction": {
        "Start": (),
        "Calling": ("request",),
        "Proceeding": ("request", "1xx"),
        "Accepted": ("request", "2xx"),
        "Completed": ("request", "3xx-6xx"),
        "Terminated": ("request", "transport error"),
    },
    "Non-INVITE client transaction": {
        "Start": (),
        "Trying": ("request",),
        "Proceeding": ("request", "1xx"),
        "Terminated": ("request", "transport error"),
    },
    "INVITE server transaction": {
        "Start": (),
        "Proceeding": ("request", "1xx"),
        "Accepted": ("request", "2xx"),
        "Completed": ("request", "3xx-6xx"),
        "Confirmed": ("request", "3xx-6xx", "ACK"),
        "Terminated": ("request", "2xx", "Timer L"),
    },
    "Non-INVITE server transaction": {
        "Start": (),
        "Trying": ("request",),
        "Proceeding": ("request", "100 in time"),
        "Terminated": ("request", "2xx-6xx"),
    },
}
EXPECTED: dict[str, Outcomes] = {
    "INVITE client transaction": INVITE_CLIENT,
    "Non-INVITE client transaction": NON_INVITE_CLIENT,
    "INVITE server transaction": INVITE_SERVER,
    "Non-INVITE server transaction": NON_INVITE_SERVER,
}


class Bench:
    """One machine with everything around it, at time 0."""

    def __init__(self, title: str, reliable: bool = False) -> None:
        self.flow = RecordingFlow(reliable)
        self.user = RecordingUser()
        self.layer = TransactionLayer(self.user)
        self.client = RecordingClient()
        self.owner = RecordingServerUser()
        self.request = request("OPTIONS" if title.startswith("Non") else "INVITE")
        self.isClient = "client" in title
        self.transaction: ClientTransaction | ServerTransaction | None = None

    def make(self) -> ClientTransaction | ServerTransaction:
        """Take the first step, as the layer and its driver do it."""
        if self.isClient:
            return self.layer.request(self.request, self.flow, self.client, 0.0)
        self.layer.receiveRequest(self.request, self.flow, 0.0)
        self.layer.nextDeadline()
        transaction = self.user.requests[0]
        transaction.user = self.owner
        return transaction

    def step(self, event: str) -> None:
        if self.transaction is None:
            assert event == "request"
            self.transaction = self.make()
            return
        message: Request | Response | None = None
        if event == "ACK":
            message = request("ACK")
        elif event in STATUSES:
            message = response(self.request, STATUSES[event])
        self.transaction.step(event, 0.0, message)

    def take(self) -> tuple[list[str], list[object]]:
        """
        @return: what has been sent and told since the last call.
        """
        told: list[object] = [*self.client.events, *self.owner.events]
        told += ["request" for _ in self.user.requests] + ["ACK" for _ in self.user.acks]
        for notes in (
            self.client.events,
            self.owner.events,
            self.user.requests,
            self.user.acks,
        ):
            notes.clear()
        return self.flow.take(), told

    def timers(self) -> dict[str, float]:
        return {timer.name[len("Timer ") :]: timer.deadline for timer in self.layer.timers}


def pairs() -> Iterator[tuple[str, str, str]]:
    for title, ways in WAYS.items():
        for state in ways:
            for event in EVENTS:
                if state != "Start" or event == "request":
                    yield title, state, event


@pytest.mark.parametrize(("title", "state", "event"), [*pairs()])
def test_everyStateMeetsEveryEvent(title: str, state: str, event: str) -> None:
    bench = Bench(title)
    for earlier in WAYS[title][state]:
        bench.step(earlier)
    bench.take()
    timers = bench.timers()
    outcome = EXPECTED[title].get((state, event))
    if outcome is None:
        with pytest.raises(ImpossibleEvent, match=f"{event} in {state}"):
            bench.step(event)
        assert bench.transaction is not None
        assert bench.transaction.state == state
        assert (bench.take(), bench.timers()) == (([], []), timers)
        return
    bench.step(event)
    assert bench.transaction is not None
    following, sent, told, running = outcome
    assert bench.transaction.state == following
    assert bench.take() == (sent, told)
    assert bench.timers() == running
    counted = bench.layer.serverCount + bench.layer.clientCount
    # A CANCEL is a transaction of its own, and one that has finished is counted until Timer J or K.
    assert counted == (following != "Terminated" or bool({"J", "K"} & {*running})) + (
        "CANCEL" in sent
    )
    assert bench.layer.pending == (following in ("Calling", "Trying", "Proceeding")) + (
        "CANCEL" in sent
    )


@pytest.mark.parametrize(("title", "table"), MACHINES)
def test_theTablesHoldNoMoreThanIsExpected(title: str, table: machine.Table) -> None:
    assert {(state, event) for state, row in table.items() for event in row} == set(EXPECTED[title])


RELIABLE: list[tuple[str, tuple[str, ...], str, dict[str, float]]] = [
    ("INVITE client transaction", ("request",), "Calling", {"B": 32}),
    ("INVITE client transaction", ("request", "2xx"), "Accepted", {"M": 32}),
    ("INVITE client transaction", ("request", "3xx-6xx"), "Terminated", {}),
    ("Non-INVITE client transaction", ("request",), "Trying", {"F": 32}),
    ("Non-INVITE client transaction", ("request", "2xx-6xx"), "Terminated", {}),
    ("INVITE server transaction", ("request", "2xx"), "Accepted", {"L": 32}),
    ("INVITE server transaction", ("request", "3xx-6xx"), "Completed", {"H": 32}),
    ("INVITE server transaction", ("request", "3xx-6xx", "ACK"), "Terminated", {}),
    ("Non-INVITE server transaction", ("request",), "Trying", {"100": 3.5}),
    ("Non-INVITE server transaction", ("request", "2xx-6xx"), "Terminated", {}),
]


@pytest.mark.parametrize(("title", "way", "state", "timers"), RELIABLE)
def test_reliableTransportNeedsNoRepetitions(
    title: str, way: tuple[str, ...], state: str, timers: dict[str, float]
) -> None:
    """Timers A, E and G are not started, and D, I, J and K take zero seconds."""
    bench = Bench(title, reliable=True)
    for event in way:
        bench.step(event)
    assert bench.transaction is not None
    assert bench.transaction.state == state
    assert bench.timers() == timers


def test_theUserIsToldLast() -> None:
    """What a user raises passes through, and leaves the transaction done with the event."""

    class Raising(RecordingClient):
        def responseReceived(
            self, transaction: ClientTransaction, response: Response, now: float
        ) -> None:
            raise RuntimeError("a mistake")

    flow = RecordingFlow()
    layer = TransactionLayer(RecordingUser())
    invite = request()
    transaction = layer.request(invite, flow, Raising(), 0.0)
    with pytest.raises(RuntimeError):
        layer.receiveResponse(response(invite, 486), flow, 1.0)
    assert transaction.state == "Completed"
    assert flow.take() == ["INVITE", "ACK"]
    assert [timer.name for timer in layer.timers] == ["Timer D"]
    assert layer.receiveResponse(response(invite, 486), flow, 2.0)
