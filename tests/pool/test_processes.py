"""Pools of real processes."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor

from sipapp.pool import BootFailure, ProcessPool, Spawn, bindDatagram
from sipapp.pool.process import WorkerProcess
from tests.pool import WORKER
from tests.pool.conftest import eventually
from tests.support.deadlines import waitFor
from tests.support.processes import Program, children, isAlive

REPOSITORY = Path(__file__).parents[2]


@pytest_twisted.ensureDeferred
async def test_everyWorkerServesItsOwnSocket(makePool, client):
    pool = makePool(size=3, task="serve me")
    await pool.start()
    answers = [await client.ask(address, "who") for address in pool.addresses]
    pids = [each.pid for each in pool.pool.workers()]
    assert answers == [[slot, pids[slot], "serve me"] for slot in range(3)]
    assert len(set(pids)) == 3


@pytest_twisted.ensureDeferred
async def test_aWorkerInheritsNothingElse(makePool, client):
    # What the parent has open is its own business, even if it is meant for other children.
    with open(os.devnull) as private:
        os.set_inheritable(private.fileno(), True)
        pool = makePool(size=2)
        await pool.start()
        answer = await client.ask(pool.addresses[1], "fds")
    assert answer["boot"] == {"udp": 4, "blackbox": 5}
    kinds = sorted(target.partition(":")[0] for target in answer["open"].values())
    sockets = [target for target in answer["open"].values() if target.startswith("socket")]
    # The control channel and the UDP socket.
    assert len(sockets) == 2
    inode = os.fstat(pool.sockets[1].fileno()).st_ino
    assert f"socket:[{inode}]" in sockets
    # Standard streams, and what the reactor opens for itself: a poll object and a way to wake up.
    assert set(kinds) <= {"pipe", "socket", "anon_inode", "/memfd"}
    assert os.devnull not in answer["open"].values()


@pytest_twisted.ensureDeferred
async def test_theParentKeepsNoEndThatIsNotItsOwn(makePool):
    before = len(os.listdir("/proc/self/fd"))
    pool = makePool(size=2)
    sockets = len(pool.sockets)
    await pool.start()
    # Per worker: its output twice, the control channel and the black box.
    await eventually(
        lambda: len(os.listdir("/proc/self/fd")) == before + sockets + 2 * 4,
        "standard input closed",
    )
    await pool.stop()
    assert len(os.listdir("/proc/self/fd")) == before


@pytest_twisted.ensureDeferred
async def test_theReasonOfABootFailureArrives(makePool):
    pool = makePool(size=2, task="fail no such certificate: etc/tls.pem")
    with pytest.raises(BootFailure) as raised:
        await pool.start()
    assert raised.value.reason == "no such certificate: etc/tls.pem"
    assert raised.value.worker in ("udp-0/0", "udp-0/1")
    await pool.stop()
    assert {each.state for each in pool.pool.workers()} == {"stopped"}


@pytest_twisted.ensureDeferred
async def test_anExceptionAtStartIsTheReason(makePool):
    pool = makePool(size=1, task="raise out of luck")
    with pytest.raises(BootFailure) as raised:
        await pool.start()
    assert raised.value.reason == "exited with status 1: RuntimeError: out of luck"
    assert any(line.startswith("Traceback") for line in pool.lines())


@pytest_twisted.ensureDeferred
async def test_aProgramThatDoesNotExist():
    pool = ProcessPool("tcp", 2, lambda slot: Spawn(), ("/nonexistent/python",), reactor)
    pool.startService()
    with pytest.raises(BootFailure, match=r"tcp/0: could not be started: .*nonexistent"):
        await pool.whenReady()
    await pool.stopService()


@pytest_twisted.ensureDeferred
async def test_aWorkerThatHangsAtStartIsKilled(makePool):
    pool = makePool(size=1, task="silent", boot=0.5)
    with pytest.raises(BootFailure, match=r"not ready within 0\.5 s"):
        await pool.start()


@pytest_twisted.ensureDeferred
async def test_aCrashedWorkerComesBackWithItsSocketAndItsMail(makePool, client):
    pool = makePool(size=2)
    await pool.start()
    before = pool.pool.workers()
    client.tell(pool.addresses[1], "crash")
    await eventually(
        lambda: pool.pool.workers()[1].state == "backing off", "the crash being noticed"
    )
    # Nobody reads the socket now: the question waits in the kernel.
    slot, pid, _ = await client.ask(pool.addresses[1], "who")
    assert slot == 1
    after = pool.pool.workers()
    assert after[0] == before[0], "its neighbour does not notice"
    assert after[1].pid == pid != before[1].pid
    assert after[1].restarts == 1
    assert after[1].reason == "killed by SIGKILL"
    await eventually(lambda: pool.pool.workers()[1].state == "ready", "the slot being ready")


@pytest_twisted.ensureDeferred
async def test_theOutputOfTheWorkersIsRelayed(makePool, client):
    pool = makePool(size=2)
    await pool.start()
    await client.ask(pool.addresses[1], "print {hello} ü")
    await eventually(
        lambda: {"out: {hello} ü", "err: {hello} ü", "log: {hello} ü"} <= set(pool.lines()),
        "three lines",
    )
    events = {each["line"]: each for each in pool.output}
    assert events["out: {hello} ü"]["log_system"] == "udp-0/1"
    logged = events["log: {hello} ü"]
    assert logged["log_system"] == "udp-0/1 __main__.Answers#warn"
    assert logged["log_level"].name == "warn"


@pytest_twisted.ensureDeferred
async def test_stopWaitsForTheDrain(makePool, client):
    pool = makePool(size=1, task="patient")
    await pool.start()
    stopped: list[None] = []
    pool.pool.stopService().addCallback(stopped.append)
    await eventually(lambda: "draining" in pool.lines(), "the command to drain")
    assert (await client.ask(pool.addresses[0], "who"))[0] == 0, "it still works"
    assert stopped == []
    await client.ask(pool.addresses[0], "finish")
    await eventually(lambda: stopped, "the end of the pool")
    assert not [pid for pid in pool.pids if isAlive(pid)]


@pytest_twisted.ensureDeferred
async def test_aDrainThatTakesTooLongIsCutOff(makePool):
    pool = makePool(size=1, task="patient", drain=0.2, margin=0.2)
    await pool.start()
    await pool.pool.stopService()
    assert not [pid for pid in pool.pids if isAlive(pid)]


@pytest_twisted.ensureDeferred
async def test_aStuckWorkerIsKilledAtTheEnd(makePool, client):
    pool = makePool(size=1, drain=0.2, margin=0.2)
    await pool.start()
    await client.ask(pool.addresses[0], "stick")
    await pool.pool.stopService()
    assert not [pid for pid in pool.pids if isAlive(pid)]


@pytest_twisted.ensureDeferred
async def test_sigtermDrainsOneWorkerAndItIsReplaced(makePool, client):
    pool = makePool(size=2)
    await pool.start()
    [first, _] = pool.pool.workers()
    os.kill(first.pid, signal.SIGTERM)
    await eventually(lambda: pool.pool.workers()[0].restarts == 1, "a replacement")
    assert "draining" in pool.lines()
    assert pool.pool.workers()[0].reason == "exited with status 0"
    assert (await client.ask(pool.addresses[0], "who"))[1] != first.pid


class Witness:
    """The owner of a single process."""

    def __init__(self) -> None:
        self.ready = False
        self.exit = ""

    def workerReady(self):
        self.ready = True

    def workerFailed(self, reason):
        raise AssertionError(reason)

    def workerExited(self, how, lastLine):
        self.exit = how


@pytest_twisted.ensureDeferred
async def test_aWorkerExitsWhenTheChannelCloses(client):
    witness = Witness()
    process = WorkerProcess("udp-0/0", reactor, witness)
    with bindDatagram("127.0.0.1", 0, 4, 1)[0] as udp:
        spawn = Spawn(b"patient", {"udp": udp.fileno()})
        process.spawn(WORKER, spawn, slot=0, drainTimeout=5.0, environment=os.environ)
        try:
            await eventually(lambda: witness.ready, "the worker being ready")
            process.drain(30.0)
            await client.ask(udp.getsockname(), "who")
            process._channel.close()
            assert await eventually(lambda: witness.exit, "the exit") == "exited with status 75"
        finally:
            process.kill()


class Parent:
    """A parent process of its own, with three workers."""

    def __init__(self, directory: Path, task: str) -> None:
        self.program = Program(
            [sys.executable, "-m", "tests.pool.parentscript", task],
            directory / "parent.log",
            directory=REPOSITORY,
        )
        try:
            ready = waitFor(self._ready, "the pool of the parent being ready")
        except TimeoutError:
            self.program.kill()
            raise AssertionError(self.program.output()) from None
        self.pids: list[int] = ready["pids"]
        self.addresses = [("127.0.0.1", port) for port in ready["ports"]]

    def _ready(self):
        lines = [line for line in self.program.output().splitlines() if line.startswith("{")]
        return json.loads(lines[0]) if lines else None

    def survivors(self) -> list[int]:
        return [pid for pid in self.pids if isAlive(pid)]


@pytest.fixture
def makeParent(tmp_path):
    made: list[Parent] = []

    def make(task: str) -> Parent:
        made.append(Parent(tmp_path, task))
        return made[-1]

    yield make
    for each in made:
        each.program.kill()
        for pid in each.survivors():
            os.kill(pid, signal.SIGKILL)


@pytest_twisted.ensureDeferred
async def test_noWorkerSurvivesTheDeathOfItsParent(makeParent, client):
    parent = makeParent("patient")
    assert sorted(parent.pids) == children(parent.program.pid)
    # One that serves, one that drains and one that is stuck.
    os.kill(parent.pids[1], signal.SIGTERM)
    await client.ask(parent.addresses[2], "stick")
    await eventually(lambda: "draining" in parent.program.output(), "a worker that drains")
    assert parent.survivors() == parent.pids
    parent.program.kill()
    await eventually(lambda: not parent.survivors(), "the end of the workers")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_aSignalToTheWholeGroupDrainsInOrder(makeParent, number):
    """Ctrl-C at a terminal; a service supervisor that signals every process of the service."""
    parent = makeParent("serve")
    os.killpg(parent.program.pid, number)
    assert parent.program.join(15) == 0
    output = parent.program.output()
    assert output.count("draining") == 3
    assert "KeyboardInterrupt" not in output
    assert not parent.survivors()


@pytest_twisted.ensureDeferred
async def test_aStuckWorkerIsReplacedAndSaysWhere(makePool, client):
    """Its Python stack is in the log; its neighbour, which gives signs of life, stays."""
    pool = makePool(size=2, stuck=2.5)
    await pool.start()
    before = pool.pool.workers()
    stuck = await client.ask(pool.addresses[1], "stick")
    assert stuck == before[1].pid
    await eventually(lambda: pool.pool.workers()[1].restarts == 1, "a replacement")
    slot, pid, _ = await client.ask(pool.addresses[1], "who")
    assert (slot, pid != stuck) == (1, True)
    assert not isAlive(stuck)
    assert pool.pool.workers()[0] == before[0]
    assert pool.pool.workers()[1].reason == "no sign of life for 2.5 s"
    assert any("in datagramReceived" in line for line in pool.lines())
