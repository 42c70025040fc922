"""Who may do what (RFC 4825 §5.7), and how others are told."""

from __future__ import annotations

import pytest
from twisted.logger import capturedLogs

from sipapp.xcap.names import DocumentName
from sipapp.xcap.usage import ApplicationUsage
from tests.resources.xcap.stage import (
    BOB,
    DOCUMENT,
    ELEMENT,
    FRIENDS,
    INDEX,
    LISTS,
    ROOT,
    Stage,
)
from tests.support.configuration import DOMAIN

METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "DELETE")


def test_whoDoesNotSayWhoHeIs() -> None:
    stage = Stage()
    stage.fill()
    for method in METHODS:
        answer = stage.ask(method, INDEX, [("Content-Type", LISTS)], DOCUMENT, user=None)
        assert answer.status == 401
        assert answer.get("www-authenticate") == f'Word realm="{DOMAIN}"'
        # Whether there is a document is nobody's business.
        assert stage.ask(method, f"{INDEX}2", user=None).status == 401
    assert stage.get(INDEX).body == DOCUMENT


@pytest.mark.parametrize("uri", [INDEX, FRIENDS])
def test_othersDocuments(uri: str) -> None:
    stage = Stage()
    stage.fill()
    for method in METHODS:
        answer = stage.ask(method, uri, [("Content-Type", ELEMENT)], b"<x/>", user="bob")
        assert answer.status == 403, method
        missing = stage.ask(method, uri.replace("index", "other"), user="bob")
        assert missing.status == 403, method
    assert stage.get(INDEX).body == DOCUMENT


def test_globalDocumentsAreReadOnly() -> None:
    stage = Stage()
    stage.fill(name=DocumentName("resource-lists", "", "index"))
    uri = f"{ROOT}/resource-lists/global/index"
    assert stage.get(uri, user="bob").status == 200
    assert stage.put(uri, LISTS, DOCUMENT, user="bob").status == 403
    assert stage.delete(uri, user="bob").status == 403


def test_adminsMayDoEverything() -> None:
    stage = Stage()
    assert stage.put(INDEX, LISTS, DOCUMENT, user="root").status == 201
    assert stage.get(INDEX, user="root").body == DOCUMENT
    uri = f"{ROOT}/resource-lists/global/index"
    assert stage.put(uri, LISTS, DOCUMENT, user="root").status == 201
    assert stage.delete(INDEX, user="root").status == 200
    # What cannot be done cannot be done by them either.
    assert stage.put(f"{ROOT}/xcap-caps/global/index", LISTS, b"", user="root").status == 405


def test_accountsOfAnotherDomain() -> None:
    stage = Stage()
    uri = f"{ROOT}/resource-lists/users/sip:carol@example.net/index"
    assert stage.put(uri, LISTS, DOCUMENT, user="carol@example.net").status == 201
    assert stage.get(uri, user="carol").status == 403


def test_accountsThatAreNoSIPUsers() -> None:
    stage = Stage()
    stage.fill()
    assert stage.get(INDEX, user="sip:").status == 403


def test_bobHasDocumentsToo() -> None:
    stage = Stage()
    stage.fill()
    uri = f"{ROOT}/resource-lists/users/{BOB}/index"
    assert stage.put(uri, LISTS, DOCUMENT, user="bob").status == 201
    assert stage.get(uri, user="bob").body == DOCUMENT
    assert stage.get(uri).status == 403


class Notices(ApplicationUsage):
    """What everybody may read, also who does not say who he is."""

    auid = "notices"
    mimeType = "application/notices+xml"
    namespace = "urn:example:notices"

    def accepts(self, name: DocumentName) -> bool:
        return name.path == "index"

    def mayRead(self, user: str | None, name: DocumentName) -> bool:
        return True


def test_whatEverybodyMayRead() -> None:
    stage = Stage(usage=Notices())
    uri = f"{ROOT}/notices/users/sip:alice@{DOMAIN}/index"
    body = b'<notices xmlns="urn:example:notices"/>'
    assert stage.put(uri, Notices.mimeType, body, user=None).status == 401
    assert stage.put(uri, Notices.mimeType, body).status == 201
    for user in (None, "bob"):
        assert stage.get(uri, user=user).body == body
        assert stage.delete(uri, user=user).status == (403 if user else 401)


def test_namesThatAUsageDoesNotHave() -> None:
    stage = Stage(usage=Notices())
    uri = f"{ROOT}/notices/users/sip:alice@{DOMAIN}/other"
    refused = stage.put(uri, Notices.mimeType, b'<notices xmlns="urn:example:notices"/>')
    assert (refused.status, "<constraint-failure" in refused.text) == (409, True)
    assert stage.get(uri).status == stage.delete(uri).status == 404


def test_nobodyCanTell() -> None:
    stage = Stage()
    stage.fill()
    stage.words[DOMAIN].down = OSError("the accounts are gone")
    with capturedLogs() as captured:
        answer = stage.get(INDEX)
    assert answer.status == 500
    assert "accounts" not in answer.text
    [about] = [event["about"] for event in captured if "log_failure" in event]
    assert about["method"] == "GET"


def realm(stage: Stage, uri: str, host: str | None = None) -> str:
    """
    @return: what somebody has to log in to.
    """
    headers = [] if host is None else [("Host", host)]
    challenge = stage.ask("PUT", uri, headers, b"", user=None).get("www-authenticate")
    assert challenge is not None
    return challenge.split('"')[1]


def test_usersOfEachDomainLogInThere() -> None:
    stage = Stage("example.net", "example.org", realms={"example.org": "Org"})
    for host, expected in {
        DOMAIN: DOMAIN,
        "EXAMPLE.NET": "example.net",
        "example.org": "Org",
        "elsewhere.example": DOMAIN,
        "sub.example.net": DOMAIN,
    }.items():
        assert realm(stage, f"{ROOT}/resource-lists/users/sip:carol@{host}/index") == expected
    assert realm(stage, f"{ROOT}/resource-lists/users/carol/index") == DOMAIN
    uri = f"{ROOT}/resource-lists/users/sip:carol@example.net/index"
    assert stage.put(uri, LISTS, DOCUMENT, user="carol").status == 201
    assert stage.put(uri, LISTS, DOCUMENT, user="carol@example.net").status == 200
    assert stage.put(uri, LISTS, DOCUMENT, user="bob").status == 403
    # She is of another realm: whoever may make accounts in one of them makes none of the other.
    uri = f"{ROOT}/resource-lists/users/sip:carol@{DOMAIN}/index"
    assert stage.put(uri, LISTS, DOCUMENT, user="carol@example.net").status == 403


def test_whatIsNobodysIsForTheUsersOfTheHostsDomain() -> None:
    stage = Stage("example.net", "deep.example.net")
    uri = f"{ROOT}/resource-lists/global/index"
    for host, expected in {
        f"xcap.{DOMAIN}": DOMAIN,
        "xcap.example.net": "example.net",
        "XCAP.Example.Net:8080": "example.net",
        "example.net": "example.net",
        "xcap.deep.example.net": "deep.example.net",
        "notexample.net": DOMAIN,
        "192.0.2.1:8080": DOMAIN,
        "[2001:db8::1]": DOMAIN,
    }.items():
        assert realm(stage, uri, host) == expected
