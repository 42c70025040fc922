"""Whose an address is, and which addresses a user may call his own (RFC 3261 §10.3 (3), (4),
§26.3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sipapp.resources.sip.authenticate.settings import ANYBODY
from sipapp.sip import SIPURI, URI, Request, normalHost, parseURI, unescape
from sipapp.sip.digest import Identity

__all__ = ["Identities"]


class Identities:
    """
    @param worker: the L{sipapp.interfaces.IWorker}.
    @param realms: the realm of a domain, where it is not the domain itself.
    @param more: by C{name@realm}, the addresses that a user has besides his own.
    """

    def __init__(
        self, worker: Any, realms: Mapping[str, str], more: Mapping[str, Sequence[str]]
    ) -> None:
        self._worker = worker
        self._realms = {normalHost(domain): realm for domain, realm in realms.items()}
        # By the domains of this server, as nearly all write them.
        self._realmOfHost = {host: self._realmOfDomain(normalHost(host)) for host in worker.domains}
        self._more = {
            user: frozenset(
                address if address == ANYBODY else parseURI(address).aor() for address in addresses
            )
            for user, addresses in more.items()
        }
        self._realmOfMore = {
            address: user.partition("@")[2]
            for user, addresses in self._more.items()
            for address in addresses
        }

    def realmOf(self, uri: URI) -> str | None:
        """
        @return: where the user of an address is known; C{None} if that is not here.
        """
        realm = self._realmHere(uri)
        if realm is None and self._realmOfMore:
            realm = self._realmOfMore.get(uri.aor())
        return realm

    def agree(self, identity: Identity, request: Request) -> bool:
        """Tell whether a request says of its sender what he has proven.

        @raise SIPError: if From or To cannot be read.
        """
        if not self._owns(identity, request.fromHeader.uri):
            return False
        return request.method != "REGISTER" or self._owns(identity, request.to.uri)

    def _realmHere(self, uri: URI) -> str | None:
        """The realm of a URI of this server. A port makes nobody a stranger."""
        if not isinstance(uri, SIPURI):
            return None
        realm = self._realmOfHost.get(uri.host)
        if realm is None:
            host = normalHost(uri.host)
            if host in self._worker.domains or self._worker.isLocal(uri):
                realm = self._realmOfDomain(host)
        return realm

    def _realmOfDomain(self, host: str) -> str:
        return self._realms.get(host, host)

    def _owns(self, identity: Identity, uri: URI) -> bool:
        if (
            isinstance(uri, SIPURI)
            and uri.user is not None
            and unescape(uri.user) == identity.username
            and self._realmHere(uri) == identity.realm
        ):
            return True
        more = self._more.get(str(identity))
        return more is not None and (ANYBODY in more or uri.aor() in more)
