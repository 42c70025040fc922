"""Conditional requests (RFC 9110 §13)."""

from __future__ import annotations

import pytest

from sipapp.xcap.conditions import Conditions, NotModified, PreconditionFailed
from sipapp.xcap.errors import XCAPError


def judge(
    match: list[bytes],
    noneMatch: list[bytes],
    etag: str | None,
    isRead: bool = False,
) -> str:
    """
    @return: what becomes of a request.
    """
    try:
        Conditions(match, noneMatch).check(etag, isRead)
    except PreconditionFailed:
        return "failed"
    except NotModified as unchanged:
        assert unchanged.etag == etag
        return "not modified"
    return "done"


@pytest.mark.parametrize(
    ("match", "etag", "outcome"),
    [
        ([], None, "done"),
        ([b'"a"'], "a", "done"),
        ([b'"a"'], "b", "failed"),
        ([b'"a"'], None, "failed"),
        ([b'"a", "b"'], "b", "done"),
        ([b'"a"', b'"b"'], "b", "done"),
        ([b', "a" ,,\t"b", '], "b", "done"),
        # A weak tag says too little.
        ([b'W/"a"'], "a", "failed"),
        ([b'W/"a", "a"'], "a", "done"),
        # Tags can hold commas.
        ([b'"a,b"'], "a,b", "done"),
        ([b'"a,b"'], "a", "failed"),
        ([b"*"], "a", "done"),
        ([b" * "], "a", "done"),
        ([b"*"], None, "failed"),
        # No tag at all is that of nothing.
        ([b""], "a", "failed"),
        ([b" , "], None, "failed"),
    ],
)
def test_ifMatch(match: list[bytes], etag: str | None, outcome: str) -> None:
    assert judge(match, [], etag) == outcome


@pytest.mark.parametrize(
    ("noneMatch", "etag", "holds"),
    [
        ([b'"a"'], "a", False),
        ([b'"a"'], "b", True),
        ([b'"a"'], None, True),
        # A weak tag says enough (RFC 9110 §13.1.2).
        ([b'W/"a"'], "a", False),
        ([b'"b", W/"a"'], "a", False),
        ([b"*"], "a", False),
        ([b"*"], None, True),
        ([b""], "a", True),
    ],
)
def test_ifNoneMatch(noneMatch: list[bytes], etag: str | None, holds: bool) -> None:
    assert judge([], noneMatch, etag) == ("done" if holds else "failed")
    assert judge([], noneMatch, etag, isRead=True) == ("done" if holds else "not modified")


def test_ifMatchComesFirst() -> None:
    assert judge([b'"b"'], [b'"a"'], "a", isRead=True) == "failed"
    assert judge([b'"a"'], [b'"a"'], "a", isRead=True) == "not modified"


@pytest.mark.parametrize(
    "value",
    [b"a", b'"a', b'a"', b'"a" "b"', b'w/"a"', b'"a", *', b'*, "a"', b'"a b"', b'"a";', b"\xff"],
)
def test_whatIsNoListOfTags(value: bytes) -> None:
    for match, noneMatch in (([value], []), ([], [value])):
        with pytest.raises(XCAPError) as caught:
            Conditions(match, noneMatch)
        assert caught.value.status == 400


def test_longListsAreReadInOneGo() -> None:
    tags = b", ".join([b'"%d"' % number for number in range(1000)])
    assert judge([tags], [], "999") == "done"
    assert judge([b"," * 8000 + b'"a"' + b" \t" * 4000], [], "a") == "done"
    with pytest.raises(XCAPError):
        Conditions([b" ," * 8000 + b"a"], [])
