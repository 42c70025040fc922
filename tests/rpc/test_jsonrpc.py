"""Tests of C{sipapp.rpc.jsonrpc}: the examples of the specification (§7), and what is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec import Struct

from sipapp.rpc import Fault, InvalidRequest, NotFound, NotWellFormed, TooMuch
from sipapp.rpc.bounds import MAX_CALLS, MAX_DEPTH, MAX_VALUES
from sipapp.rpc.jsonrpc import (
    Answer,
    Call,
    Refused,
    decodeMessage,
    decodeRequests,
    encodeBatch,
    encodeCall,
    encodeFault,
    encodeNotification,
    encodeResult,
)


def only(body: bytes) -> Call | Refused:
    calls, isBatch = decodeRequests(body)
    assert not isBatch
    (call,) = calls
    return call


def refusal(body: bytes) -> Refused:
    refused = only(body)
    assert isinstance(refused, Refused)
    return refused


def test_positions() -> None:
    call = only(b'{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}')
    assert call == Call("subtract", [42, 23], 1)


def test_names() -> None:
    body = b'{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42}, "id": "x"}'
    assert only(body) == Call("subtract", {"minuend": 42}, "x")


def test_noParameters() -> None:
    assert only(b'{"jsonrpc": "2.0", "method": "get_data", "id": "9"}') == Call("get_data", [], "9")


def test_notifications() -> None:
    call = only(b'{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}')
    assert isinstance(call, Call)
    assert call.isNotification
    # Not to be recommended, but null is an id (§4).
    asked = only(b'{"jsonrpc": "2.0", "method": "update", "id": null}')
    assert isinstance(asked, Call)
    assert not asked.isNotification


def test_batch() -> None:
    body = b"""[
        {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
        {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
        {"foo": "boo"},
        1
    ]"""
    calls, isBatch = decodeRequests(body)
    assert isBatch
    assert calls[:2] == (
        Call("sum", [1, 2, 4], "1"),
        Call("notify_hello", [7], isNotification=True),
    )
    for refused in calls[2:]:
        assert isinstance(refused, Refused)
        assert isinstance(refused.fault, InvalidRequest)
        assert refused.id is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
        b'[{"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},{"jsonrpc"]',
        *(
            b"",
            b"{",
            b"nothing",
            b"NaN",
            b"{}{}",
            b"\xff",
            b'"\xff"',
            b'"\\ud800"',
            b"\xef\xbb\xbf{}",
        ),
        '{"jsonrpc": "2.0"}'.encode("utf-16"),
    ],
)
def test_notJSON(body: bytes) -> None:
    with pytest.raises(NotWellFormed):
        decodeRequests(body)


@pytest.mark.parametrize(
    ("body", "identifier"),
    [
        (b"1", None),
        (b'"call"', None),
        (b'{"jsonrpc": "2.0", "method": 1, "params": "bar"}', None),
        (b'{"jsonrpc": "2.0", "id": 1}', 1),
        (b'{"jsonrpc": "1.0", "method": "a", "id": 1}', 1),
        (b'{"method": "a", "id": "x"}', "x"),
        (b'{"jsonrpc": "2.0", "method": "a", "params": 1, "id": 1.5}', 1.5),
        (b'{"jsonrpc": "2.0", "method": "a", "params": null, "id": 1}', 1),
        (b'{"jsonrpc": "2.0", "method": "a", "id": [1]}', None),
        (b'{"jsonrpc": "2.0", "method": "a", "id": true}', None),
    ],
)
def test_noCall(body: bytes, identifier: object) -> None:
    refused = refusal(body)
    assert isinstance(refused.fault, InvalidRequest)
    assert refused.id == identifier


def test_emptyBatch() -> None:
    with pytest.raises(InvalidRequest):
        decodeRequests(b"[]")


def test_longBatch() -> None:
    call = encodeCall(1, "a")
    assert len(decodeRequests(encodeBatch([call] * MAX_CALLS)).calls) == MAX_CALLS
    with pytest.raises(TooMuch):
        decodeRequests(encodeBatch([call] * (MAX_CALLS + 1)))


def nested(depth: int) -> bytes:
    """A call whose body has so many arrays and objects in each other."""
    inside = depth - 2
    return encodeCall(1, "a").replace(b"[]", b"[" + b"[" * inside + b"]" * inside + b"]")


def test_depth() -> None:
    assert isinstance(only(nested(MAX_DEPTH)), Call)
    for depth in (MAX_DEPTH + 1, 100_000):
        with pytest.raises(TooMuch):
            decodeRequests(nested(depth))


def test_values() -> None:
    # The four members of the call are values as well.
    assert isinstance(only(encodeCall(1, "a", [1] * (MAX_VALUES - 4))), Call)
    with pytest.raises(TooMuch):
        decodeRequests(encodeCall(1, "a", [1] * MAX_VALUES))
    with pytest.raises(TooMuch):
        decodeRequests(encodeCall(1, "a", [{str(n): 1 for n in range(MAX_VALUES)}]))


def test_result() -> None:
    class Pool(Struct):
        name: str
        size: int

    moment = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    result: Any = [Pool("udp-0", 4), {1}, b"\x00", moment, float("inf"), None]
    assert json.loads(encodeResult("x", result)) == {
        "jsonrpc": "2.0",
        "id": "x",
        "result": [{"name": "udp-0", "size": 4}, [1], "AA==", "2026-11-22T09:00:00Z", None, None],
    }


def test_fault() -> None:
    assert json.loads(encodeFault(None, NotFound("there is no \udcff"))) == {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": 404, "message": "there is no \\udcff"},
    }


def test_oneLine() -> None:
    """A stream of them can be divided at line ends."""
    text = "a\r\nb\u2028\x85"
    for line in (
        encodeCall(1, "a", [text]),
        encodeNotification("a", {"b": text}),
        encodeResult(1, text),
        encodeFault(1, Fault(text)),
    ):
        assert b"\n" not in line
        assert b"\r" not in line


def test_client() -> None:
    assert only(encodeCall(7, "a.b", {"c": 1})) == Call("a.b", {"c": 1}, 7)
    assert decodeMessage(encodeResult(7, [1])) == Answer(7, [1])
    assert decodeMessage(encodeResult(7, None)) == Answer(7)
    assert decodeMessage(encodeNotification("a", [1])) == Call("a", [1], isNotification=True)
    answer = decodeMessage(encodeFault(7, NotFound("gone")))
    assert isinstance(answer, Answer)
    assert answer.fault is not None
    assert (answer.fault.code, answer.fault.text) == (404, "gone")


@pytest.mark.parametrize("body", [b"", b"1", b"{}", b"[" * 100_000, b'{"id": 1}', b'{"error": 1}'])
def test_noAnswer(body: bytes) -> None:
    with pytest.raises(Fault):
        decodeMessage(body)
