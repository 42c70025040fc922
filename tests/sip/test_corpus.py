"""The torture messages of RFC 4475 and RFC 5118 through the parser and the first checks."""

import tomllib
from pathlib import Path

import pytest

from sipapp.sip import (
    MalformedMessage,
    Request,
    Response,
    parseMessage,
    validateRequest,
    validateResponse,
)

CORPUS = Path(__file__).parent.parent / "corpus"
EXPECTED = tomllib.loads((CORPUS / "expected.toml").read_text("utf-8"))


def load(name):
    """The message of that name."""
    return parseMessage((CORPUS / f"{name}.dat").read_bytes())


def test_everyMessageHasItsExpectation():
    files = {str(path.relative_to(CORPUS)) for path in CORPUS.glob("*/*.dat")}
    assert set(EXPECTED) == files
    assert sum(name.startswith("rfc4475/") for name in files) == 49
    assert sum(name.startswith("rfc5118/") for name in files) == 12
    for expected in EXPECTED.values():
        assert set(expected) == {"section", "why", "status", "answer", "by"}


@pytest.mark.parametrize("name", EXPECTED)
def test_outcome(name):
    status = EXPECTED[name]["status"]
    data = (CORPUS / name).read_bytes()
    try:
        message = parseMessage(data)
    except MalformedMessage:
        assert status == "drop"
        return
    if isinstance(message, Response):
        assert (validateResponse(message) is not None) == (status == "drop")
        return
    error = validateRequest(message)
    assert (error.status if error else 0) == status
    # Whatever is wrong with it, it can be answered with its own lines.
    response = parseMessage(message.respond(status or 200, toTag="t").toBytes())
    assert [line for line in response.lines if line in message.lines]
    assert response.status == (status or 200)


# One is no message, and one is more than one.
WHOLE = sorted(set(EXPECTED) - {"rfc4475/bigcode.dat", "rfc4475/dblreq.dat"})


@pytest.mark.parametrize("name", WHOLE)
def test_writtenAsItCame(name):
    data = (CORPUS / name).read_bytes()
    assert parseMessage(data).toBytes() == data


def test_wsinv():
    request = load("rfc4475/wsinv")
    assert request.uri.params == {"unknownparam": None}
    assert request.to.tag == "1918181833n"
    assert request.fromHeader.displayName == 'J Rosenberg \\"'
    assert request.fromHeader.tag == "98asjd8"
    assert request.maxForwards == 68
    assert request.contentLength == len(request.body) == 150
    assert request.cseq == (9, "INVITE")
    assert [str(via) for via in request.vias] == [
        "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw",
        "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8",
        "SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239",
    ]
    assert request.get("subject") == ""
    assert request.get("NewFangledHeader") == "newfangled value continued newfangled value"
    assert request.get("UnknownHeaderWithUnusualValue") == ";;,,;;,;"
    assert request.routes[0].uri.params["unknown-no-value"] is None
    (contact,) = request.contacts
    assert contact.displayName == 'Quoted string ""'
    assert contact.params == {"newparam": "newvalue", "secondparam": None, "q": "0.33"}
    assert contact.q == 0.33


def test_intmeth():
    request = load("rfc4475/intmeth")
    assert request.method == "!interesting-Method0123456789_*+`.%indeed'~"
    assert request.uri.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
    assert request.uri.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
    assert request.to.displayName == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert request.fromHeader.displayName == "token1~` token2'+_ token3*%!.-"
    assert request.fromHeader.params["fromparam''~+*_!.-%"] == "работающий"
    assert request.fromHeader.tag == "_token~1'+`*%!-."
    assert request.callID == "intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{"
    assert request.get("extensionHeader-!.%*+_`'~") == "\ufeff大停電"


def test_esc01():
    request = load("rfc4475/esc01")
    assert request.uri.aor() == "sip:sips:user@example.com@example.net"
    assert request.to.uri.aor() == "sip:user@example.com"
    assert request.fromHeader.uri.aor() == "sip:I have spaces@example.net"
    assert request.contacts[0].uri.params == {"lr": None, "name": "value%41"}


def test_escnull():
    request = load("rfc4475/escnull")
    assert request.to.uri.aor() == "sip:null-\0-null@example.com"
    assert [contact.uri.user for contact in request.contacts] == ["%00", "%00%00"]


def test_esc02():
    request = load("rfc4475/esc02")
    assert request.method == "RE%47IST%45R"
    assert request.to.displayName == "%Z%45"
    assert len(request.contacts) == 2


def test_lwsdisp():
    assert load("rfc4475/lwsdisp").fromHeader.displayName == "caller"


def test_longreq():
    request = load("rfc4475/longreq")
    assert len(request.vias) == 34
    assert request.via.host == "sip33.example.com"
    assert request.vias[-1].branch == "very" + "long" * 50 + "branchvalue"
    assert request.callID == "longreq.one" + "really" * 20 + "longcallid"


def test_dblreq():
    request = load("rfc4475/dblreq")
    assert isinstance(request, Request)
    assert (request.method, request.body) == ("REGISTER", b"")


def test_semiuri():
    uri = load("rfc4475/semiuri").uri
    assert (uri.user, uri.params) == ("user;par=u%40example.net", {})


def test_transports():
    transports = [via.transport for via in load("rfc4475/transports").vias]
    assert transports == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]


def test_mpart01():
    request = load("rfc4475/mpart01")
    assert len(request.body) == request.contentLength == 553
    assert request.contentType == "multipart/mixed"


def test_contactParameters():
    (contact,) = load("rfc4475/cparam01").contacts
    assert (contact.params, contact.uri.params) == ({"unknownparam": None}, {})
    (contact,) = load("rfc4475/cparam02").contacts
    assert (contact.params, contact.uri.params) == ({}, {"unknownparam": None})
    (contact,) = load("rfc4475/regescrt").contacts
    assert contact.uri.headers == "Route=%3Csip:sip.example.com%3E"


def test_inv2543():
    request = load("rfc4475/inv2543")
    assert (request.via.branch, request.fromHeader.tag) == (None, None)
    assert (request.maxForwards, request.contentLength) == (None, None)
    assert request.body.endswith(b"RTP/AVP 0\r\n")
    # The parameter belongs to the To, not to its URI.
    assert request.to.params == {"user": "phone"}


def test_unreason():
    response = load("rfc4475/unreason")
    assert response.reason.startswith("= 2**3 * 5**2 но сто")


def test_ipv6():
    assert load("rfc5118/port-ambiguous").uri.host == "2001:db8::10:5070"
    uri = load("rfc5118/port-unambiguous").uri
    assert (uri.host, uri.port) == ("2001:db8::10", 5070)
    for name in ("with-delim", "no-delim"):
        assert load(f"rfc5118/via-received-param-{name}").via.received == "2001:db8::9:255"
    one, other = load("rfc5118/ipv6-bug-abnf-3-colons"), load("rfc5118/ipv6-correct-abnf-2-colons")
    assert one.uri.equivalent(other.uri)
    assert one.uri.aor() == other.uri.aor() == "sip:user@[2001:db8::c000:201]"
    assert [via.host for via in load("rfc5118/mult-ip-in-header").vias] == [
        "2001:db8::9:1",
        "192.0.2.1",
        "2001:db8::9:255",
    ]
