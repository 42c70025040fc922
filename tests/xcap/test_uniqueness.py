"""Values that have to be unique, and how a client is told which are not (RFC 4825 §11.2)."""

from __future__ import annotations

import pytest

from sipapp.xcap.document import Document
from sipapp.xcap.errors import UniquenessFailure
from sipapp.xcap.selector import parseSelector
from sipapp.xcap.uniqueness import Duplicates, numbered, pointTo
from sipapp.xcap.validation import parse


def test_aSelectorOfEach() -> None:
    body = b'<a xmlns="u:a"><b/><b><c xmlns="u:x"/><b xmlns="u:z" d="e"/></b></a>'
    (element,) = (each for each in parse(body).iter() if each.get("d"))
    field = pointTo(element, "d", "u:a")
    assert field == "a/b%5B2%5D/n0:b/@d?xmlns(n0=u:z)"
    path, _, query = field.partition("?")
    selector = parseSelector(f"usage/global/index/~~/{path}", query).node
    assert selector is not None
    found = Document(body).find(selector.resolved("u:a"))
    assert found is not None


def test_tenAreNamed() -> None:
    """To point to one takes time, and there may be many."""
    root = parse(b"<a>" + b'<b c="d"/>' * 100 + b"</a>")
    duplicates = Duplicates("")
    for _ in range(2):
        duplicates.among(root, "c")
    with pytest.raises(UniquenessFailure, match="line 1: d is there already") as caught:
        duplicates.refuse()
    fields = [field for field, _ in caught.value.fields]
    assert fields == [f"a/b%5B{position}%5D/@c" for position in range(2, 12)]


def test_byAKey() -> None:
    duplicates = Duplicates("")
    duplicates.among(parse(b'<a><b c="d"/><b c="D"/></a>'), "c", str.lower, numbered)
    with pytest.raises(UniquenessFailure) as caught:
        duplicates.refuse()
    assert caught.value.fields == (("a/b%5B2%5D/@c", ("D-2",)),)


def test_identifiers() -> None:
    """XML Schema part 2, §4.3.6: what is around one does not tell it from another."""
    duplicates = Duplicates("")
    duplicates.amongIdentifiers(parse(b"<a><b id='c'/><b id='c-2'/><b id=' c&#10;'/></a>"))
    with pytest.raises(UniquenessFailure) as caught:
        duplicates.refuse()
    assert caught.value.fields == (("a/b%5B3%5D/@id", ("c-3",)),)


def test_whatIsNotThereIsNotTwice() -> None:
    duplicates = Duplicates("")
    duplicates.among(parse(b"<a><b/><b/></a>"), "c")
    duplicates.refuse()


def test_numbered() -> None:
    assert numbered("a", {"a", "a-2", "a-3"}) == ("a-4",)
    assert numbered("a", {f"a-{number}" for number in range(1000)}) == ()
