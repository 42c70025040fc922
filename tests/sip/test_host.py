"""Hosts."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.sip import bracketed, normalHost
from sipapp.sip.host import checkHost


@pytest.mark.parametrize(
    ("host", "bare"),
    [
        ("example.com", "example.com"),
        ("example.com.", "example.com."),
        ("192.0.2.1", "192.0.2.1"),
        ("255.255.255.255", "255.255.255.255"),
        ("host1", "host1"),
        ("3f2a9c8b1d2e", "3f2a9c8b1d2e"),
        ("a.b1", "a.b1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[::]", "::"),
        ("[::ffff:192.0.2.1]", "::ffff:192.0.2.1"),
        ("[1:2:3:4:5:6:7:8]", "1:2:3:4:5:6:7:8"),
        ("[1:2:3:4:5:6:192.0.2.1]", "1:2:3:4:5:6:192.0.2.1"),
        # RFC 5118 §4.10
        ("[2001:db8:::192.0.2.1]", "2001:db8::192.0.2.1"),
    ],
)
def test_checkHost(host, bare):
    assert checkHost(host) == bare


@pytest.mark.parametrize(
    "host",
    [
        "256.0.0.1",
        "256.0.0.1.",
        "192.0.2.1.",
        "192.0.2.01",
        "[::192.0.02.1]",
        "1.2.3",
        "1.2.3.4.5",
        "12345",
        "a.123",
        "[::1::2]",
        "[:::1]",
        "[2001:db8:::10]",
        "[1:2:3:4:5:6:7]",
        "[1:2:3:4:5:6:7:8:9]",
        "[12345::]",
        "[::256.0.0.1]",
        "[.]",
        "[:]",
        "[2001:db8::::192.0.2.1]",
        "[2001::1:::192.0.2.1]",
    ],
)
def test_noHost(host):
    with pytest.raises(ValueError, match="not an IP"):
        checkHost(host)


@given(st.ip_addresses(v=6))
def test_everyIPv6AddressPasses(address):
    assert checkHost(f"[{address.compressed}]") == address.compressed
    assert checkHost(f"[{address.exploded}]") == address.exploded


@given(st.text("0123456789abcdef:.", max_size=20))
def test_ipv6PatternAgreesWithTheStandardLibrary(text):
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        if ":::" not in text:
            with pytest.raises(ValueError, match="not an IPv6 address"):
                checkHost(f"[{text}]")
    else:
        assert checkHost(f"[{text}]") == text


def test_bracketed():
    assert bracketed("::1") == "[::1]"
    assert bracketed("example.com") == "example.com"


@pytest.mark.parametrize(
    ("host", "normal"),
    [
        ("Example.COM.", "example.com"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("not:an:address", "not:an:address"),
    ],
)
def test_normalHost(host, normal):
    assert normalHost(host) == normal
