"""Services that stand for a list of users, for a resource list server: C{rls-services} (RFC 4826
§4)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from secrets import token_hex
from typing import TYPE_CHECKING
from urllib.parse import unquote

from lxml import etree

from sipapp.sip import SIPURI, MalformedURI, parseURI
from sipapp.xcap.errors import ConstraintFailure, UniquenessFailure, XCAPError
from sipapp.xcap.names import canonicalXUI
from sipapp.xcap.references import isHTTP
from sipapp.xcap.selector import parseSelector
from sipapp.xcap.uniqueness import Duplicates, pointTo
from sipapp.xcap.usage import ApplicationUsage
from sipapp.xcap.usages.resourcelists import LISTS, checkReferences, findDuplicates
from sipapp.xcap.validation import Element, Schema, parse

if TYPE_CHECKING:
    from sipapp.xcap.document import Document
    from sipapp.xcap.names import DocumentName
    from sipapp.xcap.root import XCAPRoot

__all__ = ["RLSServices", "rlsServices"]

_NAMESPACE = "urn:ietf:params:xml:ns:rls-services"
_SERVICE = f"{{{_NAMESPACE}}}service"
_LIST = f"{{{_NAMESPACE}}}list"
_RESOURCE_LIST = f"{{{_NAMESPACE}}}resource-list"


class RLSServices(ApplicationUsage):
    """Documents of users, and one that has the services of all documents called C{index} (§4.4.7).
    That one tells everything of everybody, so it is for privileged users only (§4.4.9)."""

    auid = "rls-services"
    mimeType = "application/rls-services+xml"
    namespace = _NAMESPACE
    namespaces = (_NAMESPACE, LISTS)
    schema = Schema(f"{{{_NAMESPACE}}}rls-services", "rls-services.xsd")

    def accepts(self, name: DocumentName) -> bool:
        return name.path == "index" if name.isGlobal else super().accepts(name)

    def isReadOnly(self, name: DocumentName) -> bool:
        return name.isGlobal and name.path == "index"

    def mayRead(self, user: str | None, name: DocumentName) -> bool:
        return not name.isGlobal and super().mayRead(user, name)

    def constrain(self, root: Element, name: DocumentName) -> None:
        duplicates = Duplicates(_NAMESPACE)
        duplicates.among(root.iterchildren(_SERVICE), "uri", _canonical, _unallocated)
        for each in root.iterfind(f"{_SERVICE}/{_LIST}"):
            findDuplicates(each, duplicates)
        duplicates.refuse()
        checkReferences(root)
        for each in root.iterfind(f"{_SERVICE}/{_RESOURCE_LIST}"):
            if not _isListOf(name, (each.text or "").strip()):
                raise ConstraintFailure(
                    f"line {each.sourceline}: a resource-list is the absolute HTTP URI,"
                    " percent-encoded, of a list of the same user in resource-lists"
                )

    def claims(self, document: Document, name: DocumentName) -> Collection[str]:
        return {_canonical(each.get("uri")) for each in _services(document.body)}

    def claimTaken(self, claim: str, document: Document, name: DocumentName) -> XCAPError:
        fields = [
            (pointTo(each, "uri", _NAMESPACE), _unallocated(each.get("uri"), set()))
            for each in _services(document.body)
            if _canonical(each.get("uri")) == claim
        ]
        return UniquenessFailure(fields, f"{claim} is a service or a user already")

    async def generated(self, name: DocumentName, root: XCAPRoot) -> bytes | None:
        if not self.isReadOnly(name):
            return None
        parts = [f'<?xml version="1.0" encoding="UTF-8"?>\n<rls-services xmlns="{_NAMESPACE}">\n']
        for entry in await root.documents.entries(self.auid):
            stored = await root.documents.get(entry.name) if entry.name.path == "index" else None
            if stored is not None:
                parts.extend(
                    f"{etree.tostring(each, encoding='unicode', with_tail=False)}\n"
                    for each in _services(stored.body)
                )
        parts.append("</rls-services>\n")
        return "".join(parts).encode()


def _services(body: bytes) -> Iterator[Element]:
    services: Iterator[Element] = parse(body).iterchildren(_SERVICE)
    return services


def _canonical(uri: str) -> str:
    """
    @return: the one spelling of a service's URI, by which subscriptions find it (§5).
    """
    uri = uri.strip()
    try:
        parsed = parseURI(uri)
    except MalformedURI:
        return uri
    return parsed.aor() if isinstance(parsed, SIPURI) else uri


def _unallocated(uri: str, taken: set[str]) -> tuple[str, ...]:
    """
    @return: a URI like this one that nobody has, since nobody could know it.
    """
    user, at, host = uri.strip().partition("@")
    return (f"{user}-{token_hex(4)}@{host}",) if at else ()


def _isListOf(name: DocumentName, uri: str) -> bool:
    """
    @return: whether a URI is that of an element in a document of lists of the user whose services
        these are (§4.1, §4.4.5), by what it says alone.
    """
    if not isHTTP(uri):
        return False
    path, _, query = uri.partition("?")
    # What is behind the scheme and the host.
    segments = path.split("/")[3:]
    tree = [unquote(each) for each in segments]
    # The root may have a path of any length.
    at = next(
        (at for at in range(len(tree)) if tree[at : at + 2] == ["resource-lists", "users"]), None
    )
    if at is None or "~~" in tree[:at]:
        return False
    try:
        selector = parseSelector("/".join(segments[at:]), query)
        owner = canonicalXUI(selector.document.xui, name.xui.rpartition("@")[2])
    except XCAPError:
        return False
    return owner == name.xui and selector.node is not None and selector.node.terminal is None


rlsServices = RLSServices()
