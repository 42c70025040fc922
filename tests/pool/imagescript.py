"""A parent for the tests of adoption: starts a pool, then replaces its own program by this same
one, which goes on with the workers.

Prints a line of JSON for each thing that happens. A line on standard input is an order: C{exec}
leaves the workers to the next image, C{kill} has the first one die in between.
"""

from __future__ import annotations

import json
import os
import socket
import sys

import msgspec
from twisted.internet import reactor
from twisted.internet.stdio import StandardIO
from twisted.logger import globalLogBeginner, textFileLogObserver
from twisted.protocols.basic import LineOnlyReceiver

from sipapp.pool import ProcessPool, Spawn, bindDatagram
from sipapp.pool.adoption import Bequest
from tests.pool import WORKER

SIZE = 2


class Estate(msgspec.Struct):
    sockets: list[int]
    workers: list[Bequest]


def say(what, *details):
    print(json.dumps([what, os.getpid(), *details]), flush=True)


class Parent(LineOnlyReceiver):
    delimiter = b"\n"

    def __init__(self, estate):
        if estate is None:
            self.sockets = [bindDatagram("127.0.0.1", 0, 4, 1)[0] for _ in range(SIZE)]
        else:
            self.sockets = [socket.socket(fileno=fd) for fd in estate.sockets]
        self.pool = ProcessPool(
            "udp-0",
            SIZE,
            lambda slot: Spawn(b"serve", {"udp": self.sockets[slot].fileno()}),
            WORKER,
            reactor,
            onExit=lambda name: say("exited", name, self.reasons()),
            onReady=lambda name: say("ready", name, self.pids(), self.ports()),
            observer=lambda event: say("output", event["line"]),
        )
        if estate is not None:
            self.pool.inherit(estate.workers)
        self.pool.startService()
        reactor.addSystemEventTrigger("before", "shutdown", self.pool.stopService)
        self.pool.whenReady().addCallback(lambda _: say("all ready", self.pids(), self.ports()))

    def pids(self):
        return [worker.pid for worker in self.pool.workers()]

    def reasons(self):
        return [worker.reason for worker in self.pool.workers()]

    def ports(self):
        return [each.getsockname()[1] for each in self.sockets]

    def lineReceived(self, line):
        getattr(self, line.decode())()

    def exec(self):
        estate = Estate([each.fileno() for each in self.sockets], self.pool.bequeath())
        for fd in [*estate.sockets, *(fd for each in estate.workers for fd in each.fds)]:
            os.set_inheritable(fd, True)
        told = msgspec.json.encode(estate).decode()
        os.execv(sys.executable, [sys.executable, "-m", __spec__.name, told])

    def kill(self):
        pid = self.pids()[0]
        os.kill(pid, 9)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        self.exec()


def main():
    observer = textFileLogObserver(sys.stderr)
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
    estate = msgspec.json.decode(sys.argv[1], type=Estate) if len(sys.argv) > 1 else None
    StandardIO(Parent(estate))
    reactor.run()


if __name__ == "__main__":
    main()
