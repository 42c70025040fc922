"""Methods for the people at a help desk."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from sipapp.resources.xmlrpc import MethodsMaker
from sipapp.rpc import Caller, InvalidParameters, NotFound, method
from sipapp.storage import DocumentChanged
from sipapp.xcap.errors import XCAPError
from sipapp.xcap.names import canonicalXUI

UserName = Annotated[str, Meta(min_length=1, max_length=200)]


class UserView(Struct, frozen=True):
    """What there is to know of a user."""

    user: str
    contacts: list[str]
    documents: dict[str, int]


class HelpDesk:
    """The namespace C{helpdesk}."""

    def __init__(self, worker: Any) -> None:
        self._worker = worker

    @method()
    async def show(self, caller: Caller, user: UserName) -> UserView:
        """Show where a user is registered, and which documents he keeps here, with their sizes.

        user: such as alice or sip:alice@example.com.
        """
        xui = self._xui(user)
        bindings = await self._worker.administration.call("location.lookup", [xui], caller)
        documents = await self._worker.documents.entries(xui=xui)
        return UserView(
            xui,
            [each["contact"] for each in bindings],
            {f"{each.name.auid}/{each.name.path}": each.size for each in documents},
        )

    @method(role="operator", changes=True)
    async def forget(self, caller: Caller, user: UserName) -> int:
        """Remove all documents of a user, and tell how many there were.

        user: such as alice or sip:alice@example.com.
        """
        entries = await self._worker.documents.entries(xui=self._xui(user))
        if not entries:
            raise NotFound(f"{user} has no documents")
        removed = 0
        for each in entries:
            try:
                await self._worker.documents.replace(each.name, each.etag, None)
            except DocumentChanged:
                # He is at it right now: it is not what was looked at any more.
                continue
            removed += 1
        return removed

    def _xui(self, user: str) -> str:
        try:
            return canonicalXUI(user, self._worker.domain)
        except XCAPError as error:
            raise InvalidParameters(f"user: {error.detail}") from None


helpDesk = MethodsMaker("helpdesk", HelpDesk)
