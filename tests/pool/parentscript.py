"""A parent for the tests of the pool: serves until SIGINT or SIGTERM stops it, or worse.

Prints a line of JSON when its pool is ready: the pids of the workers and the port of their
socket.
"""

from __future__ import annotations

import json
import sys

from twisted.internet import reactor
from twisted.logger import globalLogBeginner, textFileLogObserver

from sipapp.pool import ProcessPool, Spawn, bindDatagram
from tests.pool import WORKER


def main():
    globalLogBeginner.beginLoggingTo([textFileLogObserver(sys.stderr)], redirectStandardIO=False)
    # Every worker has a socket that the kernel does not share out, so that a test can choose.
    own = [bindDatagram("127.0.0.1", 0, 4, 1)[0] for _ in range(3)]
    pool = ProcessPool(
        "udp-0",
        3,
        lambda slot: Spawn(sys.argv[1].encode(), {"udp": own[slot].fileno()}),
        WORKER,
        reactor,
    )

    def ready(_):
        pids = [each.pid for each in pool.workers()]
        ports = [each.getsockname()[1] for each in own]
        print(json.dumps({"pids": pids, "ports": ports}), flush=True)

    pool.startService()
    pool.whenReady().addCallback(ready)
    reactor.addSystemEventTrigger("before", "shutdown", pool.stopService)
    reactor.run()


if __name__ == "__main__":
    main()
