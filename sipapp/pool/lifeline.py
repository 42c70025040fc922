"""The control channel between the parent and one worker: what both ends of it have in common.

It is a socket pair that speaks AMP. It carries few and small commands, but above all it is a
lifeline: as long as it is open the other side lives. The parent learns through it that a worker
serves; a worker exits at once when it closes, whatever it is doing, because nobody would ever
stop it or replace it afterwards.

The parent's end is in L{sipapp.pool.channel}, the worker's in L{sipapp.pool.control}.
"""

from __future__ import annotations

from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import connectionDone
from twisted.protocols import amp
from twisted.python.failure import Failure


class Lifeline(amp.AMP):
    """AMP without its two log lines per connection, which name neither worker nor reason."""

    def makeConnection(self, transport: ITransport) -> None:
        amp.BinaryBoxProtocol.makeConnection(self, transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        amp.BinaryBoxProtocol.connectionLost(self, reason)
        self.transport = None
