from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmdb

from sipapp.location import LMDBLocation, LocationStoreFull, LocationUnavailable
from sipapp.location.bindingfile import BindingFile, keyOf
from tests.location.contract import AOR, LocationContract, binding, to

ROOT = Path(__file__).parents[2]


def started(path: Path, now: float, mapSize: int = 1 << 24) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.location.otherprocess", path, str(mapSize), str(now)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


class TestLMDBLocation(LocationContract):
    mapSize = 1 << 24

    def open(self) -> LMDBLocation:
        return LMDBLocation(self.path, self.endOfTurn, self.mapSize, self.clock)

    def endOfTurn(self, call: Callable[[], object]) -> None:
        self.reactor.callLater(0, call)

    def reopen(self, mapSize: int = 1 << 24) -> None:
        self.result(self.store.close())
        self.mapSize = mapSize
        self.store = self.open()

    def elsewhere(self, lines: str, mapSize: int = 1 << 24) -> int:
        """Run lines over the same store in another process.

        @return: its exit status.
        """
        other = started(self.path, self.now, mapSize)
        output, _ = other.communicate(lines, timeout=60)
        assert output == ""
        return other.returncode

    def test_fires_only_after_the_commit(self) -> None:
        committed = self.store.update(AOR, to(binding()))
        assert not committed.called
        assert self.store.lookupNow(AOR) == ()
        self.reactor.advance(0)
        assert committed.called
        assert self.reactor.getDelayedCalls() == []

    def test_who_fails_when_told_fails_alone(self) -> None:
        outcomes: list[Any] = []

        def fail(outcome: Any) -> None:
            raise LookupError

        self.store.alter(AOR, to(binding()), fail)
        self.store.alter("sip:bob@example.com", to(binding()), outcomes.append)
        self.reactor.advance(0)
        assert outcomes == [(binding(),)]

    def test_an_open_store_sees_what_another_process_does(self) -> None:
        self.put(AOR, binding("sip:mine@192.0.2.1"))
        other = (
            f"store.update({AOR!r}, lambda p: (*p, Binding('sip:its@192.0.2.2', now + 60, 0.1)))\n"
            "update('sip:bob@example.com', Binding('sip:bob@192.0.2.3', now + 60))\n"
        )
        assert self.elsewhere(other) == 0
        contacts = [b.contact for b in self.store.lookupNow(AOR)]
        assert contacts == ["sip:mine@192.0.2.1", "sip:its@192.0.2.2"]
        assert len(self.store.lookupNow("sip:bob@example.com")) == 1

    def test_no_update_of_competing_processes_is_lost(self) -> None:
        others = [started(self.path, self.now) for _ in range(2)]
        for other in others:
            assert other.stdin is not None
            other.stdin.write(f"increment({AOR!r}, 300)\n")
            other.stdin.flush()

        def increment(present: Any) -> Any:
            return (binding(cseq=(present[0].cseq if present else 0) + 1),)

        for _ in range(300):
            self.result(self.store.update(AOR, increment))
        for other in others:
            assert other.communicate(timeout=60)[0] == ""
            assert other.returncode == 0
        assert self.store.lookupNow(AOR)[0].cseq == 900

    def test_survives_a_restart(self) -> None:
        assert self.elsewhere(f"update({AOR!r}, Binding('sip:a@192.0.2.1', now + 60))\n") == 0
        self.reopen()
        assert [b.contact for b in self.store.lookupNow(AOR)] == ["sip:a@192.0.2.1"]
        self.now += 61
        assert self.result(self.store.purge(5)) == 1

    def test_what_was_committed_survives_a_kill_without_a_sync(self) -> None:
        status = self.elsewhere(f"update({AOR!r}, Binding('sip:a@192.0.2.1', now + 60)); die()\n")
        assert status == -signal.SIGKILL
        assert len(self.store.lookupNow(AOR)) == 1

    def test_a_writer_killed_inside_a_transaction(self) -> None:
        """Nothing of its transaction is seen, and its write lock does not stay behind."""
        self.put(AOR, binding("sip:before@192.0.2.1"))
        killed = (
            f"store.update({AOR!r}, lambda p: (Binding('sip:half@192.0.2.1', now + 60),))\n"
            "store.update('sip:bob@example.com', die)\n"
            "reactor.advance(0)\n"
        )
        assert self.elsewhere(killed) == -signal.SIGKILL
        assert [b.contact for b in self.store.lookupNow(AOR)] == ["sip:before@192.0.2.1"]
        self.put(AOR, binding("sip:after@192.0.2.1"))
        assert [b.contact for b in self.store.lookupNow(AOR)] == ["sip:after@192.0.2.1"]
        self.reopen()
        assert [b.contact for b in self.store.lookupNow(AOR)] == ["sip:after@192.0.2.1"]

    def test_a_full_map_is_said_clearly_and_loses_nothing(self) -> None:
        self.reopen(1 << 19)
        stored = 0
        failure: Any = None
        for number in range(1000):
            outcome = self.outcome(
                self.store.update(f"sip:{number}@example.com", to(binding(userAgent="x" * 500)))
            )
            if not isinstance(outcome, tuple):
                failure = outcome
                break
            stored += 1
        assert failure.check(LocationStoreFull)
        assert failure.getErrorMessage() == (
            f"the location store {self.path} has reached its map size of 524288 bytes"
        )
        assert stored > 20
        assert all(self.store.lookupNow(f"sip:{n}@example.com") for n in range(stored))
        # A full store takes refreshes and removals, and room that is freed is used again.
        for number in range(stored):
            self.put(f"sip:{number}@example.com", binding(userAgent="y" * 500, cseq=1 << 30))
        for number in range(stored):
            self.put(f"sip:{number}@example.com")
        for number in range(stored // 2):
            self.put(f"sip:new{number}@example.com", binding(userAgent="x" * 500))

    def test_a_full_map_fails_only_the_updates_that_need_room(self) -> None:
        self.reopen(1 << 19)
        self.put(AOR, binding())
        big = "x" * 20_000
        updates = [
            self.store.update(f"sip:{number}@example.com", to(binding(userAgent=big)))
            for number in range(40)
        ]
        removal = self.store.update(AOR, to())
        outcomes = [self.outcome(each) for each in updates]
        assert self.result(removal) == ()
        assert any(isinstance(outcome, tuple) for outcome in outcomes)
        assert any(not isinstance(outcome, tuple) for outcome in outcomes)
        for number, outcome in enumerate(outcomes):
            present = self.store.lookupNow(f"sip:{number}@example.com")
            assert bool(present) == isinstance(outcome, tuple)

    def test_what_does_not_fit_at_all_is_refused(self) -> None:
        self.reopen(1 << 19)
        huge = self.store.update(AOR, to(binding(userAgent="x" * (1 << 20))))
        assert self.outcome(huge).check(LocationStoreFull)
        assert self.put(AOR, binding()) == (binding(),)

    def test_a_full_map_can_be_purged(self) -> None:
        self.reopen(1 << 19)
        stored = 0
        while isinstance(self.outcome(self.store.update(f"{stored}@h", to(binding()))), tuple):
            stored += 1
        assert stored > 1000
        self.now += 3601
        assert self.result(self.store.purge(stored)) == stored
        assert self.result(self.store.count()) == 0

    def test_another_process_with_a_larger_map_lets_the_file_grow(self) -> None:
        self.reopen(1 << 19)
        self.put(AOR, binding())
        lines = (
            "for n in range(500): update(f'sip:{n}@h', Binding('x' * 2000, now + 60))\n\n"
            "update('sip:last@h', Binding('sip:last@192.0.2.1', now + 60))\n"
        )
        assert self.elsewhere(lines, mapSize=1 << 22) == 0
        assert len(self.store.lookupNow("sip:last@h")) == 1
        self.put("sip:more@h", binding())
        assert self.store.lookupNow(AOR) == (binding(),)

    def test_close_commits_what_is_outstanding(self) -> None:
        committed = self.store.update(AOR, to(binding()))
        self.reopen()
        assert self.result(committed) == (binding(),)
        assert self.store.lookupNow(AOR) == (binding(),)
        self.reactor.advance(0)

    def test_an_update_that_cannot_be_stored_fails_alone(self) -> None:
        """Text that is no UTF-8 does not go into the file; the registrar lets none come here."""
        bad = self.store.update(AOR, to(binding("sip:\udcff@192.0.2.1")))
        good = self.store.update("sip:bob@example.com", to(binding()))
        assert self.outcome(bad).check(UnicodeEncodeError)
        assert self.result(good) == (binding(),)

    def test_a_broken_environment_fails_the_updates(self) -> None:
        self.store._file.close()
        outcome = self.outcome(self.store.update(AOR, to(binding())))
        assert outcome.check(LocationUnavailable)
        assert outcome.getErrorMessage().startswith(f"the location store {self.path}: ")
        assert self.outcome(self.store.lookup(AOR)).check(lmdb.Error)
        self.store = self.open()


class TestBindingFile:
    def corrupt(self, path: Path, key: bytes, value: bytes) -> None:
        environment = lmdb.open(str(path), max_dbs=2)
        with environment.begin(environment.open_db(b"bindings"), write=True) as transaction:
            transaction.put(key, value)
        environment.close()

    def test_an_unreadable_record_counts_as_none_and_is_replaced(self, tmp_path: Path) -> None:
        file = BindingFile(tmp_path, 1 << 20)
        file.apply([(AOR, to(binding(lasts=5)))], 0)
        file.close()
        self.corrupt(tmp_path, AOR.encode(), b"\xc1 not msgpack")
        file = BindingFile(tmp_path, 1 << 20)
        assert file.read(AOR) == ()
        assert file.apply([(AOR, to(binding(lasts=9)))], 0) == [(binding(lasts=9),)]
        assert file.read(AOR) == (binding(lasts=9),)
        # The entry of the record that could not be read is still there, and harmless.
        assert file.purge(binding(lasts=6).expires, 10) == 0
        assert file.read(AOR) == (binding(lasts=9),)
        assert file.purge(binding(lasts=10).expires, 10) == 1
        file.close()

    def test_an_unreadable_record_goes_when_its_time_comes(self, tmp_path: Path) -> None:
        file = BindingFile(tmp_path, 1 << 20)
        file.apply([(AOR, to(binding(lasts=5)))], 0)
        file.close()
        self.corrupt(tmp_path, AOR.encode(), b"")
        file = BindingFile(tmp_path, 1 << 20)
        assert file.purge(binding(lasts=6).expires, 10) == 0
        assert file.count() == 0
        file.close()

    def test_a_hash_that_belongs_to_another_address_is_not_mistaken(self, tmp_path: Path) -> None:
        long = "sip:" + "x" * 600
        file = BindingFile(tmp_path, 1 << 20)
        file.apply([(long, to(binding()))], 0)
        key, stored = keyOf(long)
        assert key[0] == 0
        assert stored == long
        with file._environment.begin(file._bindings, write=True) as transaction:
            value = transaction.get(key)
            assert value is not None
            transaction.put(key, value.replace(b"xxx", b"yyy"))
        assert file.read(long) == ()
        file.close()

    def test_reader_check_frees_the_slot_of_a_dead_process(self, tmp_path: Path) -> None:
        file = BindingFile(tmp_path, 1 << 20)
        other = started(tmp_path, 0)
        other.communicate("store.lookupNow('sip:a@h'); die()\n", timeout=60)
        assert other.returncode == -signal.SIGKILL
        assert file.readerCheck() == 1
        assert file.readerCheck() == 0
        file.close()
