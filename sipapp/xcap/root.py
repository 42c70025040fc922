"""The XCAP root (RFC 4825 §3): what holds the documents of all application usages and users."""

from __future__ import annotations

from collections.abc import Mapping
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
    """

    uri: str
    usages: Mapping[str, IApplicationUsage]
    documents: IDocumentStore
