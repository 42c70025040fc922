"""A message as a worker has seen it, and how workers, and the server, tell of several."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = ["HostPort", "Report", "Sighting", "Traced"]

HostPort = tuple[str, int]


class Sighting(Struct, frozen=True, rename={"callID": "call_id"}):
    """A message that a worker has read from the network, or written to it.

    @ivar time: in seconds since the epoch.
    @ivar worker: the worker, C{udp-0/2}.
    @ivar direction: which way it went.
    @ivar transport: C{UDP}, C{TCP} or C{TLS}.
    @ivar local: our address. @ivar remote: the peer's. Both are numeric.
    @ivar callID: its Call-ID, empty if it has none that can be read.
    @ivar method: of a request, and of the request that a response answers; may be empty.
    @ivar status: that of a response, 0 of a request.
    @ivar reason: the reason phrase of a response.
    @ivar message: its bytes, masked (L{sipapp.tracing.masking}); base64 where there are but texts.
    """

    time: float
    worker: str
    direction: Literal["received", "sent"]
    transport: str
    local: HostPort
    remote: HostPort
    callID: str
    method: str
    status: int
    reason: str
    message: bytes


class Report(Struct, frozen=True, rename={"leftOut": "left_out"}):
    """What a worker has seen for one trace since its last report.

    @ivar trace: the number of the trace.
    @ivar leftOut: how many messages were not shown since the trace began there, because there were
        too many.
    """

    trace: int
    sightings: tuple[Sighting, ...] = ()
    leftOut: int = 0


class Traced(Struct, frozen=True, rename={"leftOut": "left_out", "isOver": "is_over"}):
    """Some of what all workers have seen: what C{worker.trace} returns, and sends.

    @ivar sightings: the messages; those of a worker in their order.
    @ivar leftOut: how many were not shown up to now, because there were too many.
    @ivar isOver: whether there is no more to come.
    """

    sightings: tuple[Sighting, ...] = ()
    leftOut: int = 0
    isOver: bool = False
