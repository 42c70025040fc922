"""L{sipapp.resources.web.root}: the resources of one HTTP endpoint, side by side."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.web.resource import Resource

from sipapp.resources.web.root import Root
from sipapp.transport.limits import LimitLog, StreamLimits
from sipapp.transport.web import LimitedSite
from tests.support.httptext import Answer, request, takeAnswer


class Place(Resource):
    """Says what it is, and which way is left."""

    def __init__(self, name: str, isLeaf: bool = True) -> None:
        super().__init__()
        self.name = name
        self.isLeaf = isLeaf

    def render_GET(self, request: Any) -> bytes:
        return f"{self.name} {request.prepath} {request.postpath}".encode()


class Served:
    """An IWebResource."""

    def __init__(self, path: str, resource: Resource) -> None:
        self.path = path
        self._resource = resource

    def webResource(self) -> Resource:
        return self._resource


def get(root: Root, target: str) -> Answer:
    clock = Clock()
    site = LimitedSite(clock, root, StreamLimits(), LimitLog(clock.seconds), "test")
    channel = site.buildProtocol(IPv4Address("TCP", "192.0.2.1", 50_000))
    assert channel is not None
    transport = StringTransport()
    channel.makeConnection(transport)
    channel.dataReceived(request("GET", target, "a"))
    taken = takeAnswer(transport.value())
    assert taken is not None
    return taken[0]


@pytest.fixture
def tree() -> Resource:
    tree = Place("tree", isLeaf=False)
    tree.putChild(b"", Place("top"))
    tree.putChild(b"twig", Place("twig"))
    return tree


def test_byTheFirstSegment() -> None:
    root = Root([Served("a", Place("A")), Served("b", Place("B"))])
    assert get(root, "/a").text == "A [b'a'] []"
    assert get(root, "/a/b/").text == "A [b'a'] [b'b', b'']"
    assert get(root, "/b/a?c").text == "B [b'b'] [b'a']"
    assert get(root, "/%61/x").text == "A [b'a'] [b'x']"


@pytest.mark.parametrize("target", ["/", "/c", "//a", "/A", "/c/%3Cscript%3E", "/a%2Fb"])
def test_nothing(target: str) -> None:
    """The page says nothing of what was asked for."""
    answer = get(Root([Served("a", Place("A"))]), target)
    assert answer.status == 404
    assert answer.body == b"There is nothing here.\n"
    assert answer.get("content-type") == "text/plain; charset=utf-8"


def test_theRest() -> None:
    """One whose path is empty has all that no other has."""
    root = Root([Served("", Place("rest")), Served("a", Place("A"))])
    assert get(root, "/a/b").text == "A [b'a'] [b'b']"
    assert get(root, "/").text == "rest [] [b'']"
    assert get(root, "/b/a").text == "rest [] [b'b', b'a']"


def test_aTreeOfItsOwn(tree: Resource) -> None:
    root = Root([Served("a", Place("A")), Served("", tree)])
    assert get(root, "/a").text == "A [b'a'] []"
    assert get(root, "/").text == "top [b''] []"
    assert get(root, "/twig/x").text == "twig [b'twig'] [b'x']"
    below = Root([Served("trees", tree)])
    assert get(below, "/trees/").text == "top [b'trees', b''] []"
    assert get(below, "/trees").text == "tree [b'trees'] []"


@pytest.mark.parametrize("paths", [("a", "b", "a"), ("", ""), ("a/b",)])
def test_inEachOthersWay(paths: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="path"):
        Root([Served(path, Place(path)) for path in paths])
