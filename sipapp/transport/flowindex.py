"""By what the connections of a worker are found when there is something to send."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sipapp.transport.streamflow import StreamFlow, Target


#: So many targets lead to a connection. A peer asks for an alias of one port (RFC 5923 §4), under
#: each of its names; it could ask for all the ports there are.
_MAX_TARGETS = 64


class FlowIndex:
    """The connections of one worker.

    @ivar all: every open connection, by its identifier.
    """

    def __init__(self) -> None:
        self.all: dict[str, StreamFlow] = {}
        self._byTarget: dict[Target, StreamFlow] = {}
        self._byRemote: dict[tuple[str, str, int], StreamFlow] = {}

    def held(self, identifier: str) -> StreamFlow | None:
        """The open connection with this identifier."""
        flow = self.all.get(identifier)
        return None if flow is None or flow.closed else flow

    def byRemote(self, transport: str, host: str, port: int) -> StreamFlow | None:
        """The open inbound connection from this address, to send a response back over."""
        return self._byRemote.get((transport, host, port))

    def byTarget(self, target: Target) -> StreamFlow | None:
        """The connection to this target, open or being opened."""
        known = self._byTarget.get(target)
        return None if known is None or known.closed else known

    def opening(self) -> list[StreamFlow]:
        """Those that are waited for: the peer has not accepted them yet."""
        return [
            flow
            for target, flow in self._byTarget.items()
            if flow.connection is None
            and not (flow.closed or flow.holder or flow.identifier in self.all)
            and flow.targets[0] == target
        ]

    def accepted(self, flow: StreamFlow) -> None:
        """There is an inbound connection."""
        self._byRemote[flow.transport, *flow.remote] = flow

    def target(self, target: Target, flow: StreamFlow) -> None:
        """Find a connection by this target from now on."""
        self._byTarget[target] = flow
        flow.targets += (target,)

    def alias(self, flow: StreamFlow, port: int) -> None:
        """Use an inbound connection for requests to its peer, who has asked for it and listens at
        this port (RFC 5923). Over TLS only for those to a domain that it has proven to be."""
        if flow.outgoing:
            return
        for name in flow.identities if flow.secure else ("",):
            target = (flow.transport, flow.remote[0], port, name)
            if len(flow.targets) < _MAX_TARGETS and self.byTarget(target) is None:
                self.target(target, flow)

    def forget(self, flow: StreamFlow) -> None:
        """Use a connection for nothing new."""
        self.forgetTargets(flow)
        remote = (flow.transport, *flow.remote)
        # A load balancer may have told of two connections from there.
        if self._byRemote.get(remote) is flow:
            del self._byRemote[remote]

    def forgetTargets(self, flow: StreamFlow) -> None:
        """Send nothing new over a connection, but responses."""
        for target in flow.targets:
            if self._byTarget.get(target) is flow:
                del self._byTarget[target]
        flow.targets = ()

    def lost(self, flow: StreamFlow) -> None:
        """A connection is gone."""
        self.all.pop(flow.identifier, None)
        self.forget(flow)
