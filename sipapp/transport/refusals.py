"""Answers to requests that get no transaction."""

from __future__ import annotations

from zlib import crc32

from sipapp.sip import Request, SIPError
from sipapp.transaction import Identifiers
from sipapp.transport.counters import Counters
from sipapp.transport.flows import Flow
from sipapp.transport.vias import stampVia

__all__ = ["Refusals"]


class Refusals:
    """Refuses requests without a transaction (RFC 3261 §8.2.7). A request that is sent again gets
    the same answer again."""

    def __init__(self, identifiers: Identifiers, counters: Counters) -> None:
        self._identifiers = identifiers
        self._counters = counters

    def send(
        self, request: Request, flow: Flow, error: SIPError, retryAfter: int | None = None
    ) -> None:
        """Refuse a request.

        @param request: any but ACK. @param flow: the way back; its own is stamped into its Via.
        @param retryAfter: the seconds after which it may be sent anew (RFC 3261 §20.33).
        """
        try:
            tag = self._identifiers.toTag(request)
        except SIPError:
            tag = f"{self._identifiers.code}.{crc32(request.toBytes()):x}"
        try:
            if flow is request.flow:
                flow = stampVia(request, flow)
        except SIPError:
            # Nothing says where it goes but where it came from.
            pass
        response = request.refuse(error, tag)
        self._counters.refused(request.method, response.status)
        if retryAfter is not None:
            response.append("Retry-After", str(retryAfter))
        flow.send(response.toBytes())
