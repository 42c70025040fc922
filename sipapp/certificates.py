"""The certificates of one worker: made from the settings once, and renewed while it runs."""

from __future__ import annotations

from typing import Any

from sipapp.config import ClientTLSSettings, ResolvedListener, TLSSettings
from sipapp.transport.renewal import CertificateWatch
from sipapp.transport.tls import CIPHERS, ClientTLS, ServerTLS

__all__ = ["Certificates"]


class Certificates:
    """What a worker shows to its TLS peers, and what it asks of them."""

    def __init__(self, reactor: Any) -> None:
        self._watch = CertificateWatch(reactor)
        # Listeners of one block share what it says.
        self._servers: dict[TLSSettings, ServerTLS] = {}

    def forListener(self, listener: ResolvedListener) -> ServerTLS | None:
        """
        @return: C{None} for an endpoint without TLS.
        @raise TLSError: if its certificates cannot be used.
        """
        tls = listener.listen.tls
        if tls is None or listener.transport not in ("tls", "https"):
            return None
        if tls not in self._servers:
            ciphers = tls.ciphers or CIPHERS
            self._servers[tls] = self._watch.watch(
                ServerTLS(tls.shown, tls.ca, tls.verifyClient, tls.minimumVersion, ciphers)
            )
        return self._servers[tls]

    def forServers(self, tls: ClientTLSSettings) -> ClientTLS:
        """
        @return: what connections to other servers are opened with.
        @raise TLSError: if its certificates cannot be used.
        """
        own = ClientTLS(tls.ca, tls.verify, tls.certificate, tls.privateKey)
        return self._watch.watch(own)

    def stop(self) -> None:
        """Renew nothing any more."""
        self._watch.stop()
