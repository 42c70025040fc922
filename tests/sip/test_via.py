"""Via values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.sip import MalformedHeader, Via, parseVia


def test_everyPart():
    via = parseVia(
        "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK87a;received=192.0.2.9;rport=4;maddr=x;ttl=3"
    )
    assert (via.protocol, via.version, via.transport) == ("SIP", "2.0", "UDP")
    assert (via.host, via.port) == ("192.0.2.1", 5070)
    assert via.branch == "z9hG4bK87a"
    assert (via.received, via.rport, via.maddr, via.ttl) == ("192.0.2.9", "4", "x", 3)


def test_leastParts():
    via = parseVia("SIP/2.0/TCP a.example")
    assert (via.host, via.port, via.params) == ("a.example", None, {})
    assert (via.branch, via.received, via.rport, via.maddr, via.ttl) == (None,) * 5


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("SIP  / 2.0  / TCP     spindle.example.com   ; branch  =   z9hG4bK9ikj8",
         "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8"),
        ("sip/2.0/udp a : 5 ;rport", "SIP/2.0/UDP a:5;rport"),
        ("SIP/7.0/UDP c.example.com", "SIP/7.0/UDP c.example.com"),
        ("SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en",
         "SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en"),
        ("SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111",
         "SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111"),
        ("SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
         "SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~"),
        ('SIP/2.0/UDP a;x="y z"', 'SIP/2.0/UDP a;x="y z"'),
    ],
)  # fmt: skip
def test_writtenPlainly(text, written):
    assert str(parseVia(text)) == written


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0/UDP ",
        "SIP/2.0 a",
        "SIP/2.0/UDPa",
        "SIP/2.0/UDP 192.0.2.15;;",
        "SIP/2.0/UDP a;",
        "SIP/2.0/UDP a;branch=",
        "SIP/2.0/UDP a;branch=1;Branch=2",
        "SIP/2.0/UDP a b",
        "SIP/2.0/UDP a:",
        "SIP/2.0/UDP a:65536",
        "SIP/2.0/UDP a:123456",
        "SIP/2.0/UDP a:x",
        "SIP/2.0/UDP [::1",
        "SIP/2.0/UDP ::1",
        "SIP/2.0/UDP [g]",
        "SIP/2.0/UDP 1.2.3.256",
        "SIP/2.0/UDP a,SIP/2.0/UDP b",
        "SIP/2.0/UDP \udc80",
        "SIP/2.0/UDP a\0",
        "SIP//UDP a",
    ],
)
def test_malformed(text):
    with pytest.raises(MalformedHeader) as caught:
        parseVia(text)
    assert (caught.value.status, caught.value.header) == (400, "Via")


@pytest.mark.parametrize(
    ("text", "sentBy"),
    [
        ("SIP/2.0/UDP A.Example", ("a.example", 5060)),
        ("SIP/2.0/TCP a:5070", ("a", 5070)),
        ("SIP/2.0/TLS a", ("a", 5061)),
        ("SIP/2.0/TLS a:5060", ("a", 5060)),
        ("SIP/2.0/UDP [::1]", ("::1", 5060)),
    ],
)
def test_sentBy(text, sentBy):
    assert parseVia(text).sentBy == sentBy


@pytest.mark.parametrize("text", ["received=2001:db8::9:255", "received=[2001:db8::9:255]"])
def test_receivedWithAndWithoutBrackets(text):
    """RFC 5118 §4.5 has both accepted."""
    via = parseVia(f"SIP/2.0/UDP [2001:db8::9:1];{text};branch=z9hG4bKas3")
    assert via.received == "2001:db8::9:255"
    assert via.branch == "z9hG4bKas3"


def test_rport():
    assert parseVia("SIP/2.0/UDP a;rport").rport == ""
    assert parseVia("SIP/2.0/UDP a;rport=5060").rport == "5060"


def test_maddr():
    assert parseVia("SIP/2.0/UDP a;maddr=[ff02::1]").maddr == "ff02::1"


@pytest.mark.parametrize(("text", "ttl"), [("ttl", None), ("ttl=256", None), ("ttl=16", 16)])
def test_ttl(text, ttl):
    assert parseVia(f"SIP/2.0/UDP a;{text}").ttl == ttl


def test_withParams():
    via = parseVia("SIP/2.0/UDP a:5;rport;branch=z9hG4bK1")
    assert str(via.withParams(received="192.0.2.1", rport="6")) == (
        "SIP/2.0/UDP a:5;rport=6;branch=z9hG4bK1;received=192.0.2.1"
    )
    assert str(via.withParams({"x-y": None})) == "SIP/2.0/UDP a:5;rport;branch=z9hG4bK1;x-y"
    assert via.rport == ""


def test_build():
    via = Via("TLS", "::1", 5061, {"branch": "z9hG4bK1"})
    assert str(via) == "SIP/2.0/TLS [::1]:5061;branch=z9hG4bK1"
    assert via == parseVia(str(via))
    assert hash(via) == hash(parseVia(str(via)))
    assert via != Via("TLS", "::1")
    assert via != str(via)
    assert repr(Via("UDP", "a")) == "<Via 'SIP/2.0/UDP a'>"


@given(
    st.sampled_from(["UDP", "TCP", "TLS", "SCTP"]),
    st.sampled_from(["a", "a.b-c", "192.0.2.1", "::1"]),
    st.none() | st.integers(0, 65535),
    st.dictionaries(st.text("abz-", min_size=1), st.none() | st.text("aZ0.:[]", min_size=1)),
)
def test_buildAndParseAreInverse(transport, host, port, params):
    via = parseVia(str(Via(transport, host, port, params)))
    assert (via.transport, via.host, via.port, via.params) == (transport, host, port, params)
