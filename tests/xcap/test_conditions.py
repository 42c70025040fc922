"""Conditional requests (RFC 9110 §13)."""

from __future__ import annotations

import pytest

from sipapp.xcap.conditions import Conditions, NotModified, PreconditionFailed
from sipapp.xcap.errors import XCAPError


def judge(
    match: list[bytes],
    noneMatch: list[bytes],
    etag: str | None,
    exists: bool = True,
    isRead: bool = False,
) -> str:
    """
    @return: what becomes of a request.
    """
    try:
        Conditions(match, noneMatch).check(etag, exists, isRead)
    except PreconditionFailed:
        return "failed"
    except NotModified as unchanged:
        assert unchanged.etag == etag
        return "not modified"
    return "done"


@pytest.mark.parametrize(
    ("match", "etag", "exists", "outcome"),
    [
        ([], None, False, "done"),
        ([b'"a"'], "a", True, "done"),
        ([b'"a"'], "b", True, "failed"),
        ([b'"a"'], None, False, "failed"),
        ([b'"a", "b"'], "b", True, "done"),
        ([b'"a"', b'"b"'], "b", True, "done"),
        ([b', "a" ,,\t"b", '], "b", True, "done"),
        # A weak tag says too little.
        ([b'W/"a"'], "a", True, "failed"),
        ([b'W/"a", "a"'], "a", True, "done"),
        # Tags can hold commas.
        ([b'"a,b"'], "a,b", True, "done"),
        ([b'"a,b"'], "a", True, "failed"),
        ([b"*"], "a", True, "done"),
        ([b" * "], "a", True, "done"),
        ([b"*"], None, False, "failed"),
        # The document is there, but not what the request is for.
        ([b"*"], "a", False, "failed"),
        ([b'"a"'], "a", False, "done"),
        # No tag at all is that of nothing.
        ([b""], "a", True, "failed"),
        ([b" , "], None, False, "failed"),
    ],
)
def test_ifMatch(match: list[bytes], etag: str | None, exists: bool, outcome: str) -> None:
    assert judge(match, [], etag, exists) == outcome


@pytest.mark.parametrize(
    ("noneMatch", "etag", "exists", "holds"),
    [
        ([b'"a"'], "a", True, False),
        ([b'"a"'], "b", True, True),
        ([b'"a"'], None, False, True),
        # A weak tag says enough (RFC 9110 §13.1.2).
        ([b'W/"a"'], "a", True, False),
        ([b'"b", W/"a"'], "a", True, False),
        ([b"*"], "a", True, False),
        ([b"*"], "a", False, True),
        ([b"*"], None, False, True),
        ([b""], "a", True, True),
    ],
)
def test_ifNoneMatch(noneMatch: list[bytes], etag: str | None, exists: bool, holds: bool) -> None:
    assert judge([], noneMatch, etag, exists) == ("done" if holds else "failed")
    assert judge([], noneMatch, etag, exists, isRead=True) == ("done" if holds else "not modified")


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
