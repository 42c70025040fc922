"""The Basic scheme: name and password, as they are (RFC 7617). So it is for TLS only."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING, Any

from twisted.cred.credentials import UsernamePassword

from sipapp.resources.web.authentication.portal import AccountPortal
from sipapp.resources.web.authentication.scheme import Fault
from sipapp.sip import quote

if TYPE_CHECKING:
    from sipapp.storage import Account

__all__ = ["BasicScheme"]


class BasicScheme:
    """A L{sipapp.resources.web.authentication.scheme.Scheme}."""

    def __init__(self, portal: AccountPortal, realm: str) -> None:
        self._portal = portal
        # RFC 7617 §2.1: names and passwords are in UTF-8.
        self._challenge = f'Basic realm={quote(realm)}, charset="UTF-8"'

    def isFor(self, request: Any, text: str) -> bool:
        return text[:6].lower() == "basic " and bool(request.isSecure())

    async def prove(self, request: Any, text: str) -> Account | Fault | None:
        try:
            shown = b64decode(text[6:].strip(" ").encode("utf-8", "surrogateescape"), validate=True)
        except binascii.Error:
            return None
        username, colon, password = shown.partition(b":")
        if not colon:
            return None
        return await self._portal.login(UsernamePassword(username, password)) or "wrong"

    def challenges(self, request: Any, stale: bool) -> list[str]:
        return [self._challenge] if request.isSecure() else []
