"""The events of the status page of a real server, up to their end."""

from __future__ import annotations

import json
import signal
import time
from typing import Any

from tests.conftest import ServerStarter
from tests.support.configuration import Configuration
from tests.support.httpclient import HTTPClient
from tests.support.server import Server

#: Seconds that workers may take to leave, if they have to: a stop of a test may not.
LONG = 120


class Watcher:
    """A client that reads events."""

    def __init__(self, server: Server) -> None:
        self.client = HTTPClient(server.endpoint("http").address)
        self.client.send(self.client.written("GET", "/status/events"))
        self._received = b""

    def event(self) -> Any:
        """
        @return: the data of the next overview.
        """
        while b"\n\n" not in self._received.partition(b"event: overview\n")[2]:
            self._received += self.client.socket.recv(65536)
        data, self._received = self._received.partition(b"event: overview\n")[2].split(b"\n\n", 1)
        # There may be the border of a chunk in it, but not in so little of it.
        return json.loads(data.removeprefix(b"data: "))

    def end(self) -> bytes:
        return self.client.awaitEnd()


def configured(configuration: Configuration) -> Configuration:
    configuration.table("server", drain_timeout=LONG)
    configuration.table("resource.status", viewers=["127.0.0.1"])
    configuration.listen("udp", workers=1)
    configuration.listen("http", workers=2, resources=["status"])
    return configuration


def test_overviews(configuration: Configuration, startServer: ServerStarter) -> None:
    server = startServer(configured(configuration))
    watcher = Watcher(server)
    first, second = watcher.event(), watcher.event()
    assert first["time"] < second["time"] <= time.time()
    assert {worker["name"]: worker["pid"] for worker in second["workers"]} == server.workers()
    watcher.client.close()


def test_theEnd(configuration: Configuration, startServer: ServerStarter) -> None:
    """Workers that leave do not wait for those who watch, who hear that there is no more."""
    server = startServer(configured(configuration))
    watcher = Watcher(server)
    before = watcher.event()["generation"]
    server.program.signal(signal.SIGHUP)
    assert watcher.end().endswith(b"0\r\n\r\n")
    watcher = Watcher(server)
    assert watcher.event()["generation"] > before
    server.stop()
    assert watcher.end().endswith(b"0\r\n\r\n")
