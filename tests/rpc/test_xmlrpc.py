"""Tests of C{sipapp.rpc.xmlrpc}, against C{xmlrpc.client} and by hand."""

from __future__ import annotations

import xmlrpc.client
from datetime import UTC, datetime
from typing import Any

import pytest

from sipapp.rpc import Fault, InvalidRequest, NotFound, NotWellFormed, TooMuch
from sipapp.rpc.bounds import MAX_DEPTH, MAX_VALUES
from sipapp.rpc.xmlrpc import decodeCall, encodeFault, encodeResult


def callOf(value: str) -> bytes:
    """A call with one parameter, whose C{value} has something in it."""
    return (
        "<methodCall><methodName>a</methodName><params><param>"
        f"<value>{value}</value></param></params></methodCall>"
    ).encode()


def read(value: str) -> Any:
    name, (parameter,) = decodeCall(callOf(value))
    assert name == "a"
    return parameter


def written(result: Any) -> Any:
    """What a client reads."""
    (value,), _ = xmlrpc.client.loads(encodeResult(result), use_builtin_types=True)
    return value


# Reading.


def test_aClientsCall() -> None:
    moment = datetime(2026, 11, 22, 9, 0)
    parameters = (1, -5, 1.5, "a<&> é\t", True, b"\x00\xff", None, [1, [2], {"a": {"b": []}}], "")
    body = xmlrpc.client.dumps((*parameters, moment), "pool.resize", allow_none=True)
    name, found = decodeCall(body.encode())
    assert name == "pool.resize"
    assert found == [*parameters, moment.replace(tzinfo=UTC)]
    assert [type(each) for each in found[:-1]] == [type(each) for each in parameters]


@pytest.mark.parametrize("end", ["", "<params/>", "<params></params>", "<params> </params>"])
def test_noParameters(end: str) -> None:
    assert decodeCall(f"<methodCall><methodName>a</methodName>{end}</methodCall>".encode()) == (
        "a",
        [],
    )


def test_whiteSpace() -> None:
    body = """<?xml version="1.0" encoding='utf-8'?>
    <!-- by hand -->
    <methodCall>
        <methodName> a.b </methodName>
        <params>
            <param>
                <value> <i4> 1 </i4> </value>
            </param>
            <param><value> as it is </value></param>
        </params>
    </methodCall>
    """
    assert decodeCall(body.strip().encode()) == ("a.b", [1, " as it is "])


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("", ""),
        ("text", "text"),
        ("<string></string>", ""),
        ("<string>a<!-- b -->c</string>", "ac"),
        ("<string><![CDATA[<a>]]>&amp;</string>", "<a>&"),
        ("<int>+007</int>", 7),
        ("<i8>9223372036854775807</i8>", 2**63 - 1),
        ("<ex:i8 xmlns:ex='urn:x'>-1</ex:i8>", -1),
        ("<ex:nil xmlns:ex='urn:x'/>", None),
        ("<double>-12.5e3</double>", -12500.0),
        ("<double>.5</double>", 0.5),
        ("<boolean>0</boolean>", False),
        ("<base64>AA\n==</base64>", b"\x00"),
        (
            "<dateTime.iso8601>2026-11-22T10:00:00+01:00</dateTime.iso8601>",
            datetime(2026, 11, 22, 9, tzinfo=UTC),
        ),
        ("<array><data/></array>", []),
        ("<struct/>", {}),
        ("<struct><member><name/><value/></member></struct>", {"": ""}),
    ],
)
def test_values(value: str, meaning: object) -> None:
    found = read(value)
    assert found == meaning
    assert type(found) is type(meaning)


@pytest.mark.parametrize(
    "value",
    [
        *("<int/>", "<int>1.5</int>", "<int>1_0</int>", "<int>9223372036854775808</int>"),
        *("<int>\u0661</int>", f"<int>{'1' * 5000}</int>", "<double>inf</double>"),
        *("<double>1e999</double>", "<double>nan</double>", "<double>1e9999</double>"),
        *("<boolean>2</boolean>", "<boolean>true</boolean>", "<base64>A</base64>"),
        *("<base64>A*==</base64>", "<dateTime.iso8601>now</dateTime.iso8601>", "<nil>0</nil>"),
        "<dateTime.iso8601>0001-01-01T00:00:00+01:00</dateTime.iso8601>",
        *("<dateTime.iso8601/>", "<bigdecimal>1</bigdecimal>", "<value/>", "<string><a/></string>"),
        *("<int>1</int><int>2</int>", "x<int>1</int>", "<int>1</int>x", "<Int>1</Int>"),
        *("<array/>", "<array><data/><data/></array>", "<array><data>x</data></array>"),
        *("<array><data><int>1</int></data></array>", "<array>x<data/></array>"),
        *("<struct>x</struct>", "<struct><member/></struct>", "<struct><value/></struct>"),
        *(
            "<struct><member><name>a</name></member></struct>",
            "<struct><member><value/><name>a</name></member></struct>",
            "<struct><member><name>a</name><value/><value/></member></struct>",
            "<struct><member><name>a</name><int>1</int></member></struct>",
            "<struct><member><name>a<b/></name><value/></member></struct>",
            "<struct>" + "<member><name>a</name><value/></member>" * 2 + "</struct>",
        ),
    ],
)
def test_noValues(value: str) -> None:
    with pytest.raises(InvalidRequest):
        read(value)


@pytest.mark.parametrize(
    "body",
    [
        *(
            "<a/>",
            "<methodCall/>",
            "<methodCall>a</methodCall>",
            "<methodCall><params/></methodCall>",
        ),
        "<methodCall>x<methodName>a</methodName></methodCall>",
        "<methodCall><methodName>a</methodName><params/><params/></methodCall>",
        "<methodCall><methodName>a</methodName><param/></methodCall>",
        "<methodCall><methodName>a</methodName><params><value/></params></methodCall>",
        "<methodCall><methodName>a</methodName><params>x</params></methodCall>",
        "<methodCall><methodName>a</methodName><params><param/></params></methodCall>",
        "<methodCall><methodName>a</methodName><params><param>x<value/></param></params></methodCall>",
        "<methodResponse><params/></methodResponse>",
    ],
)
def test_noCall(body: str) -> None:
    with pytest.raises(InvalidRequest):
        decodeCall(body.encode())


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"<", b"<a>", b"<a/><b/>", b"{}", b"<a>\xff</a>", b"<a>&#0;</a>", b"<a>&b;</a>"),
        b"<!DOCTYPE a><a/>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><methodCall><methodName>&b;</methodName></methodCall>',
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<?xml version='1.0' encoding='latin-1'?><a/>",
        b"<?xml version='1.0' encoding='UTF-7'?><a/>",
        "<?xml version='1.0' encoding='UTF-16'?><a/>".encode("utf-16"),
    ],
)
def test_notXML(body: bytes) -> None:
    with pytest.raises(NotWellFormed):
        decodeCall(body)


@pytest.mark.parametrize(
    ("opened", "closed"),
    [
        ("<array><data><value>", "</value></data></array>"),
        ("<struct><member><name/><value>", "</value></member></struct>"),
    ],
)
def test_depth(opened: str, closed: str) -> None:
    value = read(opened * MAX_DEPTH + closed * MAX_DEPTH)
    for _ in range(MAX_DEPTH):
        (value,) = value.values() if isinstance(value, dict) else value
    assert value == ""
    for depth in (MAX_DEPTH + 1, 50_000):
        with pytest.raises(TooMuch):
            read(opened * depth + closed * depth)
    with pytest.raises(TooMuch):
        decodeCall(b"<a>" * 1000)


def test_count() -> None:
    assert len(read(f"<array><data>{'<value/>' * MAX_VALUES}</data></array>")) == MAX_VALUES
    with pytest.raises(TooMuch):
        read(f"<array><data>{'<value/>' * MAX_VALUES * 5}</data></array>")


# Writing.


def test_aClientsResult() -> None:
    result = [
        1,
        -(2**31),
        2**31,
        -(2**63),
        True,
        1.5,
        1e16,
        "a<&>\r\n é\t",
        "",
        {"x": {}},
        [],
        None,
    ]
    found = written(result)
    assert found == result
    assert [type(each) for each in found] == [type(each) for each in result]


def test_whatXMLHasNot() -> None:
    assert written(["\x00\ud800a\uffff", float("nan"), -float("inf")]) == [
        "\ufffd\ufffda\ufffd",
        None,
        None,
    ]
    assert written(2**70) == float(2**70)


def test_whatClientsHaveNot() -> None:
    moment = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
    assert written([{1}, (2,), {3: 4}]) == [[1], [2], {"3": 4}]
    assert written([moment, b"\x00"]) == ["2026-11-22T09:00:00Z", "AA=="]


def test_fault() -> None:
    with pytest.raises(xmlrpc.client.Fault) as caught:
        xmlrpc.client.loads(encodeFault(NotFound("there is no <pool>")))
    assert (caught.value.faultCode, caught.value.faultString) == (404, "there is no <pool>")


def test_faultsAreNamed() -> None:
    assert str(Fault("strange", 7)) == "7 strange"
