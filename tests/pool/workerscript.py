"""A worker for the tests of the pool: does what its payload and its datagrams say.

The payload is what to do at the start, such as C{serve} or C{fail REASON}. A datagram to the
inherited socket C{udp} is a question, answered to its sender:

- C{who}: slot, pid and the text of the payload;
- C{fds}: the open descriptors and what they are;
- C{print TEXT}: prints to either stream;
- C{crash}: dies, without an answer;
- C{stick}: blocks the reactor, after the answer;
- C{finish}: ends a drain.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger

from sipapp.pool import WorkerControl, enterWorker, startLogging


class Answers(DatagramProtocol):
    log = Logger()

    def __init__(self, boot, finished):
        self.boot = boot
        self.finished = finished

    def datagramReceived(self, datagram, address):
        question, _, argument = datagram.decode().partition(" ")
        answer = getattr(self, question)(argument)
        self.transport.write(json.dumps(answer).encode(), address)
        if question == "stick":
            # The reactor never gets the word again.
            while True:
                time.sleep(3600)

    def who(self, argument):
        return [self.boot.slot, os.getpid(), self.boot.payload.decode()]

    def fds(self, argument):
        found = {}
        for fd in os.listdir("/proc/self/fd"):
            try:
                found[fd] = os.readlink(f"/proc/self/fd/{fd}")
            except FileNotFoundError:
                continue  # the descriptor of the listing itself
        return {"boot": self.boot.fds, "open": found}

    def print(self, argument):
        print("out:", argument)
        print("err:", argument, file=sys.stderr)
        self.log.warn("log: {argument}", argument=argument)

    def crash(self, argument):
        os.kill(os.getpid(), signal.SIGKILL)

    def stick(self, argument):
        return os.getpid()

    def finish(self, argument):
        self.finished.callback(None)


def main():
    boot = enterWorker()
    startLogging("info")
    task, _, argument = boot.payload.decode().partition(" ")
    if task == "raise":
        raise RuntimeError(argument)
    finished = Deferred()

    def onDrain(timeout):
        print("draining")
        if task != "patient":
            finished.callback(None)
        return finished

    control = WorkerControl(reactor, boot, onDrain)
    control.adopt()

    def start():
        if task == "fail":
            control.failed(argument)
        elif task != "silent":
            reactor.adoptDatagramPort(
                boot.fds["udp"], socket.AF_INET, Answers(boot, finished), maxPacketSize=65536
            )
            os.close(boot.fds["udp"])
            control.ready()

    reactor.callWhenRunning(start)
    reactor.run()
    sys.exit(control.exitStatus)


if __name__ == "__main__":
    main()
