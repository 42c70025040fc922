"""What the server can do: C{xcap-caps} (RFC 4825 §12)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from sipapp.xcap import errors
from sipapp.xcap.usage import ApplicationUsage
from sipapp.xcap.validation import Schema

if TYPE_CHECKING:
    from sipapp.xcap.names import DocumentName
    from sipapp.xcap.root import XCAPRoot

__all__ = ["Capabilities", "capabilities"]

_NAMESPACE = "urn:ietf:params:xml:ns:xcap-caps"


class Capabilities(ApplicationUsage):
    """One document for all, which lists what is served under a root."""

    auid = "xcap-caps"
    mimeType = "application/xcap-caps+xml"
    namespace = _NAMESPACE
    # That of refusals is known without a usage of its own (RFC 4825 §12).
    namespaces = (_NAMESPACE, errors.NAMESPACE)
    schema = Schema(f"{{{_NAMESPACE}}}xcap-caps", "xcap-caps.xsd")

    def accepts(self, name: DocumentName) -> bool:
        return name.isGlobal and name.path == "index"

    def isReadOnly(self, name: DocumentName) -> bool:
        return self.accepts(name)

    async def generated(self, name: DocumentName, root: XCAPRoot) -> bytes | None:
        if not self.accepts(name):
            return None
        usages = root.usages.values()
        extensions = {each for usage in usages for each in usage.extensions}
        namespaces = {each for usage in usages for each in usage.namespaces}
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<xcap-caps xmlns="{_NAMESPACE}">\n'
            f"  <auids>{_listed('auid', root.usages)}</auids>\n"
            f"  <extensions>{_listed('extension', extensions)}</extensions>\n"
            f"  <namespaces>{_listed('namespace', namespaces)}</namespaces>\n"
            "</xcap-caps>\n"
        ).encode()


def _listed(element: str, values: Iterable[str]) -> str:
    lines = "".join(f"\n    <{element}>{escape(each)}</{element}>" for each in sorted(values))
    return f"{lines}\n  " if lines else ""


capabilities = Capabilities()
