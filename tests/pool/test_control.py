"""The control channel from end to end, in memory."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, connect

from sipapp.pool import Boot, WorkerControl
from sipapp.pool.channel import ControlChannel
from sipapp.pool.commands import Drain
from tests.pool.inmemory import WorkerReactor

BOOT = Boot("udp-0/1", 1, {}, b"", 12.5, 1)


class Lifeline:
    """Both ends of a channel, and what was reported at either."""

    def __init__(self, onDrain=None) -> None:
        self.parentHeard: list[str] = []
        self.exits: list[int] = []
        self.drains: list[float] = []
        self.drained: Deferred[None] = Deferred()
        self.quiesces: list[float] = []
        self.quiet: Deferred[None] = Deferred()
        self.reactor = WorkerReactor()
        self.channel = ControlChannel(self, self.reactor)
        self.control = WorkerControl(
            self.reactor, BOOT, onDrain or self.onDrain, self.exits.append, self.onQuiesce
        )
        self.pump = connect(
            self.channel,
            FakeTransport(self.channel, True),
            self.control,
            FakeTransport(self.control, False),
        )

    def onDrain(self, timeout):
        self.drains.append(timeout)
        return self.drained

    def onQuiesce(self, timeout):
        self.quiesces.append(timeout)
        return self.quiet

    def channelReady(self):
        self.parentHeard.append("ready")

    def channelAlive(self):
        self.parentHeard.append("alive")

    def channelFailed(self, reason):
        self.parentHeard.append(f"failed: {reason}")

    def channelLost(self):
        self.parentHeard.append("lost")

    def sayReady(self):
        self.control.ready()
        self.pump.flush()

    def drain(self, timeout):
        self.channel.drain(timeout)
        self.pump.flush()

    def quiesce(self, timeout):
        quiet = []
        self.channel.quiesce(timeout).addCallback(quiet.append)
        self.pump.flush()
        return quiet


def test_readyReachesTheParent():
    lifeline = Lifeline()
    heard = []
    lifeline.control.ready().addCallback(heard.append)
    assert heard == []
    lifeline.pump.flush()
    assert lifeline.parentHeard == ["ready"]
    assert heard == [{}]


def test_aFailureReachesTheParentBeforeTheReactorStops():
    lifeline = Lifeline()
    lifeline.control.failed("no such certificate: " + "x" * 100_000)
    assert lifeline.reactor.stops == 0
    lifeline.pump.flush()
    [heard] = lifeline.parentHeard
    assert heard.startswith("failed: no such certificate: xxx")
    assert lifeline.reactor.stops == 1
    assert lifeline.control.exitStatus == 1


def test_aReadyWorkerDrainsThenStops():
    lifeline = Lifeline()
    lifeline.sayReady()
    lifeline.drain(7.5)
    assert lifeline.drains == [7.5]
    assert lifeline.reactor.stops == 0
    lifeline.drained.callback(None)
    assert lifeline.reactor.stops == 1
    assert lifeline.control.exitStatus == 0


def test_drainMayBeACoroutine():
    steps = []

    async def onDrain(timeout):
        steps.append(timeout)
        await waiting
        steps.append("done")

    waiting = Deferred()
    lifeline = Lifeline(onDrain)
    lifeline.sayReady()
    lifeline.drain(1.0)
    assert (steps, lifeline.reactor.stops) == ([1.0], 0)
    waiting.callback(None)
    assert (steps, lifeline.reactor.stops) == ([1.0, "done"], 1)


@pytest.mark.parametrize("onDrain", [lambda timeout: fail(ValueError("no")), lambda timeout: 1 / 0])
def test_aDrainThatFailsStillEnds(onDrain):
    lifeline = Lifeline(onDrain)
    lifeline.sayReady()
    lifeline.drain(1.0)
    assert lifeline.reactor.stops == 1


def test_aWorkerThatNeverWasReadyIsNotDrained():
    lifeline = Lifeline()
    lifeline.drain(7.5)
    assert lifeline.drains == []
    assert lifeline.reactor.stops == 1


def test_aSecondDrainChangesNothing():
    lifeline = Lifeline()
    lifeline.sayReady()
    lifeline.drain(7.5)
    lifeline.drain(1.0)
    lifeline.drained.callback(None)
    assert lifeline.drains == [7.5]
    assert lifeline.reactor.stops == 1


def shutDown(lifeline: Lifeline):
    """The reactor has been stopped: by SIGTERM, for instance."""
    return lifeline.control._beforeShutdown()


def test_aSignalDrainsWithTheTimeoutOfTheBoot():
    lifeline = Lifeline()
    lifeline.sayReady()
    finished = []
    shutDown(lifeline).addCallback(finished.append)
    assert lifeline.drains == [12.5]
    lifeline.drain(3.0)
    assert finished == []
    lifeline.drained.callback(None)
    assert finished == [None]
    assert lifeline.reactor.stops == 0, "it is stopping already"


def test_theWorkerExitsAtOnceWhenTheChannelCloses():
    lifeline = Lifeline()
    lifeline.sayReady()
    lifeline.channel.transport.loseConnection()
    lifeline.pump.flush()
    assert len(lifeline.exits) == 1
    assert lifeline.exits[0] != 0


def test_alsoWhileItDrains():
    lifeline = Lifeline()
    lifeline.sayReady()
    lifeline.drain(7.5)
    shutDown(lifeline)
    lifeline.channel.transport.loseConnection()
    lifeline.pump.flush()
    assert len(lifeline.exits) == 1


def test_theEndOfTheReactorIsNoReasonToExitAtOnce():
    lifeline = Lifeline()
    lifeline.sayReady()
    lifeline.drain(7.5)
    lifeline.drained.callback(None)
    shutDown(lifeline)
    lifeline.control.connectionLost(Failure(ConnectionDone()))
    assert lifeline.exits == []


def test_theParentLearnsThatTheChannelHasClosed():
    lifeline = Lifeline()
    lifeline.control.transport.loseConnection()
    lifeline.pump.flush()
    assert lifeline.parentHeard == ["lost"]


def test_aWorkerMayGoWithoutAnsweringDrain():
    lifeline = Lifeline()
    lifeline.sayReady()
    lifeline.channel.drain(1.0)
    lifeline.channel.connectionLost(Failure(ConnectionDone()))
    assert lifeline.parentHeard == ["ready", "lost"]
    lifeline.channel.drain(1.0)
    lifeline.channel.close()


def test_drainHasALimitInSeconds():
    assert [name for name, _ in Drain.arguments] == [b"timeout"]


def test_aWorkerSaysWhenItIsQuiet():
    """And stays: nothing drains, and the reactor runs on."""
    lifeline = Lifeline()
    lifeline.sayReady()
    quiet = lifeline.quiesce(7.5)
    assert (lifeline.quiesces, quiet) == ([7.5], [])
    lifeline.quiet.callback(None)
    lifeline.pump.flush()
    assert quiet == [None]
    assert lifeline.drains == []
    assert lifeline.reactor.stops == 0


def test_aWorkerThatHasServedNobodyIsQuiet():
    lifeline = Lifeline()
    assert lifeline.quiesce(7.5) == [None]
    assert lifeline.quiesces == []


def test_aWorkerThatCannotBeQuietSaysSoToo():
    lifeline = Lifeline()
    lifeline.sayReady()
    lifeline.quiet = fail(ZeroDivisionError())
    assert lifeline.quiesce(7.5) == [None]


def test_aWorkerThatIsGoneIsQuiet():
    lifeline = Lifeline()
    lifeline.sayReady()
    quiet = lifeline.quiesce(7.5)
    lifeline.control.transport.loseConnection()
    lifeline.pump.flush()
    assert quiet == [None]
