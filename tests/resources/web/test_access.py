"""Tests of C{sipapp.resources.web.access}: who may come in, and as whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from twisted.web.resource import Resource

from sipapp.resources.web.access import Access, AccessSettings
from sipapp.resources.web.later import answerLater
from sipapp.rpc import Role
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.web import LimitedSite
from tests.resources.web.stage import ADDRESS, REALM, Browser, Worker
from tests.support.digest import Digest
from tests.support.httpclient import Basic
from tests.support.httptext import Answer

ELSEWHERE = "203.0.113.0/24"


class Page(Resource):
    """For whoever has the role that the path names; says who that is."""

    isLeaf = True

    def __init__(self, access: Access) -> None:
        super().__init__()
        self._access = access

    def render_GET(self, request: Any) -> int:
        return answerLater(request, self._answer(request))

    async def _answer(self, request: Any) -> bytes | None:
        least: Role = request.postpath[0].decode()
        caller = await self._access.admit(request, least, "web")
        return None if caller is None else msgspec.json.encode(caller)


Opening = Callable[..., Browser]


@pytest.fixture
def open_(tmp_path: Path) -> Iterator[Opening]:
    """Opens a connection to a page with some settings."""
    worker = Worker(tmp_path / "counts")

    def make(user: Digest | Basic | None = None, secure: bool = False, **settings: Any) -> Browser:
        page = Page(Access(AccessSettings(realm=REALM, **settings), worker))
        log = LimitLog(worker.reactor.seconds)
        root = Resource()
        root.putChild(b"page", page)
        worker.site = LimitedSite(worker.reactor, root, StreamLimits(), log, "http test")
        return Browser(worker, user, secure)

    yield make
    worker.close()


def prove(browser: Browser, target: str) -> Answer:
    """Be challenged, and answer."""
    assert isinstance(browser.user, Digest)
    browser.user.challenged(browser.ask("GET", "/page/admin"))
    return browser.prove("GET", target)


def found(answer: Answer) -> Any:
    assert answer.status == 200
    return msgspec.json.decode(answer.body)


def test_anAccount(open_: Opening) -> None:
    browser = open_()
    for role in ("viewer", "operator"):
        assert found(prove(browser, f"/page/{role}")) == {
            "name": "alice",
            "role": "operator",
            "source": ADDRESS,
            "door": "web",
            "through": "",
        }


def test_notEnough(open_: Opening) -> None:
    answer = prove(open_(), "/page/admin")
    assert answer.status == 403
    assert b"admin" in answer.body


def test_noRole(open_: Opening) -> None:
    assert prove(open_(Digest("ren\u00e9", "\u00e9tude")), "/page/viewer").status == 403


def test_noAccount(open_: Opening) -> None:
    browser = open_()
    answer = browser.ask("GET", "/page/viewer")
    assert answer.status == 401
    assert all(REALM in each for each in answer.getAll("www-authenticate"))
    assert prove(open_(Digest("alice", "wrong")), "/page/viewer").status == 401


def test_basic(open_: Opening) -> None:
    basic = Basic("alice", "wonderland")
    answer = open_(basic, secure=True).ask("GET", "/page/viewer", [basic.proof("GET", "/")])
    assert answer.status == 200


def test_viewers(open_: Opening) -> None:
    """Where they are is enough to look, and not for more."""
    browser = open_(viewers=[f"{ADDRESS}/32"])
    answer = browser.ask("GET", "/page/viewer")
    assert found(answer)["name"] == ""
    assert browser.ask("GET", "/page/operator").status == 401
    assert found(prove(browser, "/page/operator"))["name"] == "alice"


def test_viewersWithAName(open_: Opening) -> None:
    """Who says who he is has to prove it, also where he need not have said it."""
    browser = open_(Digest("alice", "wrong"), viewers=["0.0.0.0/0"])
    assert prove(browser, "/page/viewer").status == 401


def test_viewersElsewhere(open_: Opening) -> None:
    assert open_(viewers=[ELSEWHERE]).ask("GET", "/page/viewer").status == 401


def test_sources(open_: Opening) -> None:
    assert open_(sources=[ELSEWHERE]).ask("GET", "/page/viewer").status == 403
    # Not even who may look without a login, or has one.
    assert open_(sources=[ELSEWHERE], viewers=[ADDRESS]).ask("GET", "/page/viewer").status == 403
    browser = open_(sources=[ELSEWHERE, "198.51.100.0/24"])
    assert found(prove(browser, "/page/viewer"))["source"] == ADDRESS


def test_noRealm(tmp_path: Path) -> None:
    worker: Any = Worker(tmp_path / "counts")
    worker.domain = None
    with pytest.raises(ValueError, match="realm"):
        Access(AccessSettings(), worker)
    worker.close()


@pytest.mark.parametrize("name", ["sources", "viewers"])
def test_noNetwork(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=name):
        msgspec.convert({name: ["example.com"]}, AccessSettings)
