"""A parent for the tests of adoption: starts one worker, then replaces its own program by this
same one, which adopts the worker.

Prints a line of JSON for each thing that happens. A line on standard input is an order: C{exec}
leaves the worker to the next image, C{stop} drains it.
"""

from __future__ import annotations

import json
import os
import sys

import msgspec
from twisted.internet import reactor
from twisted.internet.stdio import StandardIO
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.protocols.basic import LineOnlyReceiver

from sipapp.pool import Spawn, bindDatagram
from sipapp.pool.adoption import AdoptedWorker, Bequest, bequeath
from sipapp.pool.process import WorkerProcess
from tests.pool import WORKER


def say(what, *details):
    print(json.dumps([what, os.getpid(), *details]), flush=True)


class Owner:
    def workerReady(self):
        say("ready")

    def workerAlive(self):
        """Once a second."""

    def workerFailed(self, reason):
        say("failed", reason)

    def workerExited(self, how, lastLine):
        say("exited", how)
        reactor.stop()


class Orders(LineOnlyReceiver):
    delimiter = b"\n"

    def __init__(self, worker):
        self.worker = worker

    def lineReceived(self, line):
        getattr(self, line.decode())()

    def exec(self):
        bequest = bequeath(self.worker)
        for fd in bequest.fds:
            os.set_inheritable(fd, True)
        state = msgspec.json.encode(bequest).decode()
        os.execv(sys.executable, [sys.executable, "-m", __spec__.name, state])

    def stop(self):
        self.worker.drain(5.0)

    def kill(self):
        """The worker ends between the two images."""
        os.kill(self.worker.pid, 9)
        os.waitid(os.P_PID, self.worker.pid, os.WEXITED | os.WNOWAIT)
        self.exec()


def main():
    observer = textFileLogObserver(sys.stderr)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)

    def output(event):
        say("output", event["line"])

    if len(sys.argv) > 1:
        bequest = msgspec.json.decode(sys.argv[1], type=Bequest)
        worker = AdoptedWorker("udp-0/0", reactor, Owner(), output)
        worker.adopt(bequest)
        say("adopted", worker.pid)
    else:
        own = bindDatagram("127.0.0.1", 0, 4, 1)[0]
        worker = WorkerProcess("udp-0/0", reactor, Owner(), output)
        spawn = Spawn(b"serve", {"udp": own.fileno()})
        worker.spawn(WORKER, spawn, 0, 5.0, os.environ)
        say("started", worker.pid, own.getsockname()[1])
    orders = Orders(worker)
    reactor.callWhenRunning(StandardIO, orders)
    reactor.run()


if __name__ == "__main__":
    main()
