"""Whole documents: PUT, GET, HEAD and DELETE (RFC 4825 §7.1 to §7.3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure

from sipapp.storage import Account, MemoryDocuments, StoredDocument
from sipapp.xcap.names import DocumentName
from tests.resources.xcap.stage import ALICE, BOB, DOCUMENT, INDEX, LISTS, ROOT, Stage
from tests.support.configuration import DOMAIN
from tests.support.httptext import request


def test_putGetDelete() -> None:
    stage = Stage()
    assert stage.get(INDEX).status == 404
    created = stage.put(INDEX, LISTS, DOCUMENT)
    assert (created.status, created.body) == (201, b"")
    got = stage.get(INDEX)
    assert (got.status, got.body, got.get("content-type")) == (200, DOCUMENT, LISTS)
    assert got.etag == created.etag
    changed = DOCUMENT.replace(b"friends", b"Freunde")
    replaced = stage.put(INDEX, LISTS, changed)
    assert replaced.status == 200
    assert replaced.etag != created.etag
    assert stage.get(INDEX).body == changed
    gone = stage.delete(INDEX)
    assert (gone.status, gone.get("etag")) == (200, None)
    assert stage.get(INDEX).status == 404
    assert stage.delete(INDEX).status == 404


def test_entityTagsChangeAsTheDocumentDoes() -> None:
    stage = Stage()
    first = stage.put(INDEX, LISTS, DOCUMENT)
    assert stage.put(INDEX, LISTS, DOCUMENT).etag == first.etag
    second = stage.put(INDEX, LISTS, DOCUMENT + b" ")
    assert second.etag != first.etag
    assert stage.put(INDEX, LISTS, DOCUMENT).etag == first.etag
    assert first.etag.startswith('"') and first.etag.endswith('"')


def test_headIsGetWithoutTheBody() -> None:
    stage = Stage()
    stage.fill()
    got, head = stage.get(INDEX), stage.ask("HEAD", INDEX)
    assert (head.status, head.body) == (200, b"")
    for name in ("content-type", "content-length", "etag"):
        assert head.get(name) == got.get(name)
    assert stage.ask("HEAD", f"{INDEX}2").status == 404


@pytest.mark.parametrize(
    "user",
    [
        "alice",
        f"alice@{DOMAIN}",
        f"sip:alice@{DOMAIN.upper()}",
        f"sips:alice@{DOMAIN}",
        f"sip%3Aalice%40{DOMAIN}",
        f"sip:%61lice@{DOMAIN}",
    ],
)
def test_aUserHasMoreThanOneSpelling(user: str) -> None:
    stage = Stage()
    stage.fill()
    assert stage.get(f"{ROOT}/resource-lists/users/{user}/index").body == DOCUMENT


def test_namesOfDocuments() -> None:
    stage = Stage()
    uri = f"{ROOT}/resource-lists/users/{ALICE}/2026%20lists%3F"
    assert stage.put(uri, LISTS, DOCUMENT).status == 201
    assert stage.stored(DocumentName("resource-lists", ALICE, "2026 lists?")) is not None
    assert stage.get(uri).body == DOCUMENT


def test_directoriesThatAreNotThere() -> None:
    stage = Stage()
    refused = stage.put(f"{ROOT}/resource-lists/users/{ALICE}/work/index", LISTS, DOCUMENT)
    assert (refused.status, "<no-parent" in refused.text) == (409, True)
    assert "<ancestor" not in refused.text


def test_contentTypes() -> None:
    stage = Stage()
    for said in (f"{LISTS}; charset=utf-8", LISTS.upper(), f'{LISTS} ;charset="UTF-8"'):
        assert stage.put(INDEX, said, DOCUMENT).status in (200, 201), said
    for said in ("text/xml", "application/xml", "application/xcap-el+xml", "", f"x{LISTS}"):
        answer = stage.put(INDEX, said, DOCUMENT)
        assert answer.status == 415, said
        assert LISTS in answer.text
    assert stage.ask("PUT", INDEX, body=DOCUMENT).status == 415
    answer = stage.put(INDEX, f"{LISTS}; charset=iso-8859-1", DOCUMENT)
    assert (answer.status, "<not-utf-8" in answer.text) == (409, True)


def test_whatIsNotAllOfADocument() -> None:
    stage = Stage()
    encoded = stage.put(INDEX, LISTS, DOCUMENT, ("Content-Encoding", "gzip"))
    assert encoded.status == 415
    part = stage.put(INDEX, LISTS, DOCUMENT, ("Content-Range", "bytes 0-9/10"))
    assert part.status == 400
    assert stage.stored() is None


def test_documentsHaveABound() -> None:
    stage = Stage(documentSize=len(DOCUMENT))
    assert stage.put(INDEX, LISTS, DOCUMENT).status == 201
    assert stage.put(INDEX, LISTS, DOCUMENT + b" ").status == 413


def test_usersHaveABound() -> None:
    stage = Stage(documentsPerUser=2)
    uris = [f"{ROOT}/resource-lists/users/{ALICE}/{number}" for number in range(3)]
    assert [stage.put(uri, LISTS, DOCUMENT).status for uri in uris] == [201, 201, 409]
    refused = stage.put(uris[2], LISTS, DOCUMENT)
    assert refused.get("content-type") == "application/xcap-error+xml"
    assert "a user may have 2 documents" in refused.text
    # Those that are there can change.
    assert stage.put(uris[0], LISTS, DOCUMENT + b" ").status == 200
    assert stage.delete(uris[0]).status == 200
    assert stage.put(uris[2], LISTS, DOCUMENT).status == 201
    # The global tree is not a user.
    for number in range(3):
        uri = f"{ROOT}/resource-lists/global/{number}"
        assert stage.put(uri, LISTS, DOCUMENT, user="root").status == 201


def test_whatCouldNotBePutAnyMoreGoes() -> None:
    """Bounds and schemas of another version were other ones."""
    for ask in ("PUT", "DELETE"):
        stage = Stage()
        stage.fill(b"<a>")
        assert stage.ask(ask, INDEX, [("Content-Type", LISTS)], DOCUMENT).status == 200


def test_whatIsNoDocument() -> None:
    stage = Stage()
    stage.fill()
    for uri, status in {
        ROOT: 404,
        f"{ROOT}/": 404,
        f"{ROOT}/resource-lists": 404,
        f"{ROOT}/resource-lists/users/{ALICE}": 404,
        f"{ROOT}/resource-lists/users/{ALICE}/": 404,
        f"{ROOT}/no-such-usage/users/{ALICE}/index": 404,
        f"{ROOT}/resource-lists/others/{ALICE}/index": 404,
        f"{ROOT}/resource-lists/users/{ALICE}//index": 400,
        f"{ROOT}/resource-lists/users/{ALICE}/../index": 400,
        f"{ROOT}/resource-lists/users/{ALICE}/%2e%2e/index": 400,
        f"{ROOT}/resource-lists/users/{ALICE}/a%2Findex": 400,
        f"{ROOT}/resource-lists/users/..%2F..%2Fetc/passwd": 400,
        f"{ROOT}/resource-lists/users/{ALICE}/index%00": 400,
        f"{ROOT}/resource-lists/users/{ALICE}/%ff": 400,
        f"{INDEX}/~~/": 400,
        f"{INDEX}/~~/x:resource-lists": 400,
    }.items():
        for method in ("GET", "PUT", "DELETE"):
            answer = stage.ask(method, uri, [("Content-Type", LISTS)], DOCUMENT)
            assert answer.status == status, (method, uri, answer)
            assert answer.text.strip()
            assert answer.get("content-type") == "text/plain; charset=utf-8"
    assert stage.stored() is not None


def test_otherMethods() -> None:
    stage = Stage()
    for method in ("POST", "PATCH", "BREW"):
        answer = stage.ask(method, INDEX, [("Content-Type", LISTS)], DOCUMENT)
        assert answer.status == 405
        assert answer.get("allow") == "GET, HEAD, PUT, DELETE, OPTIONS"
    answer = stage.ask("OPTIONS", INDEX)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.get("allow") == "GET, HEAD, PUT, DELETE, OPTIONS"


def test_whatTheServerMakesIsNotChanged() -> None:
    stage = Stage()
    uri = f"{ROOT}/xcap-caps/global/index"
    got = stage.get(uri)
    assert (got.status, got.get("content-type")) == (200, "application/xcap-caps+xml")
    assert b"<auid>resource-lists</auid>" in got.body
    for method in ("PUT", "DELETE"):
        answer = stage.ask(method, uri, [("Content-Type", "application/xcap-caps+xml")], b"<x/>")
        assert (answer.status, answer.get("allow")) == (405, "GET, HEAD, OPTIONS")
    assert stage.get(uri, ("If-None-Match", got.etag)).status == 304
    part = stage.get(f"{uri}/~~/xcap-caps/auids/auid%5B1%5D")
    assert (part.status, part.get("content-type")) == (200, "application/xcap-el+xml")
    assert part.etag == got.etag


def test_documentsThatAUsageDoesNotHave() -> None:
    stage = Stage()
    uri = f"{ROOT}/xcap-caps/users/{ALICE}/index"
    assert stage.get(uri).status == 404
    assert stage.delete(uri).status in (403, 404)


def test_whatAnotherUserHas() -> None:
    """RFC 4826 §4.4.5: the URI of a service is that of no other, whoever it belongs to."""
    stage = Stage()
    mimeType = "application/rls-services+xml"
    services = b"""<rls-services xmlns="urn:ietf:params:xml:ns:rls-services">
  <service uri="sip:team@%b"><list/></service>
</rls-services>"""
    body = services % DOMAIN.encode()
    alices, bobs = (f"{ROOT}/rls-services/users/{user}/index" for user in (ALICE, BOB))
    assert stage.put(alices, mimeType, body).status == 201
    refused = stage.put(bobs, mimeType, body, user="bob")
    assert (refused.status, "<uniqueness-failure" in refused.text) == (409, True)
    assert stage.put(alices, mimeType, body + b"\n").status == 200
    assert stage.delete(alices).status == 200
    assert stage.put(bobs, mimeType, body, user="bob").status == 201


def test_theNameOfAUser() -> None:
    """RFC 4826 §4.4.5: nor is it that of a user, unless it has been before there was the user."""
    users: set[str] = set()
    stage = Stage(isUser=users.__contains__)
    mimeType = "application/rls-services+xml"
    uri = f"{ROOT}/rls-services/users/{ALICE}/index"
    services = """<rls-services xmlns="urn:ietf:params:xml:ns:rls-services">
  <service uri="{}"><list/></service>
</rls-services>"""
    team = f"sip:team@{DOMAIN}"
    assert stage.put(uri, mimeType, services.format(team).encode()).status == 201
    users.update((ALICE, BOB, team))
    for user in (ALICE, f"{BOB};x=y"):
        refused = stage.put(uri, mimeType, services.format(user).encode())
        assert (refused.status, "<uniqueness-failure" in refused.text) == (409, True)
        assert "<alt-value>sip:" in refused.text
    assert stage.put(uri, mimeType, services.format(f"{team};x=y").encode()).status == 200
    assert stage.put(uri, mimeType, services.format(f"sip:other@{DOMAIN}").encode()).status == 200
    assert stage.put(uri, mimeType, services.format(team).encode()).status == 409


def test_aDocumentIsNoProgramForABrowser() -> None:
    stage = Stage()
    stage.fill()
    for answer in (stage.get(INDEX), stage.get(f"{INDEX}/~~/resource-lists/list")):
        assert answer.status == 200
        assert "sandbox" in (answer.get("content-security-policy") or "")
        assert answer.get("x-content-type-options") == "nosniff"


class Slow(MemoryDocuments):
    """A store that writes when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.written: Deferred[None] = Deferred()

    def replace(self, *arguments: Any) -> Deferred[StoredDocument | None]:
        done: Deferred[StoredDocument | None] = Deferred()
        write = super().replace
        self.written.addCallback(lambda _: write(*arguments).chainDeferred(done))
        return done


def failuresOf(stage: Stage, goOn: Callable[[], object]) -> list[LogEvent]:
    """Have a client hang up before it has its answer.

    @param goOn: lets the server go on with its request.
    @return: what has been logged as a failure.
    """
    events: list[LogEvent] = []
    globalLogPublisher.addObserver(events.append)
    try:
        protocol, transport = stage.open()
        headers = [("X-User", "alice"), ("Content-Type", LISTS)]
        protocol.dataReceived(request("PUT", INDEX, "x", headers, DOCUMENT))
        protocol.connectionLost(Failure(ConnectionDone()))
        goOn()
    finally:
        globalLogPublisher.removeObserver(events.append)
    assert transport.value() == b""
    return [event for event in events if "log_failure" in event]


def test_whoHangsUpIsNotWaitedFor() -> None:
    stage = Stage()
    pending = stage.words[DOMAIN].pending = Deferred()
    assert failuresOf(stage, lambda: pending.callback(Account("alice", DOMAIN))) == []
    assert stage.stored() is None


def test_whatIsOnItsWayIntoTheStoreGetsThere() -> None:
    documents = Slow()
    stage = Stage(documents=documents)
    assert failuresOf(stage, lambda: documents.written.callback(None)) == []
    assert stage.stored() is not None
