"""Elements, attributes and namespace bindings over HTTP (RFC 4825 §7.4 to §7.10). What comes of a
document is for the tests of C{sipapp.xcap.edit} to say; here is what is answered."""

from __future__ import annotations

import pytest

from tests.resources.xcap.stage import (
    ATTRIBUTE,
    BILL,
    DOCUMENT,
    ELEMENT,
    FRIENDS,
    HOST,
    INDEX,
    LISTS,
    Stage,
)

BOB = b'<entry uri="sip:bob@example.com"/>'
ERROR = "application/xcap-error+xml"


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    made.fill()
    return made


def test_elements(stage: Stage) -> None:
    uri = f"{FRIENDS}/entry%5B@uri=%22sip:bob@example.com%22%5D"
    assert stage.get(uri).status == 404
    created = stage.put(uri, ELEMENT, BOB)
    assert (created.status, created.body) == (201, b"")
    got = stage.get(uri)
    assert (got.status, got.body, got.get("content-type")) == (200, BOB, ELEMENT)
    assert got.etag == created.etag == stage.get(INDEX).etag
    named = BOB.replace(b"/>", b"><display-name>Bob</display-name></entry>")
    replaced = stage.put(uri, ELEMENT, named)
    assert replaced.status == 200
    assert replaced.etag != created.etag
    assert stage.get(uri).body == named
    gone = stage.delete(uri)
    assert gone.status == 200
    assert gone.etag == stage.get(INDEX).etag
    assert stage.get(uri).status == stage.delete(uri).status == 404
    body = stage.get(INDEX).body
    assert b"<!-- kept as it is -->" in body and BILL in body


def test_attributes(stage: Stage) -> None:
    uri = f"{FRIENDS}/@name"
    got = stage.get(uri)
    assert (got.status, got.body, got.get("content-type")) == (200, b"friends", ATTRIBUTE)
    assert stage.get(f"{FRIENDS}/@other").status == 404
    uri = f"{INDEX}/~~/resource-lists/list%5B1%5D/@name"
    changed = stage.put(uri, ATTRIBUTE, b"Freunde")
    assert changed.status == 200
    assert stage.get(uri).body == b"Freunde"
    assert stage.get(INDEX).body == DOCUMENT.replace(b"friends", b"Freunde")
    assert stage.delete(uri).status == 200
    assert stage.put(uri, ATTRIBUTE, b"friends").status == 201


def test_namespaceBindings(stage: Stage) -> None:
    uri = f"{FRIENDS}/namespace::*"
    got = stage.get(uri)
    assert (got.status, got.get("content-type")) == (200, "application/xcap-ns+xml")
    assert got.body == b'<list xmlns="urn:ietf:params:xml:ns:resource-lists"/>'
    for method in ("PUT", "DELETE"):
        answer = stage.ask(method, uri, [("Content-Type", ELEMENT)], got.body)
        assert (answer.status, answer.get("allow")) == (405, "GET, HEAD, OPTIONS")
    assert stage.ask("OPTIONS", uri).get("allow") == "GET, HEAD, OPTIONS"


def test_prefixesOfTheQuery(stage: Stage) -> None:
    query = "?xmlns(rl=urn:ietf:params:xml:ns:resource-lists)"
    uri = f"{INDEX}/~~/rl:resource-lists/rl:list/rl:entry/@uri{query}"
    assert stage.get(uri).body == b"sip:bill@example.com"
    assert stage.get(uri.replace("(rl=", "(x=")).status == 400


def test_headOfANode(stage: Stage) -> None:
    head = stage.ask("HEAD", FRIENDS)
    assert (head.status, head.body, head.get("content-type")) == (200, b"", ELEMENT)
    assert head.etag == stage.get(INDEX).etag


@pytest.mark.parametrize(("tail", "right"), [("entry[1]", ELEMENT), ("entry[1]/@uri", ATTRIBUTE)])
def test_contentTypes(stage: Stage, tail: str, right: str) -> None:
    uri = f"{FRIENDS}/{tail}"
    for wrong in {LISTS, ELEMENT, ATTRIBUTE, "text/xml"} - {right}:
        answer = stage.put(uri, wrong, BILL)
        assert answer.status == 415
        assert right in answer.text


CONFLICTS = {
    "not-xml-frag": ("entry[1]", ELEMENT, b"<entry>"),
    "not-utf-8": ("entry[1]", ELEMENT, b'<entry uri="\xff"/>'),
    "not-xml-att-value": ("entry[1]/@uri", ATTRIBUTE, b"a<b"),
    "cannot-insert": ("entry[1]", ELEMENT, b"<external/>"),
    "schema-validation-error": ("wrong", ELEMENT, b"<wrong/>"),
    "uniqueness-failure": ("entry[2]", ELEMENT, BILL),
}


@pytest.mark.parametrize("kind", CONFLICTS)
def test_conflicts(stage: Stage, kind: str) -> None:
    tail, mimeType, body = CONFLICTS[kind]
    answer = stage.put(f"{FRIENDS}/{tail}", mimeType, body)
    assert (answer.status, answer.get("content-type")) == (409, ERROR)
    assert f"<{kind}" in answer.text
    assert stage.get(INDEX).body == DOCUMENT


def test_whatCannotBeDeleted(stage: Stage) -> None:
    stage.put(f"{FRIENDS}/entry%5B2%5D", ELEMENT, BOB)
    answer = stage.delete(f"{FRIENDS}/entry%5B1%5D")
    assert (answer.status, "<cannot-delete" in answer.text) == (409, True)
    answer = stage.delete(f"{INDEX}/~~/resource-lists")
    assert (answer.status, "<cannot-delete" in answer.text) == (409, True)


def test_aParentThatIsMissing(stage: Stage) -> None:
    """The ancestor is a URI that the client can ask for as it stands."""
    answer = stage.put(f"{FRIENDS}/list%5B@name=%22x%22%5D/entry", ELEMENT, BILL)
    assert answer.status == 409
    ancestor = answer.text.partition("<ancestor>")[2].partition("</ancestor>")[0]
    assert ancestor.startswith(f"http://{HOST}/")
    found = stage.get(ancestor.removeprefix(f"http://{HOST}"))
    assert found.body == stage.get(FRIENDS).body


def test_noDocumentToPutAnElementInto() -> None:
    answer = Stage().put(f"{FRIENDS}/entry", ELEMENT, BILL)
    assert (answer.status, "<no-parent" in answer.text) == (409, True)
    assert "<ancestor" not in answer.text


def test_partsOfADocumentThatIsNotThere() -> None:
    stage = Stage()
    assert stage.get(FRIENDS).status == stage.delete(FRIENDS).status == 404


def test_documentsGrowNoLargerThanTheyMay() -> None:
    stage = Stage(documentSize=len(DOCUMENT) + len(BOB) - 1)
    stage.fill()
    assert stage.put(f"{FRIENDS}/entry%5B2%5D", ELEMENT, BOB).status == 413
    assert stage.get(INDEX).body == DOCUMENT


def test_documentsFromBeforeABoundCanShrink() -> None:
    """It may have been another one when they were put."""
    stage = Stage(documentSize=256)
    stage.fill(DOCUMENT.replace(b"kept", b"kept " * 100))
    assert stage.put(f"{FRIENDS}/entry%5B2%5D", ELEMENT, BOB).status == 413
    assert stage.put(f"{FRIENDS}/entry%5B1%5D", ELEMENT, BOB).status == 200
    assert stage.delete(f"{FRIENDS}/entry").status == 200
