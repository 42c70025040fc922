"""The topmost Via: what the receiver adds to it, and the one that the sender puts there."""

from __future__ import annotations

from sipapp.sip import Request, Via, bracketed
from sipapp.transport.flows import DatagramFlow, Flow


class IndirectFlow(DatagramFlow):
    """The flow of a request that wants its responses at another port than it came from."""

    __slots__ = ("answerAddress",)

    def __init__(self, flow: DatagramFlow, port: int) -> None:
        super().__init__(flow.port, flow.address)
        self.answerAddress = (flow.address[0], port, *flow.address[2:])

    def send(self, data: bytes, reference: str = "") -> None:
        address = self.answerAddress if data.startswith(b"SIP/") else self.address
        self.port.send(data, address, reference)


def stampVia(request: Request, flow: Flow) -> Flow:
    """Note in the topmost Via where a request came from (RFC 3261 §18.2.1, RFC 3581 §4).

    A connection is found again by its address, so over a stream C{rport} is always noted.

    @return: the flow to answer over: over UDP, without C{rport}, responses go to the port of the
        sent-by (RFC 3261 §18.2.2). They never leave the address that the request came from: an
        C{maddr}, which is there for requests to a multicast group, would let anybody have them
        sent to anybody else, and this server joins no such group.
    @raise SIPError: if the Via is malformed.
    """
    via = request.via
    params = via.params
    host, port = flow.remote
    if flow.reliable:
        request.noteSource(host, port)
        return flow
    if "rport" in params:
        # RFC 3581 §4 wants both, whether or not the addresses differ.
        request.noteSource(host, port)
        return flow
    if via.host != host or "received" in params:
        request.noteSource(host)
    answerPort = via.port or 5060
    if answerPort == port or not isinstance(flow, DatagramFlow):
        return flow
    return IndirectFlow(flow, answerPort)


def addVia(request: Request, flow: Flow, branch: str) -> None:
    """Put our own Via on a request that leaves over a flow (RFC 3261 §18.1.1, RFC 3581 §3)."""
    host, port = flow.local
    where = f"{bracketed(host)}:{port}" if port else bracketed(host)
    params: dict[str, str | None] = {"branch": branch}
    text = f"SIP/2.0/{flow.transport} {where};branch={branch}"
    if not flow.reliable:
        params["rport"] = None
        text += ";rport"
    request.pushVia(Via(flow.transport, host, port or None, params), text)
