"""The web resource itself: how it is made, and what of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from twisted.internet.task import Clock
from twisted.web.resource import IResource
from zope.interface.verify import verifyObject

from sipapp.interfaces import IResourceMaker, IWebResource
from sipapp.resources.xcap import XCAPSettings, xcapMaker
from sipapp.storage import MemoryAccounts, MemoryDocuments, OwnAccounts, newAccount
from sipapp.storage.noncecounts import NonceCounts
from sipapp.transaction import Identifiers


class Worker:
    """What the resource asks a worker for."""

    domains = frozenset({"example.com", "example.net"})
    domain: str | None = "example.com"

    def __init__(self, path: Path) -> None:
        self.reactor = Clock()
        self.identifiers = Identifiers(b"secret", "h0")
        self.accounts = OwnAccounts(MemoryAccounts(newAccount("alice", "example.com", "secret")))
        self.documents = MemoryDocuments()
        self.bans: Any = None
        self.nonceCounts = NonceCounts(path, self.endOfTurn, mapSize=1 << 22)

    def endOfTurn(self, call: Callable[[], object]) -> None:
        call()


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    made = Worker(tmp_path / "noncecounts")
    yield made
    made.nonceCounts.close()


def test_interfaces(worker: Worker) -> None:
    verifyObject(IResourceMaker, xcapMaker)
    resource = xcapMaker.make(XCAPSettings(), worker)
    verifyObject(IWebResource, resource)
    assert (xcapMaker.name, xcapMaker.kind, resource.path) == ("xcap", "web", "xcap-root")
    assert IResource.providedBy(resource.webResource())
    assert (resource.start(), resource.stop()) == (None, None)


def test_usages(worker: Worker) -> None:
    assert xcapMaker.make(XCAPSettings(usages=("resource-lists",)), worker)
    with pytest.raises(msgspec.ValidationError, match=r"usages: there is no .* 'no-such-usage'"):
        msgspec.convert({"usages": ["resource-lists", "no-such-usage"]}, XCAPSettings)


def test_itNeedsADomain(worker: Worker) -> None:
    worker.domain = None
    with pytest.raises(ValueError, match="domain: missing"):
        xcapMaker.make(XCAPSettings(), worker)
    assert xcapMaker.make(XCAPSettings(domain="example.org"), worker)


@pytest.mark.parametrize(
    "table",
    [
        {"path": "a/b"},
        {"path": "a b"},
        {"path": "%41"},
        {"schemes": []},
        {"schemes": ["word"]},
        {"usages": []},
        {"document_size": 0},
        {"documents_per_user": 0},
        {"realms": {"example.com": "a\nb"}},
    ],
)
def test_settingsThatAreNone(table: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(table, XCAPSettings)
