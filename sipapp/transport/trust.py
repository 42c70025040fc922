"""Whom this server believes what it cannot check: C{[trusted]}.

Trust is a matter of the flow: the address that a message comes from, or the domain that the peer of
a TLS connection has proven with a certificate to be. Nothing that stands in a message counts.
"""

from __future__ import annotations

from collections.abc import Iterable

from sipapp.transport.flows import Flow
from sipapp.transport.networks import Networks

__all__ = ["TrustedPeers"]


class TrustedPeers:
    """The peers that an operator trusts. C{flow in peers} tells whether one is at the other end."""

    def __init__(self, addresses: Iterable[str] = (), domains: Iterable[str] = ()) -> None:
        """
        @param addresses: as for L{Networks}.
        @param domains: lower-case, whole (RFC 5922 §7.2): C{example.com} is not what
            C{sip.example.com} has proven to be, nor the other way round.
        """
        self._networks = Networks(addresses)
        self._domains = frozenset(domains)

    def __contains__(self, flow: Flow) -> bool:
        if self._networks and flow.remote[0] in self._networks:
            return True
        return bool(self._domains) and not self._domains.isdisjoint(flow.identities)
