"""Whose users somebody may be. A server has several domains, and the users of each log in to the
realm of their domain, as they do over SIP."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from sipapp.sip import normalHost
from sipapp.xcap.errors import NotAllowed, XCAPError
from sipapp.xcap.names import DocumentName, canonicalXUI

if TYPE_CHECKING:
    from sipapp.interfaces import IAccounts

__all__ = ["Domains"]

_port = re.compile(r":[0-9]*\Z")


class Domains:
    """The domains of a server, and the realms of their users."""

    def __init__(self, domains: Collection[str], main: str, realms: Mapping[str, str]) -> None:
        """
        @param main: the one of whatever does not say, whether or not it is one of the others.
        @param realms: the realm of a domain, where it is not the domain itself.
        """
        self.main = normalHost(main)
        given = {normalHost(domain): realm for domain, realm in realms.items()}
        self._realms = {
            domain: given.get(domain, domain) for domain in {self.main, *map(normalHost, domains)}
        }

    @property
    def realms(self) -> frozenset[str]:
        """All that users log in to."""
        return frozenset(self._realms.values())

    def realmOf(self, domain: str) -> str:
        """
        @return: what the users of a domain log in to; for those of others, that of L{main}.
        """
        return self._realms.get(domain) or self._realms[self.main]

    def asked(self, name: DocumentName, host: str) -> str:
        """Tell whose users a request is for.

        @param host: where the request was sent to. It tells of documents that are nobody's: those
            of C{xcap.example.com} are for the users of C{example.com}.
        @return: a domain.
        """
        if name.isGlobal:
            place = f".{_port.sub('', host.lower())}"
            above = [domain for domain in self._realms if place.endswith(f".{domain}")]
            return max(above, key=len, default=self.main)
        domain = name.xui.rpartition("@")[2]
        return domain if domain in self._realms else self.main

    def xui(self, username: str, domain: str) -> str:
        """Find out who has logged in.

        @param username: the name of the account. It may have a domain in it: one of the same realm.
        @param domain: whose users were asked for.
        @return: the canonical XUI.
        @raise NotAllowed: if it is none of a user who can be there.
        """
        try:
            user = canonicalXUI(username, domain)
        except XCAPError:
            raise NotAllowed("no user can have the name of this account") from None
        if self.realmOf(user.rpartition("@")[2]) != self.realmOf(domain):
            raise NotAllowed("the users of that domain log in to another realm")
        return user

    def isUser(self, address: str, accounts: IAccounts) -> bool:
        """
        @param address: a URI.
        @return: whether it is the address-of-record of a user of these domains who is known to have
            an account.
        """
        scheme, _, rest = address.partition(":")
        user, _, domain = rest.rpartition("@")
        if scheme not in ("sip", "sips") or not user or domain not in self._realms:
            return False
        # The name of an account may have its domain in it.
        names = user, f"{user}@{domain}"
        return any(accounts.knows(name, self._realms[domain]) for name in names)
