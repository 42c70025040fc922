"""Typed values of header fields."""

import pytest

from sipapp.sip import CSeq, MalformedHeader, Message, Via, parseMessage

from .messages import INVITE, RINGING, bare, invite


def test_everyTypedValue():
    message = parseMessage(
        invite(
            "Via: SIP/2.0/TCP x;branch=z9hG4bK2",
            "Contact: <sip:a@a>;q=0.5, <sip:a@b>",
            "Route: <sip:r1;lr>",
            "Route: <sip:r2;lr>",
            "Record-Route: <sip:rr;lr>",
            "Path: <sip:p;lr>",
            "Service-Route: <sip:sr;lr>",
            "Max-Forwards: 70",
            "Expires: 60",
            "Min-Expires: 90",
            "Require: a, b",
            "Require: c",
            "Proxy-Require: d",
            "k: path",
            "Unsupported: e",
            "Allow: INVITE, ACK",
            "Content-Type: Text/Plain;x=y",
            "Content-Length: 0",
        )
    )
    assert message.via.host == "a"
    assert [via.host for via in message.vias] == ["a", "x"]
    assert message.fromHeader.tag == "1"
    assert message.to.tag is None
    assert message.callID == "i"
    assert message.cseq == CSeq(1, "INVITE")
    assert [contact.q for contact in message.contacts] == [0.5, 1.0]
    assert not message.isWildcardContact
    assert [str(route.uri) for route in message.routes] == ["sip:r1;lr", "sip:r2;lr"]
    assert str(message.recordRoutes[0].uri) == "sip:rr;lr"
    assert str(message.path[0].uri) == "sip:p;lr"
    assert str(message.serviceRoute[0].uri) == "sip:sr;lr"
    assert (message.maxForwards, message.expires, message.minExpires) == (70, 60, 90)
    assert message.require == ("a", "b", "c")
    assert message.proxyRequire == ("d",)
    assert message.supported == ("path",)
    assert message.unsupported == ("e",)
    assert message.allow == ("INVITE", "ACK")
    assert message.contentType == "text/plain"
    assert message.contentLength == 0


OPTIONAL_SINGLES = ["maxForwards", "expires", "minExpires", "contentLength", "contentType"]
LISTS = ["contacts", "routes", "recordRoutes", "path", "serviceRoute"]
TOKENS = ["require", "proxyRequire", "supported", "unsupported", "allow"]


def test_whatIsOptionalMayBeMissing():
    message = parseMessage(invite())
    for name in OPTIONAL_SINGLES:
        assert getattr(message, name) is None
    for name in LISTS + TOKENS:
        assert getattr(message, name) == ()
    assert not message.isWildcardContact


def test_emptyTokenListsAreEmpty():
    message = parseMessage(invite("Supported:", "Allow: , INVITE,"))
    assert message.supported == ()
    assert message.allow == ("INVITE",)


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("via", "Via"),
        ("vias", "Via"),
        ("fromHeader", "From"),
        ("to", "To"),
        ("callID", "Call-ID"),
        ("cseq", "CSeq"),
    ],
)
def test_whatIsMandatoryMustBeThere(name, header):
    message = parseMessage(bare("INVITE sip:b@c SIP/2.0", "Subject: x"))
    for _ in range(2):
        with pytest.raises(MalformedHeader) as caught:
            getattr(message, name)
        assert (caught.value.status, caught.value.header) == (400, header)
        assert caught.value.reason == f"Missing {header} Header Field"


@pytest.mark.parametrize(
    ("name", "line", "header"),
    [
        ("fromHeader", "From: <sip:x>", "From"),
        ("to", "t: <sip:x>", "To"),
        ("callID", "i: x", "Call-ID"),
        ("cseq", "CSeq: 1 INVITE", "CSeq"),
        ("contentLength", "l: 0", "Content-Length"),
        ("maxForwards", "Max-Forwards: 1", "Max-Forwards"),
    ],
)
def test_whatIsSingleMustNotBeRepeated(name, line, header):
    message = parseMessage(invite(line, line))
    with pytest.raises(MalformedHeader) as caught:
        getattr(message, name)
    assert (caught.value.status, caught.value.header) == (400, header)
    assert caught.value.reason == f"Repeated {header} Header Field"


MALFORMED = [
    ("via", "Via: x", "Via"),
    ("vias", "Via: x", "Via"),
    ("fromHeader", "From: <sip:>", "From"),
    ("to", 'To: "x', "To"),
    ("callID", "Call-ID: a b", "Call-ID"),
    ("cseq", "CSeq: x", "CSeq"),
    ("contacts", "Contact: <sip:>", "Contact"),
    ("contacts", "Contact: *, <sip:a>", "Contact"),
    ("isWildcardContact", "Contact: *, *", "Contact"),
    ("routes", "Route: <sip:a>,", "Route"),
    ("recordRoutes", "Record-Route: a", "Record-Route"),
    ("path", "Path:", "Path"),
    ("serviceRoute", "Service-Route: <", "Service-Route"),
    ("maxForwards", "Max-Forwards: -1", "Max-Forwards"),
    ("expires", "Expires: x", "Expires"),
    ("minExpires", "Min-Expires:", "Min-Expires"),
    ("contentLength", "Content-Length: x", "Content-Length"),
    ("contentType", "Content-Type: x", "Content-Type"),
    ("require", "Require: a b", "Require"),
    ("proxyRequire", "Proxy-Require: <", "Proxy-Require"),
    ("supported", 'Supported: "', "Supported"),
    ("unsupported", "Unsupported: @", "Unsupported"),
    ("allow", "Allow: é", "Allow"),
]


@pytest.mark.parametrize(("name", "line", "header"), MALFORMED)
def test_malformedValuesFailTheSameWayEachTime(name, line, header):
    message = parseMessage(bare("INVITE sip:b@c SIP/2.0", line))
    errors = []
    for _ in range(3):
        with pytest.raises(MalformedHeader) as caught:
            getattr(message, name)
        errors.append(caught.value)
    assert str(errors[0]) == str(errors[1]) == str(errors[2])
    assert (errors[0].status, errors[0].header) == (400, header)
    assert errors[0].reason == f"Malformed {header} Header Field"
    # Neither do copies know less.
    with pytest.raises(MalformedHeader) as caught:
        getattr(message.copy(), name)
    assert str(caught.value) == str(errors[0])


def test_theTopmostViaIsTheFirstOfItsLine():
    message = parseMessage(
        bare("INVITE sip:b@c SIP/2.0", "Via: SIP/2.0/UDP a, SIP/2.0/UDP b", "Via: broken")
    )
    assert message.via.host == "a"
    assert message.via is message.via
    with pytest.raises(MalformedHeader):
        _ = message.vias


def test_wildcardContact():
    message = parseMessage(invite("m: *"))
    assert message.isWildcardContact
    assert message.contacts == ()


def test_typedValuesAreParsedOnce():
    message = parseMessage(INVITE)
    assert message.to is message.to
    assert message.vias is message.vias
    assert message.copy().to is message.to


def test_copiesShareNothingThatCanBeEdited():
    for data in (INVITE, RINGING):
        message = parseMessage(data)
        message.flow = object()
        assert message.via.host
        copied = message.copy()
        assert copied.flow is message.flow
        copied.prepend("via", "SIP/2.0/UDP other")
        copied.remove("to")
        copied.body = b"more"
        assert copied.via.host == "other"
        assert message.toBytes() == data
        assert message.via.host != "other"
        assert message.to.uri.user == "bob"


def test_assigningABodyCorrectsItsLength():
    message = parseMessage(INVITE)
    message.body = b"hello"
    assert message.body == b"hello"
    assert message.contentLength == 5
    assert message.toBytes().endswith(b"\r\nContent-Length: 5\r\n\r\nhello")
    message = parseMessage(invite("l: 4", "Content-Length: 4", body=b"1234"))
    message.body = b""
    assert message.getAll("content-length") == ["0"]
    message = parseMessage(invite())
    message.body = b"x"
    assert message.contentLength == 1


def test_aMessageOfNoKindHasNoStartLine():
    with pytest.raises(NotImplementedError):
        _ = Message().startLine


@pytest.mark.parametrize(
    ("line", "port", "noted"),
    [
        ("Via: SIP/2.0/UDP a", None, "Via: SIP/2.0/UDP a;received=192.0.2.9"),
        ("v:sip/2.0/udp a ;x=y", None, "v:sip/2.0/udp a ;x=y;received=192.0.2.9"),
        ("Via: SIP/2.0/TCP a", 7, "Via: SIP/2.0/TCP a;received=192.0.2.9;rport=7"),
        ("Via: SIP/2.0/UDP a;rport", 7, "Via: SIP/2.0/UDP a;rport=7;received=192.0.2.9"),
        ("Via: SIP/2.0/UDP a;rport;x", 7, "Via: SIP/2.0/UDP a;rport=7;x;received=192.0.2.9"),
        # These lines are written anew.
        ("Via: SIP/2.0/UDP a; rport", 7, "Via: SIP/2.0/UDP a;rport=7;received=192.0.2.9"),
        ("Via: SIP/2.0/UDP a;rport=5", 7, "Via: SIP/2.0/UDP a;rport=7;received=192.0.2.9"),
        ("Via: SIP/2.0/UDP a;received=b;x", None, "Via: SIP/2.0/UDP a;received=192.0.2.9;x"),
        ('Via: SIP/2.0/UDP a;x=";rport;"', 7,
         'Via: SIP/2.0/UDP a;x=";rport;";received=192.0.2.9;rport=7'),
        ("Via: SIP/2.0/UDP a, SIP/2.0/UDP b", None,
         "Via: SIP/2.0/UDP a;received=192.0.2.9, SIP/2.0/UDP b"),
    ],
)  # fmt: skip
def test_theTopmostViaTellsTheSource(line, port, noted):
    message = parseMessage(bare("OPTIONS sip:a SIP/2.0", line, "Via: SIP/2.0/UDP z"))
    assert message.vias[0].received != "192.0.2.9"
    message.noteSource("192.0.2.9", port)
    assert message.lines == [noted, "Via: SIP/2.0/UDP z"]
    assert message.via == message.vias[0] == parseMessage(message.toBytes()).via
    assert message.via.received == "192.0.2.9"
    assert message.via.rport == (None if port is None else "7")


def test_aMalformedViaTellsNoSource():
    message = parseMessage(bare("OPTIONS sip:a SIP/2.0", "Via: x"))
    with pytest.raises(MalformedHeader):
        message.noteSource("192.0.2.9")
    assert message.lines == ["Via: x"]


@pytest.mark.parametrize("text", [None, "SIP/2.0/UDP x;branch=z9hG4bK2"])
def test_aViaIsPutOnTop(text):
    message = parseMessage(bare("OPTIONS sip:a SIP/2.0", "To: <sip:b>", "v: SIP/2.0/UDP z"))
    assert len(message.vias) == 1
    via = Via("UDP", "x", None, {"branch": "z9hG4bK2"})
    message.pushVia(via, text)
    assert message.lines[1:] == ["Via: SIP/2.0/UDP x;branch=z9hG4bK2", "v: SIP/2.0/UDP z"]
    assert message.via is via
    assert [each.host for each in message.vias] == ["x", "z"]
