"""What the log says of an HTTP request that a line is about."""

from __future__ import annotations

from typing import Any

from sipapp.sip import bracketed

__all__ = ["aboutRequest"]


def aboutRequest(request: Any) -> dict[str, str]:
    """
    @param request: a C{twisted.web.server.Request}.
    @return: C{about} of an event: C{method}, and the address that it has come from as C{source}.
    """
    peer = request.getClientAddress()
    return {
        "method": request.method.decode("latin-1"),
        "source": f"{bracketed(peer.host)}:{peer.port}",
    }
