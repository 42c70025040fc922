"""Errors know the status they deserve."""

from sipapp.sip import MalformedHeader, MalformedMessage, MalformedURI, SIPError
from sipapp.sip.errors import clip


def test_sipError():
    error = SIPError(483, "detail", "Max-Forwards")
    assert (error.status, error.reason) == (483, "Too Many Hops")
    assert (error.header, error.detail) == ("Max-Forwards", "detail")
    assert str(error) == "483 Too Many Hops: Max-Forwards: detail"


def test_reasonMayBeGiven():
    assert SIPError(400, reason="Missing Something").reason == "Missing Something"
    assert str(SIPError(400, "x")) == "400 Bad Request: x"


def test_malformedHeaderNamesTheHeaderInItsPhrase():
    assert MalformedHeader("x", "To").reason == "Malformed To Header Field"
    assert MalformedHeader("x", "To", "Missing").reason == "Missing"
    assert MalformedHeader("x").reason == "Bad Request"
    assert MalformedHeader("x").status == 400


def test_othersAre400():
    assert MalformedMessage("x").status == 400
    assert MalformedURI("x").status == 400
    assert MalformedURI("x").reason == "Malformed URI"


def test_clipIsShortAndPlain():
    assert clip("a\r\n\udc80é") == ascii("a\r\n\udc80é")
    assert len(clip("x" * 100000)) < 70
    assert clip("x" * 60) == repr("x" * 60)
