"""The presence that a user keeps here rather than publishes: C{pidf-manipulation} (RFC 4827)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipapp.xcap.usage import ApplicationUsage
from sipapp.xcap.validation import Schema

if TYPE_CHECKING:
    from sipapp.xcap.names import DocumentName

__all__ = ["PIDFManipulation", "pidfManipulation"]

_PIDF = "urn:ietf:params:xml:ns:pidf"


class PIDFManipulation(ApplicationUsage):
    """One document for each user, C{index} (§9). Extensions whose schema is not known here may be
    anything."""

    auid = "pidf-manipulation"
    mimeType = "application/pidf+xml"
    namespace = _PIDF
    namespaces = (_PIDF, f"{_PIDF}:data-model")
    schema = Schema(f"{{{_PIDF}}}presence", "pidf-manipulation.xsd")

    def accepts(self, name: DocumentName) -> bool:
        return not name.isGlobal and name.path == "index"


pidfManipulation = PIDFManipulation()
