"""The presence that a user keeps here rather than publishes: C{pidf-manipulation} (RFC 4827)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipapp.xcap.uniqueness import Duplicates
from sipapp.xcap.usage import ApplicationUsage
from sipapp.xcap.validation import Element, Schema

if TYPE_CHECKING:
    from sipapp.xcap.names import DocumentName

__all__ = ["PIDFManipulation", "pidfManipulation"]

_PIDF = "urn:ietf:params:xml:ns:pidf"
_DATA_MODEL = f"{_PIDF}:data-model"
_IDENTIFIED = (f"{{{_PIDF}}}tuple", f"{{{_DATA_MODEL}}}person", f"{{{_DATA_MODEL}}}device")


class PIDFManipulation(ApplicationUsage):
    """One document for each user, C{index} (§9). Extensions whose schema is not known here may be
    anything. The identifiers of tuples, persons and devices are of type C{xs:ID}."""

    auid = "pidf-manipulation"
    mimeType = "application/pidf+xml"
    namespace = _PIDF
    namespaces = (_PIDF, _DATA_MODEL)
    schema = Schema(f"{{{_PIDF}}}presence", "pidf-manipulation.xsd")

    def accepts(self, name: DocumentName) -> bool:
        return not name.isGlobal and name.path == "index"

    def constrain(self, root: Element, name: DocumentName) -> None:
        duplicates = Duplicates(_PIDF)
        duplicates.amongIdentifiers(root.iterchildren(*_IDENTIFIED))
        duplicates.refuse()


pidfManipulation = PIDFManipulation()
