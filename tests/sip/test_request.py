"""Requests, and the responses that are made from them."""

import pytest

from sipapp.sip import (
    HeaderLines,
    MalformedURI,
    Request,
    Response,
    SIPError,
    parseMessage,
    parseURI,
)
from sipapp.sip.digest import Identity

from .messages import INVITE, bare, invite


def test_parts():
    request = parseMessage(INVITE)
    assert isinstance(request, Request)
    assert (request.method, request.version) == ("INVITE", "SIP/2.0")
    assert request.requestURI == "sip:bob@biloxi.example.com"
    assert request.uri.user == "bob"
    assert request.uri is request.uri
    assert request.startLine == "INVITE sip:bob@biloxi.example.com SIP/2.0"
    assert repr(request) == "<Request INVITE 'sip:bob@biloxi.example.com'>"


def test_nothingInAMessageAuthenticatesIt():
    request = parseMessage(invite("Authorization: Digest username=a, realm=b"))
    assert request.authenticated is None
    request.authenticated = Identity("alice", "example.com")
    assert str(request.copy().authenticated) == "alice@example.com"
    assert b"alice@example.com" not in request.toBytes()


def test_requestURICanBeAssigned():
    request = parseMessage(INVITE)
    assert request.uri.host == "biloxi.example.com"
    copied = request.copy()
    copied.requestURI = "sip:bob@192.0.2.4"
    assert copied.uri.host == "192.0.2.4"
    assert copied.toBytes() == INVITE.replace(
        b"INVITE sip:bob@biloxi.example.com", b"INVITE sip:bob@192.0.2.4"
    )
    assert request.uri.host == "biloxi.example.com"


@pytest.mark.parametrize("text", ["", "sip:a b", "sip:a\r\nX: y", "sip:a\0", "\x7f", "sip:\ud800"])
def test_requestURICannotLeaveItsPlace(text):
    request = parseMessage(INVITE)
    with pytest.raises(ValueError, match=r"not a Request-URI|surrogates"):
        request.requestURI = text
    assert request.toBytes() == INVITE


def test_malformedURIFailsTheSameWayEachTime():
    request = parseMessage(invite(start="INVITE <sip:b@c> SIP/2.0"))
    errors = []
    for _ in range(2):
        with pytest.raises(MalformedURI) as caught:
            _ = request.uri
        errors.append(caught.value)
    assert str(errors[0]) == str(errors[1])
    request.requestURI = "sip:b@c"
    assert request.uri.user == "b"


def test_oddStartLinesAreForgottenWithTheirURI():
    request = parseMessage(invite(start="INVITE  sip:b@c SIP/2.0"))
    assert request.startLine == "INVITE  sip:b@c SIP/2.0"
    assert request.copy().startLine == request.startLine
    request.requestURI = "sip:d@e"
    assert request.startLine == "INVITE sip:d@e SIP/2.0"


def test_build():
    request = Request.build(
        "OPTIONS", parseURI("sip:a@b"), [("via", "SIP/2.0/UDP c"), ("X-y", "z")], b"hello"
    )
    assert request.toBytes() == (
        b"OPTIONS sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP c\r\nX-y: z\r\nContent-Length: 5\r\n\r\nhello"
    )
    assert request.via.host == "c"
    assert request.defect is None
    assert request.flow is None


def test_buildTakesAGivenContentLength():
    request = Request.build("A", "sip:a", [("l", "0")])
    assert request.toBytes() == b"A sip:a SIP/2.0\r\nl: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "uri", "headers"),
    [
        ("A B", "sip:a", []),
        ("", "sip:a", []),
        ("A", "sip:a b", []),
        ("A", "sip:a", [("X", "a\r\nb")]),
        ("A", "sip:a", [("X:", "a")]),
    ],
)
def test_buildRefusesWhatWouldBreakTheMessage(method, uri, headers):
    with pytest.raises(ValueError, match=r"is not a|CR, LF or NUL"):
        Request.build(method, uri, headers)


def test_respond():
    request = parseMessage(
        bare(
            "INVITE sip:b@c SIP/2.0",
            "v: SIP/2.0/UDP a ;\r\n  branch=z9hG4bK1",
            "Max-Forwards: 70",
            "f: <sip:a@a>;tag=1",
            "Via  : SIP/2.0/UDP b",
            "t: B\r\n <sip:b@c>",
            "i: \udc80",
            "CSeq: 1   INVITE",
            "Timestamp: 54",
            "Contact: <sip:a@a>",
        )
    )
    response = request.respond(180, toTag="t1", headers=[("contact", "<sip:b@d>")])
    assert isinstance(response, Response)
    assert response.toBytes() == (
        b"SIP/2.0 180 Ringing\r\n"
        b"v: SIP/2.0/UDP a ;\r\n  branch=z9hG4bK1\r\n"
        b"f: <sip:a@a>;tag=1\r\n"
        b"Via  : SIP/2.0/UDP b\r\n"
        b"t: B\r\n <sip:b@c>;tag=t1\r\n"
        b"i: \x80\r\n"
        b"CSeq: 1   INVITE\r\n"
        b"Contact: <sip:b@d>\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    assert response.to.tag == "t1"
    assert len(response.vias) == 2


def test_whatIsCopiedFromManyLines():
    vias = [f"Via: SIP/2.0/UDP h{number}" for number in range(50)]
    request = parseMessage(invite("To: <sip:x@y>", *vias))
    response = request.respond(200, toTag="t")
    assert response.names.count("via") == 51
    assert response.getAll("to") == ["<sip:b@c>;tag=t"]
    assert request.respond(404, toTag="u").getAll("to") == ["<sip:b@c>;tag=u"]


def test_timestampIsCopiedTo100():
    request = parseMessage(invite("Timestamp: 54"))
    assert request.respond(100).get("timestamp") == "54"
    assert request.respond(200).get("timestamp") is None


def test_reasonAndBody():
    response = parseMessage(invite()).respond(486, "Not Now", body=b"why")
    assert response.startLine == "SIP/2.0 486 Not Now"
    assert response.toBytes().endswith(b"Content-Length: 3\r\n\r\nwhy")
    assert parseMessage(invite()).respond(200, "").startLine == "SIP/2.0 200 "
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        parseMessage(invite()).respond(200, "a\r\nb")


def test_headersThatAreAlwaysTheSame():
    request = parseMessage(INVITE)
    headers = [("Allow", "INVITE, ACK"), ("k", "path")]
    ready = HeaderLines(headers)
    response = request.respond(200, headers=ready)
    assert response.toBytes() == request.respond(200, headers=headers).toBytes()
    assert response.supported == ("path",)
    response.remove("allow")
    assert ready.names == ["allow", "supported"]
    assert request.respond(200, headers=ready).allow == ("INVITE", "ACK")


@pytest.mark.parametrize(
    ("to", "answered"),
    [
        ("To: <sip:b@c>", "To: <sip:b@c>;tag=new"),
        ("To: sip:b@c", "To: sip:b@c;tag=new"),
        ("To: sip:stage@c", "To: sip:stage@c;tag=new"),
        ("To: <sip:b@c;tag=x>", "To: <sip:b@c;tag=x>;tag=new"),
        ("To: <sip:b@c>;tag=old", "To: <sip:b@c>;tag=old"),
        # Two of them would make the response malformed.
        ("To: <sip:b@c>;tag", "To: <sip:b@c>;tag"),
        ("To: <sip:b@c> ;TAG = old", "To: <sip:b@c> ;TAG = old"),
        # One that cannot be understood is left alone if there may be a tag in it.
        ('To: "x <sip:b@c>', 'To: "x <sip:b@c>;tag=new'),
        ('To: "x <sip:b@c>;tag=old', 'To: "x <sip:b@c>;tag=old'),
    ],
)
def test_toTagIsAddedWhereThereIsNone(to, answered):
    request = parseMessage(bare("INVITE sip:b@c SIP/2.0", to))
    assert request.respond(200, toTag="new").lines[0] == answered
    assert request.respond(200).lines[0] == to


def test_repeatedLinesAreCopiedOnce():
    request = parseMessage(invite("From: <sip:x@y>", "To: <sip:z>", "Call-ID: j", "CSeq: 2 X"))
    assert request.respond(400).names == [
        "via",
        "from",
        "to",
        "call-id",
        "cseq",
        "content-length",
    ]


def test_aDefectDoesNotReachTheResponse():
    request = parseMessage(invite("Via: SIP/2.0/UDP x\nEvil: 1\0\r2\r\n 3"))
    assert request.defect is not None
    assert request.respond(400).getAll("via")[-1] == "SIP/2.0/UDP x Evil: 1  2 3"


def test_refuse():
    response = parseMessage(invite()).refuse(SIPError(483, "why"), "t")
    assert response.startLine == "SIP/2.0 483 Too Many Hops"
    assert response.to.tag == "t"


def test_expiresIsReadOnce():
    request = parseMessage(invite("Expires: 60"))
    assert [request.expires, request.expires] == [60, 60]
