"""The XCAP root (RFC 4825 §3): what holds the documents of all application usages and users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from sipapp.interfaces import IApplicationUsage, IDocumentStore

__all__ = ["XCAPRoot"]


class XCAPRoot(msgspec.Struct, frozen=True, eq=False):
    """
    @ivar uri: the URI of the root as the client of a request sees it, without a slash at the end.
    @ivar usages: the application usages that are served here, by AUID.
    @ivar documents: where their documents are.
    @ivar isUser: tells whether a URI is the address-of-record of a user, as far as that is known.
    """

    uri: str
    usages: Mapping[str, IApplicationUsage]
    documents: IDocumentStore
    isUser: Callable[[str], bool] = lambda uri: False
