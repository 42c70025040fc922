"""Which addresses a user may call his own (RFC 3261 §10.3 step 4, §26.3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sipapp.resources.sip.authenticate.settings import ANYBODY
from sipapp.sip import SIPURI, URI, Request, parseURI, unescape
from sipapp.sip.digest import Identity

__all__ = ["Identities"]


class Identities:
    """
    @param realmOf: where the user of a URI is known.
    @param more: by C{name@realm}, the addresses that a user has besides his own.
    """

    def __init__(
        self, realmOf: Callable[[object], str | None], more: Mapping[str, Sequence[str]]
    ) -> None:
        self._realmOf = realmOf
        self._more = {
            user: frozenset(
                address if address == ANYBODY else _canonical(parseURI(address))
                for address in addresses
            )
            for user, addresses in more.items()
        }

    def agree(self, identity: Identity, request: Request) -> bool:
        """Tell whether a request says of its sender what he has proven.

        @raise SIPError: if From or To cannot be read.
        """
        if not self._owns(identity, request.fromHeader.uri):
            return False
        return request.method != "REGISTER" or self._owns(identity, request.to.uri)

    def _owns(self, identity: Identity, uri: URI) -> bool:
        if (
            isinstance(uri, SIPURI)
            and uri.user is not None
            and unescape(uri.user) == identity.username
            and self._realmOf(uri) == identity.realm
        ):
            return True
        more = self._more.get(str(identity))
        return more is not None and (ANYBODY in more or _canonical(uri) in more)


def _canonical(uri: URI) -> str:
    """The one spelling of an address, the same for sip and sips (RFC 5630 §3.1)."""
    return (uri.replace(scheme="sip") if isinstance(uri, SIPURI) else uri).aor()
