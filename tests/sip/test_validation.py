"""The checks that every element makes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.sip import (
    MalformedHeader,
    SIPError,
    parseMessage,
    unsupportedExtensions,
    validateRequest,
    validateResponse,
)

from .messages import INVITE, RINGING, bare, invite


def test_soundMessages():
    assert validateRequest(parseMessage(INVITE)) is None
    assert validateRequest(parseMessage(invite())) is None
    assert validateRequest(parseMessage(invite("Route: <sip:a;lr>", "Max-Forwards: 0"))) is None
    assert validateResponse(parseMessage(RINGING)) is None


def _routes(request):
    try:
        return request.routes
    except SIPError:
        return None


@given(
    st.sampled_from(["", "a@", "a,b@", "a;b@", "a?b@", "a:b@", "%41@", "%4@", "a<b@", '"@', "@"]),
    st.sampled_from(
        ["b", "b.c", "192.0.2.1", "192.0.2.256", "[::1]", "b:5060", "b:65536", "b:", ""]
    ),
    st.sampled_from(
        ["", ";lr", ";lr;x", ";lr;lr", ";lr=on", ";a=%41", "?a=b", ";", ";lr=", ",<sip:d>"]
    ),
    st.sampled_from(
        ["<sip:{}>", "<sips:{}>", "<SIP:{}>", "P <sip:{}>", "sip:{}", "<sip:{}>;x", "<{}"]
    ),
)
def test_plainRoutesAreInGoodOrder(user, hostport, more, form):
    """White space after it makes the same Route one that is not plain."""
    route = "Route: " + form.format(f"{user}{hostport}{more}")
    plain, other = (parseMessage(invite(line)) for line in (route, f"{route} "))
    error, expected = validateRequest(plain), validateRequest(other)
    assert (error and str(error)) == (expected and str(expected))
    assert (error is None) == (_routes(plain) is not None)


@pytest.mark.parametrize(
    ("data", "status", "header"),
    [
        (invite("no colon"), 400, None),
        (invite(start="INVITE sip:b@c SIP/3.0"), 505, None),
        (invite(start="INVITE sip: SIP/2.0"), 400, None),
        (invite(start="INVITE sip:b@c?x=y SIP/2.0"), 400, None),
        (invite(start="INVITE sip:b@c;\tlr SIP/2.0"), 400, None),
        (invite(start="INVITE http://b SIP/2.0"), 416, None),
        (invite(start="INVITE tel:+1 SIP/2.0"), 416, None),
        (invite(start="CANCEL sip:b@c SIP/2.0"), 400, "CSeq"),
        (invite(start="invite sip:b@c SIP/2.0"), 400, "CSeq"),
        (invite("From: <sip:x>"), 400, "From"),
        (invite("To: <sip:x>"), 400, "To"),
        (invite("Call-ID: x"), 400, "Call-ID"),
        (invite("CSeq: 1 INVITE"), 400, "CSeq"),
        (invite("Max-Forwards: x"), 400, "Max-Forwards"),
        (invite("Route: <"), 400, "Route"),
        (invite("l: 1"), 400, "Content-Length"),
        (invite("l: x"), 400, "Content-Length"),
        (bare("INVITE sip:b@c SIP/2.0"), 400, "Via"),
        (bare("INVITE sip:b@c SIP/2.0", "Via: x"), 400, "Via"),
    ],
)
def test_firstErrorOfARequest(data, status, header):
    error = validateRequest(parseMessage(data))
    assert error is not None
    assert (error.status, error.header) == (status, header)


def test_syntaxComesBeforeTheScheme():
    data = invite("Max-Forwards: x", start="INVITE http://b SIP/2.0")
    assert validateRequest(parseMessage(data)).status == 400


def test_theVersionComesFirst():
    data = invite("l: x", start="INVITE http://b SIP/3.0")
    assert validateRequest(parseMessage(data)).status == 505


def test_whatOnlyOthersReadIsNotChecked():
    data = invite("Contact: <", "Expires: soon", "Date: today", "Via: broken", "Record-Route: <")
    assert validateRequest(parseMessage(data)) is None


@pytest.mark.parametrize(("line", "header"), [("Contact: <", "Contact"), ("Expires: x", "Expires")])
def test_whatARegistrarReadsIsChecked(line, header):
    data = invite(line, start="REGISTER sip:c SIP/2.0").replace(b"1 INVITE", b"1 REGISTER")
    assert validateRequest(parseMessage(data)).header == header


def test_schemesCanBeWidened():
    request = parseMessage(invite(start="INVITE tel:+1 SIP/2.0"))
    assert validateRequest(request, {"sip", "tel"}) is None
    request = parseMessage(invite(start="INVITE sips:b SIP/2.0"))
    assert validateRequest(request) is None
    assert validateRequest(request, {"sip"}).status == 416


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (invite("no colon", start="SIP/2.0 200 OK"), "not a header field"),
        (invite(start="SIP/7.0 200 OK"), "Version Not Supported"),
        (bare("SIP/2.0 200 OK"), "Via: missing"),
        (invite("From: x", start="SIP/2.0 200 OK"), "From: repeated"),
        (invite("CSeq: 1 X", start="SIP/2.0 200 OK"), "CSeq: repeated"),
        (invite("l: 3", start="SIP/2.0 200 OK"), "longer than the body"),
    ],
)
def test_firstErrorOfAResponse(data, reason):
    assert reason in validateResponse(parseMessage(data))


def test_unsupportedExtensions():
    request = parseMessage(invite("Require: Path, a", "Require: b", "Proxy-Require: c, path"))
    assert unsupportedExtensions(request, {"path"}) == ["a", "b"]
    assert unsupportedExtensions(request, {"path"}, proxy=True) == ["c"]
    assert unsupportedExtensions(parseMessage(invite()), set()) == []


@pytest.mark.parametrize("method", ["ACK", "CANCEL"])
def test_requireIsIgnoredWhereNobodyCouldObey(method):
    request = parseMessage(invite("Require: a", start=f"{method} sip:b@c SIP/2.0"))
    assert unsupportedExtensions(request, set()) == []


def test_malformedRequire():
    with pytest.raises(MalformedHeader) as caught:
        unsupportedExtensions(parseMessage(invite("Require: a b")), set())
    assert caught.value.header == "Require"
