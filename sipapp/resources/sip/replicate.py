"""Shares registrations with peer servers that have the same domains.

The resource stands before the registrar, in the chains of the public endpoints and in that of the
replication endpoint, and leaves every request to the registrar that it does not refuse:

    [[listen]]                                                   # where phones register
    resources = ["options", "replicate", "registrar", "proxy"]

    [[listen]]                                                   # where the peers send their copies
    address = "10.0.0.1"
    port = 5070
    transport = "udp"
    socket_workers = 1
    resources = ["replicate", "registrar"]

    [resource.replicate]
    socket = "udp:10.0.0.1:5070"
    peers = ["sip:10.0.0.2:5070"]

What comes to the replication endpoint is taken from peers alone, and not copied again. What comes
to another endpoint is copied once the registrar has accepted it, and the copies leave from the
replication socket, so that the peers know them by where they come from.

A registration that could not be copied while a peer was down is there again with the phone's next
REGISTER; nothing is caught up.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger

from sipapp.resources.maker import ResourceMaker, Settings
from sipapp.resources.sip.replicationpeer import Peer, peerURI
from sipapp.resources.sip.resource import SIPResource
from sipapp.sip import Request, Response, about
from sipapp.transaction import ServerTransaction

__all__ = ["Replicate", "ReplicateSettings", "replicateMaker"]

_log = Logger()

_MAX_WARNINGS = 100
"""So many strangers are named in the log of a worker."""


class ReplicateSettings(Settings, frozen=True):
    """C{[resource.replicate]}"""

    socket: str
    """The listener that copies leave from and that peers send theirs to, by the name that
    C{--check} prints, such as C{udp:10.0.0.1:5070}. It belongs into a network that nobody but the
    peers can send from."""
    peers: tuple[str, ...]
    """The replication sockets of the peers, as SIP URIs with numeric addresses, such as
    C{sip:10.0.0.2:5070} or C{sip:10.0.0.2:5070;transport=tcp}."""

    def __post_init__(self) -> None:
        for peer in self.peers:
            peerURI(peer)


class Replicate(SIPResource):
    """Watches, on the public endpoints, what the registrar accepts; guards the replication
    endpoint."""

    def __init__(self, settings: ReplicateSettings, worker: Any) -> None:
        """
        @raise ValueError: if there is no such listener.
        """
        self._worker = worker
        listener: int | None = worker.listener(settings.socket)
        if listener is None:
            raise ValueError(f"socket: there is no listener {settings.socket}")
        self._listener = listener
        self._refused: set[str] = set()
        self._peers = [Peer(peerURI(text), listener, worker) for text in settings.peers]

    @property
    def tallies(self) -> dict[str, int]:
        return {
            "copied": sum(peer.copied for peer in self._peers),
            "given_up": sum(peer.dropped for peer in self._peers),
        }

    def stop(self) -> None:
        for peer in self._peers:
            peer.stop()

    def offer(self, transaction: ServerTransaction) -> Response | None:
        flow: Any = transaction.flow
        request = transaction.request
        if flow.listener != self._listener:
            if request.method == "REGISTER" and request.has("contact") and not self._isPeer(flow):
                self._watch(transaction)
            return None
        if self._isPeer(flow):
            return None
        self._warn(flow.remote[0], request)
        return request.respond(403, toTag=self._worker.identifiers.toTag(request))

    def _warn(self, host: str, request: Request) -> None:
        """Say once who has been refused."""
        if host not in self._refused and len(self._refused) < _MAX_WARNINGS:
            self._refused.add(host)
            _log.warn(
                "Refused {method} from {host}: no peer",
                method=request.method,
                host=host,
                about=about(request),
            )

    def _isPeer(self, flow: Any) -> bool:
        return any(peer.isSource(flow) for peer in self._peers)

    def _watch(self, transaction: ServerTransaction) -> None:
        """Copy a request when it is answered, if it is accepted."""
        others = transaction.answered

        def answered(response: Response) -> None:
            if 200 <= response.status < 300:
                for peer in self._peers:
                    peer.copy(transaction.request)
            if others is not None:
                others(response)

        transaction.answered = answered


replicateMaker = ResourceMaker("replicate", "sip", ReplicateSettings, Replicate)
