"""Which documents a user has: C{org.openmobilealliance.xcap-directory} (OMA-TS-XDM_Core-V1_1
§6.7.2)."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from sipapp.xcap.usage import ApplicationUsage
from sipapp.xcap.validation import Schema

if TYPE_CHECKING:
    from sipapp.storage.document import DocumentEntry
    from sipapp.xcap.names import DocumentName
    from sipapp.xcap.root import XCAPRoot

__all__ = ["Directory", "directory"]

_NAMESPACE = "urn:oma:xml:xdm:xcap-directory"


class Directory(ApplicationUsage):
    """One document for each user, with a folder for each usage in which the user has something."""

    auid = "org.openmobilealliance.xcap-directory"
    mimeType = "application/vnd.oma.xcap-directory+xml"
    namespace = _NAMESPACE
    schema = Schema(f"{{{_NAMESPACE}}}xcap-directory", "xcap-directory.xsd")

    def accepts(self, name: DocumentName) -> bool:
        return not name.isGlobal and name.path == "directory.xml"

    def isReadOnly(self, name: DocumentName) -> bool:
        return self.accepts(name)

    async def generated(self, name: DocumentName, root: XCAPRoot) -> bytes | None:
        if not self.accepts(name):
            return None
        entries = await root.documents.entries(xui=name.xui)
        served = [entry for entry in entries if entry.name.auid in root.usages]
        folders = "".join(
            f"  <folder auid={quoteattr(auid)}>\n"
            + "".join(_entry(entry, root) for entry in group)
            + "  </folder>\n"
            for auid, group in groupby(served, lambda entry: entry.name.auid)
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<xcap-directory xmlns="{_NAMESPACE}">\n{folders}</xcap-directory>\n'
        ).encode()


def _entry(entry: DocumentEntry, root: XCAPRoot) -> str:
    modified = datetime.fromtimestamp(entry.modified, UTC)
    return (
        f"    <entry uri={quoteattr(f'{root.uri}/{entry.name.toPath()}')}"
        f" etag={quoteattr(entry.etag)}"
        f' last-modified="{modified:%Y-%m-%dT%H:%M:%SZ}" size="{entry.size}"/>\n'
    )


directory = Directory()
