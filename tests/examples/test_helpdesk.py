"""The example of methods in a package of its own: alone, and called on a real server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from pytest_twisted import ensureDeferred
from twisted.internet.defer import Deferred, succeed

from sipapp.rpc import Caller, Forbidden, InvalidParameters, NotFound
from sipapp.rpc.methods import Methods
from sipapp.storage import MemoryDocuments
from sipapp.xcap.names import DocumentName
from tests.conftest import ServerStarter
from tests.support.configuration import DOMAIN, Configuration
from tests.support.digest import Digest
from tests.support.httpclient import HTTPClient
from tests.support.users import addUsers

PACKAGE = Path(__file__).parents[2] / "docs" / "examples" / "helpdesk"

ALICE = "sip:alice@example.com"
VIEWER = Caller("victor", "viewer", "192.0.2.1", "xmlrpc")
OPERATOR = Caller("olga", "operator", "192.0.2.1", "xmlrpc")


class Administration:
    """The methods of a server at which Alice is registered."""

    def call(self, name: str, parameters: Sequence[Any], caller: Caller) -> Deferred[Any]:
        assert name == "location.lookup"
        return succeed([{"contact": "sip:alice@192.0.2.9"}] if parameters == [ALICE] else [])


class Worker:
    """What the help desk asks."""

    domain = "example.com"

    def __init__(self) -> None:
        self.administration = Administration()
        self.documents = MemoryDocuments()


class Audit:
    def __init__(self) -> None:
        self.written: list[str] = []

    def write(
        self, caller: Caller, method: str, parameters: object, outcome: object, seconds: float
    ) -> None:
        self.written.append(f"{caller.name} {method} {outcome!r}")


class Desk:
    """The example, as it is called."""

    def __init__(self, maker: Any) -> None:
        self.worker = Worker()
        self.audit = Audit()
        self._methods = Methods({maker.namespace: maker.make(self.worker)}, self.audit)

    def call(self, caller: Caller, name: str, user: str) -> Deferred[Any]:
        return self._methods.call(caller, f"helpdesk.{name}", [user])

    async def put(self, user: str, path: str, body: bytes) -> None:
        name = DocumentName("resource-lists", user, path)
        await self.worker.documents.replace(name, None, body)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """The example, imported from where it lies."""
    monkeypatch.syspath_prepend(str(PACKAGE))
    import sipapp_helpdesk

    yield Desk(sipapp_helpdesk.helpDesk)
    del sys.modules["sipapp_helpdesk"]


@ensureDeferred
async def test_show(desk: Desk) -> None:
    await desk.put(ALICE, "index", b"<a/>")
    for user in ("alice", ALICE):
        assert await desk.call(VIEWER, "show", user) == {
            "user": ALICE,
            "contacts": ["sip:alice@192.0.2.9"],
            "documents": {"resource-lists/index": 4},
        }
    assert (await desk.call(VIEWER, "show", "bob"))["contacts"] == []


@ensureDeferred
async def test_forget(desk: Desk) -> None:
    await desk.put(ALICE, "index", b"<a/>")
    await desk.put(ALICE, "old", b"<b/>")
    await desk.put("sip:bob@example.com", "index", b"<c/>")
    with pytest.raises(Forbidden):
        await desk.call(VIEWER, "forget", "alice")
    assert await desk.call(OPERATOR, "forget", "alice") == 2
    with pytest.raises(NotFound):
        await desk.call(OPERATOR, "forget", "alice")
    assert len(await desk.worker.documents.entries()) == 1
    assert desk.audit.written[1] == "olga helpdesk.forget 2"


@ensureDeferred
async def test_nobody(desk: Desk) -> None:
    for user in ("", "sip:", "mailto:"):
        with pytest.raises(InvalidParameters):
            await desk.call(VIEWER, "show", user)


def test_onAServer(configuration: Configuration, startServer: ServerStarter) -> None:
    configuration.listen("udp", workers=1)
    endpoint = configuration.listen("http", workers=1, resources=["xmlrpc"])
    addUsers(configuration, {"alice": "wonderland"}, role="viewer")
    startServer(configuration, environment={"PYTHONPATH": str(PACKAGE)})
    call = {"jsonrpc": "2.0", "id": 1, "method": "helpdesk.show", "params": ["alice"]}
    with HTTPClient(endpoint.address, Digest("alice", "wonderland")) as client:
        headers = [("Content-Type", "application/json")]
        answer = client.ask("POST", "/RPC2", headers, json.dumps(call).encode())
    assert json.loads(answer.body)["result"] == {
        "user": f"sip:alice@{DOMAIN}",
        "contacts": [],
        "documents": {},
    }
