"""L{sipapp.transport.queuewait}: real sockets, which nobody reads for a while, and a clock that the
test puts forward and back."""

from __future__ import annotations

import socket
import sys
import time

import pytest
from pytest_twisted import ensureDeferred

from sipapp.transport.datagram import DatagramPort
from sipapp.transport.queuewait import QueueWait
from tests.transport.workers import Outcome, Site, hop, made, request, until

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="other kernels do not tell"
)


class Looked:
    """The queue of a worker that is too busy to read, and who looks at it.

    @ivar ahead: how many seconds his clock is ahead of the kernel's.
    """

    def __init__(self, site: Site) -> None:
        self.endpoint = site.bind("UDP")
        self.port: DatagramPort = site.worker("w1", [0]).driver.flows.ports[0]
        self.ahead = 0.0
        self.queue = QueueWait(self.port, lambda: time.time() + self.ahead)


@ensureDeferred
async def test_waits(site: Site) -> None:
    looked = Looked(site)
    phone = site.udpPeer()
    looked.queue.look()
    assert (looked.queue.recent, looked.queue.waits.counts[0]) == (0.0, 1)
    # Loopback delivers at once; the reactor does not get to it before the test lets it.
    phone.send(request("OPTIONS"), looked.endpoint)
    looked.ahead = 20.0
    looked.queue.look()
    assert looked.queue.recent >= 20.0
    assert looked.queue.waits.total == looked.queue.recent
    # A clock that was put back says nothing.
    looked.ahead = -3600.0
    looked.queue.look()
    assert looked.queue.waits.total == looked.queue.recent
    # It was looked at, and not taken.
    assert (await phone.message()).status == 200
    for _ in range(8):
        looked.queue.look()
    assert looked.queue.recent == 0.0
    assert sum(looked.queue.waits.counts) == 11


@ensureDeferred
async def test_othersRead(site: Site) -> None:
    """What this worker does not read any more is the next one's."""
    looked = Looked(site)
    looked.port.stop()
    looked.queue.look()
    assert sum(looked.queue.waits.counts) == 0


@ensureDeferred
async def test_errors(site: Site) -> None:
    """The times that the kernel notes do not hide what it says of what could not be delivered."""
    looked = Looked(site)
    gone, outcome = site.udpPeer(), Outcome()
    uri = f"sip:127.0.0.1:{gone.port}"
    gone.close()
    site.workers["w1"].sender.request(made("OPTIONS", uri), hop(uri), outcome)
    looked.queue.look()
    assert (await outcome.failures.get())[0] == 503
    await until(lambda: looked.port in looked.port._reactor.getReaders())


@ensureDeferred
async def test_whereNothingIsTold(site: Site) -> None:
    looked = Looked(site)
    looked.port.socket, sock = socket.socket(), looked.port.socket
    looked.port.socket.close()
    queue = QueueWait(looked.port)
    looked.port.socket = sock
    queue.look()
    assert sum(queue.waits.counts) == 0
