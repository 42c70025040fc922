"""Which URIs name this server."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from sipapp.sip import SIPURI, parseURI
from sipapp.transport.endpoints import Endpoint, Endpoints
from sipapp.transport.locality import Locality

ENDPOINTS = [
    Endpoint(0, "UDP", "192.0.2.1", 5060),
    Endpoint(1, "TLS", "192.0.2.1", 5061),
    Endpoint(2, "TCP", "2001:db8::1", 5070, "sip.example.com", 5080),
]


@pytest.mark.parametrize(
    ("text", "isLocal"),
    [
        ("sip:alice@example.com", True),
        ("sips:example.com", True),
        ("sip:alice@EXAMPLE.com.", True),
        ("sip:alice@example.com:5060", True),
        ("sip:alice@example.com:5080", True),
        ("sip:alice@example.com:5090", False),
        ("sip:alice@example.org", False),
        ("sip:192.0.2.1", True),
        ("sips:192.0.2.1", True),
        ("sip:192.0.2.1;transport=tls", True),
        ("sip:192.0.2.1:5062", False),
        ("sip:192.0.2.2", False),
        ("sip:[2001:db8:0::1]:5070", True),
        ("sip:[2001:db8::1]", False),
        ("sip:sip.example.com:5080", True),
        ("sip:sip.example.com", False),
    ],
)
def test_isLocal(text: str, isLocal: bool) -> None:
    locality = Locality({"example.com"}, Endpoints(ENDPOINTS, Clock().seconds))
    uri = parseURI(text)
    assert isinstance(uri, SIPURI)
    assert locality.isLocal(uri) == isLocal


def test_noEndpoints() -> None:
    """A server that speaks no SIP."""
    locality = Locality({"example.com"}, Endpoints([], Clock().seconds))
    assert locality.isLocal(parseURI("sip:alice@example.com"))  # type: ignore[arg-type]
    assert not locality.isLocal(parseURI("sip:192.0.2.1"))  # type: ignore[arg-type]
