"""Calls by JSON-RPC and XML-RPC: what comes is refused in words, or is calls within their bounds;
and what they hold is the same for a client that it is sent back to."""

from __future__ import annotations

import xmlrpc.client
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st

from sipapp.rpc import Fault, InvalidRequest, NotWellFormed, TooMuch, jsonrpc
from sipapp.rpc.bounds import MAX_CALLS, MAX_DEPTH, MAX_VALUES, checkBounds
from sipapp.rpc.xmlrpc import decodeCall, encodeFault, encodeResult
from tests.fuzz.mutation import NUMBERS, SCRAPS
from tests.fuzz.target import Target


def check(data: bytes) -> None:
    """Everything is a body for both."""
    checkJSON(data)
    checkXML(data)


def checkJSON(data: bytes) -> None:
    try:
        calls, isBatch = jsonrpc.decodeRequests(data)
    except Fault as fault:
        checkFault(fault)
        return
    assert 1 <= len(calls) <= (MAX_CALLS if isBatch else 1)
    for call in calls:
        if isinstance(call, jsonrpc.Refused):
            checkFault(call.fault)
            answer = jsonrpc.encodeFault(call.id, call.fault)
            assert jsonrpc.decodeMessage(answer).id == call.id
            continue
        checkBounds(call.parameters)
        if call.isNotification:
            again = jsonrpc.encodeNotification(call.method, call.parameters)
        else:
            again = jsonrpc.encodeCall(call.id, call.method, call.parameters)
        assert jsonrpc.decodeRequests(again).calls == (call,)
        assert b"\n" not in again


def checkXML(data: bytes) -> None:
    try:
        name, parameters = decodeCall(data)
    except Fault as fault:
        checkFault(fault)
        return
    assert name == name.strip()
    # It goes to the parent process as JSON.
    plain = msgspec.json.decode(msgspec.json.encode(parameters))
    assert _depth(plain) <= MAX_DEPTH + 1
    assert _count(plain) <= MAX_VALUES * 2
    (sent,), _ = xmlrpc.client.loads(encodeResult(plain))
    assert sent == plain


def checkFault(fault: Fault) -> None:
    assert type(fault) in (InvalidRequest, NotWellFormed, TooMuch)
    assert fault.text
    answer = jsonrpc.decodeMessage(jsonrpc.encodeFault(None, fault))
    assert isinstance(answer, jsonrpc.Answer)
    assert answer.fault is not None
    try:
        xmlrpc.client.loads(encodeFault(fault))
    except xmlrpc.client.Fault as told:
        assert told.faultCode == answer.fault.code == fault.code


def _depth(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value
    if not isinstance(value, (dict, list)):
        return 0
    return 1 + max(map(_depth, inside), default=0)


def _count(value: Any) -> int:
    inside = value.values() if isinstance(value, dict) else value
    return 1 + (sum(map(_count, inside)) if isinstance(value, (dict, list)) else 0)


def _xml(*values: str) -> bytes:
    parameters = "".join(f"<param><value>{each}</value></param>" for each in values)
    return (
        '<?xml version="1.0"?><methodCall><methodName>pool.resize</methodName>'
        f"<params>{parameters}</params></methodCall>"
    ).encode()


_VALUES = (
    *("text", "<string>a&amp;b</string>", "<int>-5</int>", "<i8>5000000000</i8>", "<nil/>"),
    *("<double>1.5e3</double>", "<boolean>1</boolean>", "<base64>AAE=</base64>", ""),
    "<dateTime.iso8601>20261122T09:00:00</dateTime.iso8601>",
    "<array><data><value>a</value><value><int>1</int></value></data></array>",
    "<struct><member><name>a</name><value><array><data/></array></value></member></struct>",
)
_SEEDS = (
    b'{"jsonrpc": "2.0", "id": 1, "method": "pool.resize", "params": ["udp-0", 4]}',
    b'{"jsonrpc": "2.0", "id": "a", "method": "a.b", "params": {"c": [1.5, null, {"d": true}]}}',
    b'[{"jsonrpc": "2.0", "method": "a"}, {"jsonrpc": "2.0", "id": null, "method": "\\u00e9"}, 1]',
    _xml(*_VALUES),
    *(_xml(value) for value in _VALUES),
)

_PIECES = (
    *SCRAPS,
    *(b"<value>", b"</value>", b"<int>", b"</int>", b"<struct>", b"<data>", b"<member>", b"<!--"),
    *(b"<![CDATA[", b"]]>", b"<!DOCTYPE a>", b"<?a?>", b"&a;", b"&#13;", b"&#xd800;", b"&lt;"),
    *(b"<nil/>", b"<value/>", b"xmlns:ex='a'", b"<ex:nil/>", b"{", b"}", b"[", b"]", b":", b"null"),
    *(b"true", b"NaN", b"1e400", b"\\ud800", b'"id": 1,', b'"params": {}', b'"jsonrpc": "2.0"'),
    *(b"[" * 40, b"<value><array><data>" * 40, b'{"a":' * 40, b"\xef\xbb\xbf"),
)


def mutate(data: bytes, random: Random) -> bytes:
    """Change a place between two marks, where something begins or ends."""
    marks = [at for at, byte in enumerate(data) if byte in b'<>{}[],:"'] or [0]
    at = random.choice(marks) + random.randint(0, 1)
    other = random.choice(marks) + random.randint(0, 1)
    change = random.randrange(5)
    if change == 0:
        return data[:at] + random.choice(_PIECES) + data[at:]
    if change == 1:
        return data[:at] + random.choice(NUMBERS) + data[max(at, other) :]
    if change == 2:
        return data[:at] + data[max(at, other) :]
    if change == 3:
        begin, end = sorted((at, other))
        return data[:end] + data[begin:end] * random.choice((1, 2, 20)) + data[end:]
    return data[:at]


_json = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
    lambda inside: st.one_of(
        st.lists(inside, max_size=4), st.dictionaries(st.text(max_size=5), inside, max_size=4)
    ),
    max_leaves=10,
)
_keys = st.sampled_from(["jsonrpc", "id", "method", "params", "x"])
_calls = st.one_of(
    st.dictionaries(_keys, _json),
    st.builds(
        lambda more, parameters: {"jsonrpc": "2.0", "method": "a", "params": parameters, **more},
        st.dictionaries(_keys, _json, max_size=2),
        st.one_of(st.lists(_json, max_size=3), st.dictionaries(st.text(), _json, max_size=3)),
    ),
)

TARGET = Target(
    what="a body is refused in words, or is calls within their bounds, the same for everybody",
    check=check,
    seeds=_SEEDS,
    inputs=st.one_of(
        st.one_of(_calls, st.lists(_calls, max_size=3)).map(msgspec.json.encode),
        st.lists(st.sampled_from(_VALUES), max_size=4).map(lambda values: _xml(*values)),
        st.text(max_size=20).map(lambda text: _xml(text)),
    ),
    mutate=mutate,
    longest=4096,
)
