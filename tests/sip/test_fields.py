"""Header lines: finding, reading, editing."""

import pytest

from sipapp.sip import Request, parseMessage
from sipapp.sip.fields import headerLine

from .messages import invite


def request(*lines):
    """A request that has only these header lines."""
    return Request(
        "INVITE",
        "sip:b@c",
        "SIP/2.0",
        list(lines),
        parseMessage("\r\n".join(("A b SIP/2.0", *lines, "", "")).encode()).names,
        b"",
    )


def test_getFindsTheFirstLineInAnySpelling():
    message = request("v: 1", "To: x", "Via: 2, 3", "X-a : y ")
    assert message.get("via") == message.get("Via") == message.get("V") == "1"
    assert message.get("x-A") == "y"
    assert message.get("subject") is None
    assert message.has("via")
    assert message.has("T")
    assert not message.has("From")


def test_getAllSplitsLists():
    message = request("v: 1", "Via: 2 ,3", "Subject: a, b", "s: c", "Via:")
    assert message.getAll("via") == ["1", "2", "3", ""]
    assert message.getAll("V") == ["1", "2", "3", ""]
    assert message.getAll("subject") == ["a, b", "c"]
    assert message.getAll("route") == []


def test_foldedValuesAreUnfolded():
    message = request("Subject: a\r\n b\r\n\t  c", "Route:\r\n <sip:a>,\r\n <sip:b>")
    assert message.get("subject") == "a b c"
    assert message.getAll("route") == ["<sip:a>", "<sip:b>"]


def test_append():
    message = request("To: x")
    message.append("via", "1")
    message.append("Via", "2")
    message.append("X-Mine", "é\udc80")
    assert message.lines == ["To: x", "Via: 1", "Via: 2", "X-Mine: é\udc80"]
    assert message.names == ["to", "via", "via", "x-mine"]


def test_prependPutsViaFirst():
    message = request("To: x", "Via: 1")
    message.prepend("via", "0")
    assert message.lines == ["To: x", "Via: 0", "Via: 1"]
    message = request("To: x")
    message.prepend("Via", "0")
    assert message.lines == ["Via: 0", "To: x"]


def test_prependPutsOthersBelowTheVias():
    message = request("Via: 1", "v: 2", "To: x")
    message.prepend("record-route", "<sip:a>")
    message.prepend("Record-Route", "<sip:b>")
    assert message.names == ["via", "via", "record-route", "record-route", "to"]
    assert message.lines[2:4] == ["Record-Route: <sip:b>", "Record-Route: <sip:a>"]
    message = request("Via: 1")
    message.prepend("Path", "<sip:a>")
    assert message.lines == ["Via: 1", "Path: <sip:a>"]


def test_setReplacesInPlace():
    message = request("v: 1", "To: x", "Via: 2", "From: y")
    message.set("via", "3")
    assert message.lines == ["Via: 3", "To: x", "From: y"]
    assert message.names == ["via", "to", "from"]
    message.set("To", "z")
    message.set("Expires", "5")
    assert message.lines == ["Via: 3", "To: z", "From: y", "Expires: 5"]
    assert message.names == ["via", "to", "from", "expires"]


def test_remove():
    message = request("v: 1", "To: x", "Via: 2")
    message.remove("V")
    message.remove("subject")
    assert (message.lines, message.names) == (["To: x"], ["to"])


def test_popFirst():
    message = request("Via: 1 , 2,\r\n 3", "To: a, b", "v: 4")
    assert message.popFirst("via") == "1"
    assert message.lines[0] == "Via: 2, 3"
    assert message.popFirst("Via") == "2"
    assert message.popFirst("v") == "3"
    assert message.popFirst("v") == "4"
    assert message.popFirst("to") == "a, b"
    assert (message.lines, message.names) == ([], [])
    with pytest.raises(KeyError):
        message.popFirst("via")


def test_replaceFirst():
    message = request("v: 1, 2", "To: x, y", "Via: 3")
    message.replaceFirst("via", "0")
    message.replaceFirst("To", "z")
    assert message.lines == ["Via: 0, 2", "To: z", "Via: 3"]
    with pytest.raises(KeyError):
        message.replaceFirst("from", "x")


def test_editingForgetsTypedValues():
    message = parseMessage(invite("Route: <sip:r1;lr>, <sip:r2;lr>"))
    assert message.via.host == message.vias[0].host == "a"
    message.prepend("via", "SIP/2.0/UDP b;branch=z9hG4bK2")
    assert message.via.host == "b"
    assert [via.host for via in message.vias] == ["b", "a"]
    message.replaceFirst("via", "SIP/2.0/UDP c;branch=z9hG4bK2")
    assert message.via.host == "c"
    message.popFirst("via")
    assert [via.host for via in message.vias] == ["a"]
    assert len(message.routes) == 2
    message.popFirst("route")
    assert len(message.routes) == 1
    message.remove("route")
    assert message.routes == ()
    message.append("route", "<sip:r3>")
    assert len(message.routes) == 1
    assert message.cseq.number == 1
    message.set("cseq", "2 INVITE")
    assert message.cseq.number == 2


@pytest.mark.parametrize("value", ["a\r\nb", "a\r", "\n", "a\0"])
def test_nothingCanBeInjected(value):
    message = request("Via: x")
    for edit in (message.append, message.prepend, message.set, message.replaceFirst):
        with pytest.raises(ValueError, match="CR, LF or NUL"):
            edit("Via", value)
    assert (message.lines, message.names) == (["Via: x"], ["via"])


@pytest.mark.parametrize("name", ["", "a b", "Via:", "Via\r\nX", "é", "a\0"])
def test_namesAreTokens(name):
    with pytest.raises(ValueError, match="not a header field name"):
        request().append(name, "x")


def test_whatCannotBeEncodedIsRefused():
    with pytest.raises(ValueError, match="surrogates not allowed"):
        headerLine("Subject", "\ud800")
