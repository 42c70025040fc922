"""An XCAP server without a network: requests go in as bytes, answers come out as bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource
from twisted.web.server import Site

from sipapp.interfaces import IApplicationUsage
from sipapp.resources.xcap.access import Access
from sipapp.resources.xcap.domains import Domains
from sipapp.resources.xcap.resource import Tree
from sipapp.resources.xcap.settings import XCAPSettings
from sipapp.storage import Account, MemoryDocuments, Role, StoredDocument
from sipapp.xcap.names import DocumentName
from sipapp.xcap.registry import applicationUsages
from sipapp.xcap.root import XCAPRoot
from tests.support.configuration import DOMAIN
from tests.support.httptext import Answer, Headers, request, takeAnswer

HOST = "xcap.example.test"
ROOT = "/xcap-root"
LISTS = "application/resource-lists+xml"
ELEMENT = "application/xcap-el+xml"
ATTRIBUTE = "application/xcap-att+xml"

ALICE = f"sip:alice@{DOMAIN}"
BOB = f"sip:bob@{DOMAIN}"
INDEX = f"{ROOT}/resource-lists/users/{ALICE}/index"
FRIENDS = f"{INDEX}/~~/resource-lists/list%5B@name=%22friends%22%5D"

DOCUMENT = b"""<?xml version="1.0" encoding="UTF-8"?>
<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists">
  <!-- kept as it is -->
  <list name="friends">
    <entry uri="sip:bill@example.com"/>
  </list>
</resource-lists>
"""
BILL = b'<entry uri="sip:bill@example.com"/>'
NAME = DocumentName("resource-lists", ALICE, "index")


class Word:
    """Takes people's word for who they are.

    @ivar down: what is said when nobody can tell.
    @ivar pending: for one who takes his time.
    """

    def __init__(self, realm: str) -> None:
        self.realm = realm
        self.down: Exception | None = None
        self.pending: Deferred[Account | None] | None = None

    def authenticate(self, request: Any) -> Deferred[Account | None]:
        if self.down is not None:
            raise self.down
        if self.pending is not None:
            return self.pending
        name = request.getHeader(b"X-User")
        if name is None:
            return succeed(None)
        role: Role | None = "admin" if name == b"root" else None
        return succeed(Account(name.decode(), self.realm, role=role))

    def challenge(self, request: Any) -> None:
        request.setResponseCode(401)
        request.responseHeaders.setRawHeaders("WWW-Authenticate", [f'Word realm="{self.realm}"'])


class Stage:
    """A server for whoever comes, and C{root} who may do everything."""

    def __init__(
        self,
        *others: str,
        realms: Mapping[str, str] | None = None,
        documents: MemoryDocuments | None = None,
        usage: IApplicationUsage | None = None,
        isUser: Callable[[str], bool] = lambda uri: False,
        **settings: Any,
    ) -> None:
        """
        @param others: domains beyond the one. @param realms: of some of them.
        @param usage: one more than there are. @param isUser: as in L{XCAPRoot}.
        """
        self.documents = documents or MemoryDocuments()
        domains = Domains(others, DOMAIN, realms or {})
        self.words = {realm: Word(realm) for realm in domains.realms}
        self.clock = Clock()
        usages = {**applicationUsages(), **({} if usage is None else {usage.auid: usage})}
        root = XCAPRoot("", usages, self.documents, isUser)
        tree = Tree(root, DOMAIN, Access(domains, self.words), XCAPSettings(**settings))
        top = Resource()
        top.putChild(ROOT.removeprefix("/").encode(), tree)
        self._site = Site(top, reactor=self.clock)

    def open(self) -> tuple[Any, StringTransport]:
        """
        @return: the server's end of a connection.
        """
        protocol = self._site.buildProtocol(None)
        transport = StringTransport()
        protocol.makeConnection(transport)
        return protocol, transport

    def ask(
        self,
        method: str,
        target: str,
        headers: Headers = (),
        body: bytes | None = None,
        user: str | None = "alice",
    ) -> Answer:
        """
        @return: the answer, which has to be there at once.
        """
        if user is not None:
            headers = [("X-User", user), *headers]
        protocol, transport = self.open()
        protocol.dataReceived(request(method, target, HOST, headers, body))
        taken = takeAnswer(transport.value(), method)
        assert taken is not None, transport.value()
        answer, rest = taken
        assert rest == b""
        return answer

    def get(self, target: str, *headers: tuple[str, str], user: str | None = "alice") -> Answer:
        return self.ask("GET", target, headers, user=user)

    def put(
        self,
        target: str,
        mimeType: str,
        body: bytes,
        *headers: tuple[str, str],
        user: str | None = "alice",
    ) -> Answer:
        return self.ask("PUT", target, [("Content-Type", mimeType), *headers], body, user)

    def delete(self, target: str, *headers: tuple[str, str], user: str | None = "alice") -> Answer:
        return self.ask("DELETE", target, headers, user=user)

    def stored(self, name: DocumentName = NAME) -> StoredDocument | None:
        """
        @return: what is in the store.
        """
        found: list[StoredDocument | None] = []
        self.documents.get(name).addCallback(found.append)
        return found[0]

    def fill(self, body: bytes = DOCUMENT, name: DocumentName = NAME) -> str:
        """Have a document be there already.

        @return: its entity tag as it stands in header fields.
        """
        stored: list[Any] = []
        self.documents.replace(name, None, body).addCallback(stored.append)
        return f'"{stored[0].etag}"'
