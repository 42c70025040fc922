"""TCP connections given to another worker (C{docs/decisions/0005-moving-connections.md})."""

from __future__ import annotations

import socket
from collections.abc import Callable

from sipapp.transport.bus import Moved
from sipapp.transport.connection import StreamConnection
from sipapp.transport.flows import birthplace
from sipapp.transport.groups import MovedFactory
from sipapp.transport.streams import Streams


def giveAll(streams: Streams, holder: str, give: Callable[[Moved], bool]) -> None:
    """Give all TCP connections to another worker, but those that are about to end, or whose peer
    is far behind. They are known here as before, as long as somebody wants to answer.

    @param holder: its code.
    @param give: takes a connection to its new holder; false if it cannot.
    """
    for connection in streams.connections:
        moved = _leave(streams, connection, holder)
        if moved is None:
            continue
        streams.birthplaces.add(birthplace(moved.connection))
        if not give(moved):
            streams.index.lost(connection.flow)
            connection.flow.lost()


def _leave(streams: Streams, connection: StreamConnection, holder: str) -> Moved | None:
    """
    @return: a connection as it is to be taken up again; C{None} if it has to stay.
    """
    left = connection.leave()
    if left is None:
        return None
    fd, unread, unwritten = left
    flow = connection.flow
    targets = list(flow.targets)
    streams.leaveGroup(connection)
    streams.index.forgetTargets(flow)
    return Moved(
        fd,
        flow.identifier,
        flow.endpointKey,
        flow.remote,
        flow.outgoing,
        targets,
        flow.owed,
        flow.moved(holder),
        unread,
        unwritten,
    )


def adopt(streams: Streams, moved: Moved) -> None:
    """Take a connection that another worker gives."""
    connection = streams.resumed(moved)
    with socket.socket(fileno=moved.fd) as sock:
        try:
            streams.reactor.adoptStreamConnection(
                sock.fileno(), sock.family, MovedFactory(connection)
            )
        except OSError:
            # The peer has gone while it was on its way.
            connection.connectionLost()
            return
    connection.resume(moved.unread, moved.unwritten)
