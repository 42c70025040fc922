"""What every provider of L{ILocationStore} promises. Its subclasses name the provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface.verify import verifyObject

from sipapp.interfaces import ILocationStore
from sipapp.location import Binding

AOR = "sip:alice@example.com"
START = 1_800_000_000.0


def binding(contact: str = "sip:alice@192.0.2.1", lasts: float = 3600, **fields: Any) -> Binding:
    return Binding(contact, START + lasts, **fields)


def to(*bindings: Binding) -> Callable[[Any], Any]:
    """A change that puts these bindings in the place of those that are there."""
    return lambda present: bindings


def adding(added: Binding) -> Callable[[Any], Any]:
    return lambda present: (*present, added)


class LocationContract:
    """Subclasses provide C{open}."""

    def open(self) -> Any:
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def _surroundings(self, tmp_path: Any) -> Iterator[None]:
        self.path = tmp_path / "location"
        self.now = START
        self.reactor = Clock()
        self.store = self.open()
        yield
        self.result(self.store.close())

    def clock(self) -> float:
        return self.now

    def outcome(self, deferred: Deferred[Any]) -> Any:
        """The result or the Failure that a Deferred has after this turn of the reactor."""
        outcomes: list[Any] = []
        deferred.addBoth(outcomes.append)
        if not outcomes:
            self.reactor.advance(0)
        (outcome,) = outcomes
        return outcome

    def result(self, deferred: Deferred[Any]) -> Any:
        outcome = self.outcome(deferred)
        if isinstance(outcome, Failure):
            outcome.raiseException()
        return outcome

    def put(self, aor: str, *bindings: Binding) -> Any:
        return self.result(self.store.update(aor, to(*bindings)))

    def test_provides_the_interface(self) -> None:
        assert verifyObject(ILocationStore, self.store)

    def test_nothing_is_bound_at_first(self) -> None:
        assert self.store.lookupNow(AOR) == ()
        assert self.result(self.store.lookup(AOR)) == ()
        assert self.result(self.store.count()) == 0

    def test_all_fields_come_back(self) -> None:
        full = Binding(
            contact="sip:alice@192.0.2.1:5066;transport=tcp",
            expires=START + 60.25,
            q=0.5,
            callID="a84b4c76e66710@example.com",
            cseq=4_294_967_295,
            path=("<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"),
            flow="x.abc",
            viaFlow=True,
            instance="<urn:uuid:00000000-0000-1000-8000-000A95A0E128>",
            regID=1,
            userAgent="Telefon ü",
            updated=START,
        )
        assert self.put(AOR, full) == (full,)
        assert self.store.lookupNow(AOR) == (full,)
        assert self.result(self.store.lookup(AOR)) == (full,)
        assert self.result(self.store.count()) == 1

    def test_the_change_sees_what_is_there(self) -> None:
        first, second = binding("sip:a@192.0.2.1"), binding("sip:a@192.0.2.2", q=0.4)
        self.put(AOR, first)
        assert self.result(self.store.update(AOR, adding(second))) == (first, second)
        assert self.store.lookupNow(AOR) == (first, second)

    def test_highest_q_first_and_then_the_latest(self) -> None:
        low = binding("sip:low@192.0.2.1", q=0.1, updated=START)
        old = binding("sip:old@192.0.2.1", q=0.7, updated=START - 20)
        new = binding("sip:new@192.0.2.1", q=0.7, updated=START - 10)
        assert self.put(AOR, low, old, new) == (new, old, low)
        assert self.store.lookupNow(AOR) == (new, old, low)

    def test_addresses_of_record_are_apart(self) -> None:
        self.put(AOR, binding("sip:a@192.0.2.1"))
        self.put("sip:bob@example.com", binding("sip:b@192.0.2.1"))
        assert [b.contact for b in self.store.lookupNow(AOR)] == ["sip:a@192.0.2.1"]
        assert self.result(self.store.count()) == 2

    def test_removing_all_leaves_nothing(self) -> None:
        self.put(AOR, binding())
        assert self.put(AOR) == ()
        assert self.store.lookupNow(AOR) == ()
        assert self.result(self.store.count()) == 0
        self.now += 4000
        assert self.result(self.store.purge(10)) == 0

    def test_a_change_that_raises_changes_nothing(self) -> None:
        self.put(AOR, binding())

        def refuse(present: Any) -> Any:
            raise LookupError("not this one")

        failure = self.outcome(self.store.update(AOR, refuse))
        assert failure.check(LookupError)
        assert self.store.lookupNow(AOR) == (binding(),)

    def test_outcomes_without_a_deferred(self) -> None:
        outcomes: list[Any] = []

        def refuse(present: Any) -> Any:
            raise LookupError

        self.store.alter(AOR, to(binding()), outcomes.append)
        self.store.alter(AOR, refuse, outcomes.append)
        self.reactor.advance(0)
        made, refused = outcomes
        assert made == (binding(),)
        assert isinstance(refused, LookupError)

    def test_a_change_that_raises_leaves_the_others_of_the_turn_alone(self) -> None:
        def refuse(present: Any) -> Any:
            raise LookupError

        before = self.store.update("sip:a@example.com", to(binding()))
        refused = self.store.update("sip:b@example.com", refuse)
        after = self.store.update("sip:c@example.com", to(binding()))
        assert self.result(before) == (binding(),)
        assert self.outcome(refused).check(LookupError)
        assert self.result(after) == (binding(),)
        assert self.result(self.store.count()) == 2

    def test_changes_of_one_turn_see_each_other(self) -> None:
        one, two, three = (binding(f"sip:a@192.0.2.{n}", q=1 - n / 10) for n in (1, 2, 3))
        deferreds = [self.store.update(AOR, adding(each)) for each in (one, two, three)]
        assert [len(self.result(deferred)) for deferred in deferreds] == [1, 2, 3]
        assert self.store.lookupNow(AOR) == (one, two, three)

    def test_more_updates_in_one_turn_than_a_transaction_takes(self) -> None:
        deferreds = [
            self.store.update(f"sip:{number}@example.com", to(binding())) for number in range(1300)
        ]
        for _ in range(3):
            self.reactor.advance(0)
        assert all(self.result(deferred) == (binding(),) for deferred in deferreds)
        assert self.result(self.store.count()) == 1300

    def test_an_update_from_the_callback_of_an_update(self) -> None:
        chained = self.store.update(AOR, to(binding("sip:a@192.0.2.1")))
        chained.addCallback(
            lambda _: self.store.update(AOR, adding(binding("sip:a@192.0.2.2", q=0.1)))
        )
        self.reactor.advance(0)
        assert len(self.result(chained)) == 2

    def test_an_expired_binding_is_invisible_at_once(self) -> None:
        self.put(AOR, binding("sip:short@192.0.2.1", 60), binding("sip:long@192.0.2.1", 61))
        self.now += 60
        assert [b.contact for b in self.store.lookupNow(AOR)] == ["sip:long@192.0.2.1"]
        assert [b.contact for b in self.result(self.store.lookup(AOR))] == ["sip:long@192.0.2.1"]
        self.now += 1
        assert self.store.lookupNow(AOR) == ()

    def test_a_change_never_sees_an_expired_binding(self) -> None:
        self.put(AOR, binding("sip:short@192.0.2.1", 60))
        self.now += 61
        seen: list[Any] = []

        def look(present: Any) -> Any:
            seen.append(present)
            return present

        assert self.result(self.store.update(AOR, look)) == ()
        assert seen == [()]
        assert self.result(self.store.count()) == 0

    def test_a_binding_that_has_expired_already_is_not_kept(self) -> None:
        assert self.put(AOR, binding(lasts=-1)) == ()
        assert self.result(self.store.count()) == 0

    def test_purge_drops_the_expired(self) -> None:
        self.put(AOR, binding(lasts=10), binding("sip:long@192.0.2.1", 3600))
        self.put("sip:bob@example.com", binding(lasts=20))
        assert self.result(self.store.purge(10)) == 0
        self.now += 30
        assert self.result(self.store.purge(10)) == 2
        assert self.result(self.store.count()) == 1
        assert self.result(self.store.purge(10)) == 0
        self.now += 3600
        assert self.result(self.store.purge(10)) == 1
        assert self.result(self.store.count()) == 0

    def test_purge_stops_at_its_limit_and_takes_the_oldest_first(self) -> None:
        for number in (3, 1, 2):
            self.put(f"sip:{number}@example.com", binding(lasts=number))
        self.now = START + 10
        assert self.result(self.store.purge(1)) == 1
        self.now = START
        left = [n for n in (1, 2, 3) if self.store.lookupNow(f"sip:{n}@example.com")]
        assert left == [2, 3]

    def test_purge_takes_a_part_of_an_address_of_record(self) -> None:
        self.put(AOR, *(binding(f"sip:a@192.0.2.{n}", n) for n in (3, 1, 2)))
        self.now = START + 10
        assert self.result(self.store.purge(2)) == 2
        self.now = START
        assert [b.contact for b in self.store.lookupNow(AOR)] == ["sip:a@192.0.2.3"]
        self.now = START + 10
        assert self.result(self.store.purge(2)) == 1

    def test_a_refreshed_binding_is_not_purged(self) -> None:
        self.put(AOR, binding(lasts=60))
        self.put("sip:bob@example.com", binding(lasts=90))
        self.put(AOR, binding(lasts=120))
        self.now += 100
        assert self.result(self.store.purge(10)) == 1
        assert self.store.lookupNow(AOR) == (binding(lasts=120),)
        self.now += 100
        assert self.result(self.store.purge(10)) == 1
        assert self.result(self.store.count()) == 0

    def test_a_shortened_binding_is_purged_in_time(self) -> None:
        self.put(AOR, binding(lasts=3600))
        self.put(AOR, binding(lasts=30))
        self.now += 31
        assert self.result(self.store.purge(10)) == 1

    def test_purge_moves_no_more_than_it_has_to(self) -> None:
        for number in range(700):
            self.put(f"sip:{number}@example.com", binding(lasts=60))
            self.put(f"sip:{number}@example.com", binding(lasts=120))
        self.now += 100
        for _ in range(3):
            assert self.result(self.store.purge(10)) == 0
        self.now += 100
        assert sum(self.result(self.store.purge(100)) for _ in range(7)) == 700
        assert self.result(self.store.count()) == 0

    @pytest.mark.parametrize("length", [511, 512, 5000])
    def test_an_address_of_record_of_any_length(self, length: int) -> None:
        aor = "sip:" + "x" * (length - 4)
        self.put(aor, binding(lasts=10))
        assert self.store.lookupNow(aor) == (binding(lasts=10),)
        assert self.store.lookupNow(aor + "x") == ()
        self.now += 11
        assert self.result(self.store.purge(10)) == 1
        assert self.result(self.store.count()) == 0

    def test_an_address_of_record_that_is_not_utf8(self) -> None:
        aor = "sip:\udcff@example.com"
        self.put(aor, binding())
        assert self.store.lookupNow(aor) == (binding(),)
