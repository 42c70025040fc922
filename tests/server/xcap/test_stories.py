"""Every example of RFC 4825 and RFC 4826, over real HTTP: what one worker is asked to do, the other
one is asked about.

Besides what a story says of a request, everything that holds for each request is looked at: GET
after PUT gives what was put, GET after DELETE nothing, a request that fails changes nothing, the
entity tag changes exactly when the document does, and who says the same again gets the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree

import sipapp.xcap
from sipapp.storage import newAccount
from sipapp.storage.accountfile import AccountFile
from tests.conftest import ServerStarter
from tests.server.xcap.stories import SERVER, STORIES, Step, story
from tests.support.configuration import Configuration
from tests.support.httptext import Answer
from tests.support.server import Server
from tests.support.users import addUsers
from tests.support.xcapclient import PASSWORD, XCAPClients

DOMAIN = "example.com"
HOST = "xcap.example.com"
USERS = ("bill", "bob", "joe", "professor")

#: The media type of a part of a document, by what its selector ends with.
ELEMENT, ATTRIBUTE = "application/xcap-el+xml", "application/xcap-att+xml"
CONFLICT = "application/xcap-error+xml"
ERRORS = "{urn:ietf:params:xml:ns:xcap-error}"


@pytest.fixture(scope="module")
def clients(
    sharedConfiguration: Configuration, startSharedServer: ServerStarter
) -> Iterator[XCAPClients]:
    """The users of a server with two workers, whose XCAP root is the one of the examples."""
    configuration = sharedConfiguration
    configuration.table("server", domains=[DOMAIN])
    configuration.table("resource.xcap", path="")
    endpoint = configuration.listen("http", workers=2, resources=["xcap"])
    addUsers(configuration, dict.fromkeys(USERS, PASSWORD), DOMAIN)
    with AccountFile(configuration.stateDirectory / "accounts.db") as file:
        file.add(newAccount(SERVER, DOMAIN, PASSWORD, "admin"))
    usages = Path(__file__).parent / "usages"
    server: Server = startSharedServer(configuration, environment={"PYTHONPATH": str(usages)})
    clients = XCAPClients(server, "http-0", endpoint.address, HOST)
    yield clients
    clients.close()


@dataclass(frozen=True)
class Document:
    """What is there of a document: C{None} and nothing if it is not there."""

    etag: str | None
    body: bytes


class Play:
    """The playing of a story."""

    def __init__(self, clients: XCAPClients) -> None:
        self._clients = clients
        self._turn = 0
        self._former: dict[str, str | None] = {}

    def ask(self, user: str, method: str, target: str, *more: object) -> Answer:
        """Ask the other worker than the last time."""
        self._turn += 1
        worker = self._turn % len(self._clients.workers)
        return self._clients.client(user, worker).ask(method, target, *more)  # type: ignore[arg-type]

    def look(self, step: Step) -> Document:
        """
        @return: the document that it is about.
        """
        answer = self.ask(step.owner, "GET", step.document)
        if answer.status == 200:
            return Document(answer.etag, answer.body)
        assert answer.status == 404, answer
        return Document(None, b"")

    def empty(self, steps: list[Step]) -> None:
        """Begin without the documents of the story."""
        for step in {step.document: step for step in steps}.values():
            if "/users/" in step.document:
                self.ask(step.owner, "DELETE", step.document)
                assert self.look(step) == Document(None, b""), step.document

    def act(self, step: Step) -> None:
        before = self.look(step)
        body = None if step.body is None else step.body.encode()
        headers = [(name, self._tags(value, step, before)) for name, value in step.when.items()]
        if body is not None and step.type is not None:
            headers.append(("Content-Type", step.type))
        user = step.user or step.owner
        answer = self.ask(user, step.method, step.target, headers, body)
        assert answer.status == step.status, (answer, before)
        after = self.look(step)
        assert (after.etag == before.etag) == (after.body == before.body)
        if after != before:
            self._former[step.document] = before.etag
        if answer.status < 300:
            getattr(self, f"_has{step.method.title()}")(step, user, answer, after)
        else:
            assert after == before
            self._hasFailed(step, answer, before)
        if step.allow:
            allowed = (answer.get("allow") or "").replace(",", " ").split()
            assert set(step.allow) <= set(allowed)
            assert answer.status != 405 or step.method not in allowed
        if step.leaves is not None:
            assert after.body == step.leaves.encode()
        if step.then is not None:
            assert self.ask(user, step.then, step.target).status == 200
            assert self.look(step) == before

    def _tags(self, value: str, step: Step, now: Document) -> str:
        """
        @return: the value of a condition, its entity tags for their names.
        """
        tags = {"now": now.etag, "before": self._former.get(step.document)}
        return re.sub(r"\b(now|before)\b", lambda found: tags[found[1]] or "", value)

    def _hasGet(self, step: Step, user: str, answer: Answer, now: Document) -> None:
        assert answer.etag == now.etag
        if step.type is not None:
            assert answer.get("content-type") in (step.type, f"{step.type}; charset=utf-8")
        if step.gives is not None:
            assert answer.body == step.gives.encode()
        if step.means is not None:
            found, meant = (etree.fromstring(each) for each in (answer.body, step.means.encode()))
            assert _meaning(found) == _meaning(meant)
        if step.element is not None:
            # RFC 4825 §10: an element of the same name, and a declaration for each binding.
            assert re.match(r"<([\w:]+)", answer.text)[1] == step.element  # type: ignore[index]
            found = re.findall(r"""\sxmlns(?::([\w-]+))?=["']([^"']*)["']""", answer.text)
            assert dict(found) == step.bindings
        # RFC 4825 §9: what is between here and the client does not know what belongs together.
        assert "no-cache" in (answer.get("cache-control") or "")

    def _hasHead(self, step: Step, user: str, answer: Answer, now: Document) -> None:
        self._hasGet(step, user, answer, now)
        assert int(answer.get("content-length") or -1) == len(now.body)

    def _hasOptions(self, step: Step, user: str, answer: Answer, now: Document) -> None:
        """What there is to say of it is in the story."""

    def _hasPut(self, step: Step, user: str, answer: Answer, now: Document) -> None:
        assert step.body is not None
        assert answer.etag == now.etag
        # RFC 4825 §8.2.7.
        assert answer.status == 201 or answer.body == b""
        found = self.ask(user, "GET", step.target)
        assert (found.status, found.body) == (200, step.body.encode())
        if "/~~/" in step.target:
            isAttribute = (
                "@" in step.target.partition("?")[0].rpartition("/")[2].partition("%5b")[0]
            )
            assert found.get("content-type") == (ATTRIBUTE if isAttribute else ELEMENT)
        if not step.when:
            headers = [("Content-Type", step.type)]
            again = self.ask(user, "PUT", step.target, headers, step.body.encode())
            assert (again.status, again.etag) == (200, now.etag)
            assert self.look(step) == now

    def _hasDelete(self, step: Step, user: str, answer: Answer, now: Document) -> None:
        assert answer.get("etag") == now.etag
        assert self.ask(user, "GET", step.target).status == 404
        if not step.when:
            assert self.ask(user, "DELETE", step.target).status == 404
            assert self.look(step) == now

    def _hasFailed(self, step: Step, answer: Answer, now: Document) -> None:
        if answer.status == 304:
            assert (answer.etag, answer.body) == (now.etag, b"")
        if answer.status != 409:
            return
        assert answer.get("content-type") == CONFLICT
        error = etree.fromstring(answer.body)
        _errorSchema().assertValid(error)
        (found,) = error
        assert found.tag.removeprefix(ERRORS) in step.conflict
        if step.alternatives:
            assert [value.text for value in found.iter(f"{ERRORS}alt-value")]
        if step.ancestor is not None:
            uri = urlsplit(found.findtext(f"{ERRORS}ancestor"))
            assert (uri.scheme, uri.netloc, uri.path) == ("http", HOST, step.ancestor)
            assert self.ask(step.owner, "GET", f"{uri.path}?{uri.query}").status == 200


def _meaning(element: etree._Element) -> tuple[object, ...]:
    """
    @return: the element without what makes no difference.
    """
    text = (element.text or "").strip()
    return element.tag, dict(element.attrib), text, [_meaning(child) for child in element]


def _errorSchema() -> etree.XMLSchema:
    path = Path(*sipapp.xcap.__path__) / "schemas" / "xcap-error.xsd"
    return etree.XMLSchema(etree.parse(str(path)))


@pytest.mark.parametrize("name", STORIES)
def test_story(clients: XCAPClients, name: str) -> None:
    steps = story(name)
    play = Play(clients)
    # What another story has left would be in the index of all.
    for each in STORIES:
        play.empty(story(each))
    for number, step in enumerate(steps, 1):
        try:
            play.act(step)
        except AssertionError as error:
            error.add_note(f"at request {number}: {step.what}: {step.line}")
            raise
