"""Lists of users, such as buddy lists: C{resource-lists} (RFC 4826 §3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipapp.xcap.errors import ConstraintFailure
from sipapp.xcap.references import isHTTP, isRelativePath
from sipapp.xcap.uniqueness import Duplicates, numbered
from sipapp.xcap.usage import ApplicationUsage
from sipapp.xcap.validation import Element, Schema

if TYPE_CHECKING:
    from sipapp.xcap.names import DocumentName

__all__ = ["LISTS", "ResourceLists", "checkReferences", "findDuplicates", "resourceLists"]

LISTS = "urn:ietf:params:xml:ns:resource-lists"
"""The namespace of lists, also where they are in documents of another one."""

_LIST = f"{{{LISTS}}}list"
_ENTRY = f"{{{LISTS}}}entry"
_ENTRY_REF = f"{{{LISTS}}}entry-ref"
_EXTERNAL = f"{{{LISTS}}}external"


class ResourceLists(ApplicationUsage):
    """Documents of any name, since it is others that refer to them (§3.4.7)."""

    auid = "resource-lists"
    mimeType = "application/resource-lists+xml"
    namespace = LISTS
    schema = Schema(f"{{{LISTS}}}resource-lists", "resource-lists.xsd")

    def constrain(self, root: Element, name: DocumentName) -> None:
        duplicates = Duplicates(LISTS)
        findDuplicates(root, duplicates)
        duplicates.refuse()
        checkReferences(root)


def findDuplicates(parent: Element, duplicates: Duplicates) -> None:
    """Look for what has to be unique within each list, character by character (§3.4.5).

    @param parent: of lists, or a list.
    """
    for each in parent.iter(parent.tag, _LIST):
        duplicates.among(each.iterchildren(_LIST), "name", alternatives=numbered)
        duplicates.among(each.iterchildren(_ENTRY), "uri")
        duplicates.among(each.iterchildren(_ENTRY_REF), "ref")
        duplicates.among(each.iterchildren(_EXTERNAL), "anchor")


def checkReferences(root: Element) -> None:
    """Check what refers to other lists, but not whether they are there (§3.4.5).

    @raise ConstraintFailure: if it is not written as it has to be.
    """
    for each in root.iter(_ENTRY_REF):
        if not isRelativePath(each.get("ref", "").strip()):
            raise ConstraintFailure(
                f"line {each.sourceline}: the ref of an entry-ref is a relative path,"
                " percent-encoded"
            )
    for each in root.iter(_EXTERNAL):
        if not isHTTP(each.get("anchor", "").strip()):
            raise ConstraintFailure(
                f"line {each.sourceline}: the anchor of an external is an absolute HTTP URI,"
                " percent-encoded"
            )


resourceLists = ResourceLists()
