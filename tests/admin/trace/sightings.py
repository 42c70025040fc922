"""Messages that a worker has seen."""

from __future__ import annotations

from typing import Any

from sipapp.tracing import Sighting

NOON = 1_800_000_000.0

LOCAL = ("192.0.2.254", 5060)


def sighting(
    method: str = "OPTIONS",
    status: int = 0,
    reason: str = "",
    *,
    isSent: bool = False,
    after: float = 0.0,
    **fields: Any,
) -> Sighting:
    """
    @param after: seconds after L{NOON}.
    @param fields: what is not as usual.
    """
    values: dict[str, Any] = {
        "time": NOON + after,
        "worker": "udp-0/1",
        "direction": "sent" if isSent else "received",
        "transport": "UDP",
        "local": LOCAL,
        "remote": ("192.0.2.1", 5062),
        "callID": "one@host",
        "method": method,
        "status": status,
        "reason": reason,
        "message": f"{method} sip:a SIP/2.0\r\n\r\n".encode(),
    }
    return Sighting(**{**values, **fields})
