from __future__ import annotations

import json
import random
import signal
from pathlib import Path

import pytest

from sipapp.location.bindingfile import DATA, BindingFile
from sipapp.location.copies import Copies, thisBoot
from tests.location.contract import START, binding, to
from tests.location.test_lmdbstore import started

PAGE = 4096
USERS = 400


class Machine:
    """A machine with a store on its disk, which starts and goes down."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.boots = 0
        self.start()

    def start(self) -> bool:
        """
        @return: whether the store was replaced by its copy.
        """
        self.boots += 1
        return self.run()

    def run(self) -> bool:
        """Start the server."""
        self.copies = Copies(self.path, f"boot-{self.boots}")
        recovered = self.copies.recover() is not None
        self.file = BindingFile(self.path, 1 << 24)
        self.copies.begin(self.file, START)
        return recovered

    def register(self, cseq: int, user: int = 7) -> None:
        self.file.apply([(f"sip:{user}@h", to(binding(cseq=cseq, userAgent="x" * 99)))], START)

    def registerAll(self, cseq: int) -> None:
        for user in range(USERS):
            self.register(cseq, user)

    def registered(self) -> set[int]:
        """The CSeq numbers that all users have."""
        every = [self.file.read(f"sip:{user}@h") for user in range(USERS)]
        return {bindings[0].cseq if bindings else 0 for bindings in every}

    def lose(self, pieces: list[bytes], chance: random.Random) -> None:
        """The power fails: the disk has got each page as it was at one time or another."""
        self.file.close()
        result = bytearray(pieces[-1])
        for at in range(0, len(result), PAGE):
            old = chance.choice(pieces)[at : at + PAGE]
            result[at : at + len(old)] = old
        (self.path / DATA).write_bytes(result)

    @property
    def data(self) -> bytes:
        return (self.path / DATA).read_bytes()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("seed", range(5))
def test_after_a_power_cut_the_last_copy_counts(machine: Machine, seed: int) -> None:
    machine.registerAll(1)
    machine.copies.take(machine.file, START)
    states = [machine.data]
    for cseq in (2, 3, 4):
        if cseq == 3:
            machine.copies.take(machine.file, START + cseq)
        machine.registerAll(cseq)
        states.append(machine.data)
    machine.lose(states, random.Random(seed))
    assert machine.start()
    assert machine.registered() == {2}
    machine.registerAll(5)
    assert machine.registered() == {5}


def test_a_power_cut_while_a_copy_is_brought_up(machine: Machine) -> None:
    machine.registerAll(1)
    machine.copies.take(machine.file, START)
    taken = json.loads((machine.path / "mark").read_bytes())["copy"]
    machine.registerAll(2)
    (machine.path / f"copy.{1 - taken}").write_bytes(b"half of it")
    (machine.path / "mark.new").write_bytes(b"{")
    machine.lose([bytes(1 << 16)], random.Random(0))
    assert machine.start()
    assert machine.registered() == {1}


def test_a_power_cut_before_anything_was_copied_again(machine: Machine) -> None:
    """The copy stays what counts until there is another, also after it was used."""
    machine.registerAll(1)
    machine.copies.take(machine.file, START)
    for _ in range(2):
        machine.lose([b"nothing of it" * 999], random.Random(0))
        assert machine.start()
        assert machine.registered() == {1}


def test_a_server_that_was_killed_finds_everything(machine: Machine) -> None:
    machine.register(1)
    machine.copies.take(machine.file, START)
    killed = started(machine.path, START)
    lines = "update('sip:7@h', Binding('sip:a@192.0.2.1', now + 60, cseq=2)); die()\n"
    assert killed.communicate(lines, timeout=60)[0] == ""
    assert killed.returncode == -signal.SIGKILL
    machine.file.close()
    assert not machine.run()
    assert machine.file.read("sip:7@h")[0].cseq == 2


def test_a_server_that_has_ended_finds_everything_under_another_boot(machine: Machine) -> None:
    machine.register(1)
    machine.copies.take(machine.file, START)
    machine.register(2)
    machine.copies.end(machine.file, START)
    machine.file.close()
    assert not machine.start()
    assert machine.file.read("sip:7@h")[0].cseq == 2
    # From now on it is in use again.
    machine.lose([b"nothing of it" * 999], random.Random(0))
    assert machine.start()
    assert machine.file.read("sip:7@h")[0].cseq == 2


def test_a_server_that_ends_without_room_for_a_copy_has_ended_in_good_order(
    machine: Machine,
) -> None:
    (machine.path / "copy.1").mkdir()
    machine.register(1)
    with pytest.raises(OSError, match=r"copy\.1"):
        machine.copies.end(machine.file, START)
    machine.file.close()
    assert not machine.start()
    assert machine.file.read("sip:7@h")[0].cseq == 1


def test_a_store_without_a_mark_is_taken_as_it_is(tmp_path: Path) -> None:
    """It comes from a server that did not have copies."""
    file = BindingFile(tmp_path, 1 << 24)
    file.apply([("sip:7@h", to(binding(cseq=1)))], START)
    file.close()
    machine = Machine(tmp_path)
    assert machine.file.read("sip:7@h")[0].cseq == 1
    machine.lose([b"nothing of it" * 999], random.Random(0))
    assert machine.start()
    assert machine.file.read("sip:7@h")[0].cseq == 1


def test_only_what_has_changed_is_written(machine: Machine) -> None:
    machine.registerAll(1)
    machine.copies.take(machine.file, START)
    machine.register(2)
    machine.copies.take(machine.file, START)
    one, other = ((machine.path / f"copy.{n}").read_bytes() for n in (0, 1))
    differ = sum(one[at : at + PAGE] != other[at : at + PAGE] for at in range(0, len(one), PAGE))
    assert 0 < differ < 12 < len(one) // PAGE


def test_what_has_not_changed_is_not_copied_again(machine: Machine) -> None:
    machine.register(1)
    machine.copies.take(machine.file, START)
    mark = (machine.path / "mark").read_bytes()
    machine.copies.take(machine.file, START + 1)
    assert (machine.path / "mark").read_bytes() == mark
    machine.register(2)
    machine.copies.take(machine.file, START + 2)
    assert (machine.path / "mark").read_bytes() != mark


def test_a_copy_is_no_longer_than_the_file(machine: Machine) -> None:
    for number in (1, 0):
        (machine.path / f"copy.{number}").write_bytes(bytes(1 << 22))
        machine.register(number)
        machine.copies.take(machine.file, START)
    for number in (0, 1):
        assert (machine.path / f"copy.{number}").stat().st_size <= len(machine.data)


def test_the_state_is_held_while_others_write(machine: Machine, tmp_path: Path) -> None:
    machine.registerAll(1)
    with machine.file.held() as (_, head, length):
        machine.registerAll(2)
        machine.registerAll(3)
        held = head + machine.data[len(head) : length]
    machine.file.close()
    (tmp_path / DATA).write_bytes(held)
    machine.file = BindingFile(tmp_path, 1 << 24)
    assert machine.registered() == {1}


def test_the_boot_has_a_name_that_stays() -> None:
    assert thisBoot() == thisBoot() != ""
