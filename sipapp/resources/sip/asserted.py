"""What one peer may assert to another of who is calling and who pays (RFC 3325).

Such header fields mean something among peers that trust each other, and nothing from anybody else:
whoever reads them downstream would take a stranger's word for ours. They are found by their parsed
name, so neither case nor white space nor folding hides one. C{Privacy} is none of them, because it
is a wish that everybody may have (RFC 3323), nor C{Identity}, which proves itself (RFC 8224).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sipapp.sip import Request, Response

__all__ = ["ASSERTIONS", "assertsNothing", "concealIdentity", "dropAssertions"]

_NAMES = """
p-asserted-identity p-preferred-identity remote-party-id p-asserted-service p-preferred-service
p-called-party-id p-visited-network-id p-charging-vector p-charging-function-addresses p-charge-info
p-served-user p-profile-key p-user-database p-private-network-indication
p-dcs-trace-party-id p-dcs-osps p-dcs-billing-info p-dcs-laes p-dcs-redirect
"""

ASSERTIONS = frozenset(_NAMES.split())
"""Canonical keys of the header fields that only count from a trusted peer: RFC 3325, what was there
before it, and RFC 4457, RFC 5002, RFC 5502, RFC 5503, RFC 6050, RFC 7315, RFC 7316, RFC 8496."""

assertsNothing = ASSERTIONS.isdisjoint
"""Tells of the canonical keys of a message whether none is among them: for the straight path."""

_IDENTITIES = ("p-asserted-identity", "p-preferred-identity", "remote-party-id")

IsTrusted = Callable[[Any], bool]


def dropAssertions(message: Request | Response, isTrusted: IsTrusted) -> None:
    """Take away what a received message asserts, unless a trusted peer has sent it (RFC 3325 §5).

    @param isTrusted: L{sipapp.interfaces.IWorker.isTrusted}.
    """
    present = ASSERTIONS.intersection(message.names)
    if present and not isTrusted(message.flow):
        for name in present:
            message.remove(name)


def concealIdentity(message: Request | Response, flow: Any, isTrusted: IsTrusted) -> None:
    """Take away who is calling before a message leaves for a peer that is not trusted, if that is
    wanted: C{Privacy: id} (RFC 3325 §7).

    @param flow: what it is about to leave over.
    """
    if "privacy" not in message.names or isTrusted(flow):
        return
    wishes = ";".join(message.getAll("privacy")).replace(",", ";").lower().split(";")
    if any(wish.strip(" \t") == "id" for wish in wishes):
        for name in _IDENTITIES:
            message.remove(name)
