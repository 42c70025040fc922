"""Targets that lead back to the server that they are targets of (RFC 5393 §3): two users bound to
each other that way would double each request for as long as it has forwards left."""

from __future__ import annotations

from typing import Any

from sipapp.sip import SIPURI

__all__ = ["leadsHere"]


def leadsHere(uri: object, worker: Any) -> bool:
    """Whether a request to this URI would be sent to this server: by a domain or an address of it,
    however that is written, or by an C{maddr}. A name that the DNS leads here with is not known:
    what comes back by it is for a domain that is not ours, and is refused then.

    @param worker: the L{sipapp.interfaces.IWorker}.
    """
    if not isinstance(uri, SIPURI):
        return False
    if worker.isLocal(uri):
        return True
    maddr = uri.maddr
    return maddr is not None and bool(worker.isLocal(uri.replace(host=maddr)))
