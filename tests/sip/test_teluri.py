"""tel URIs (RFC 3966)."""

import pytest

from sipapp.sip import MalformedURI, TelURI, parseURI


@pytest.mark.parametrize(
    ("text", "number", "params"),
    [
        ("tel:+1-201-555-0123", "+1-201-555-0123", {}),
        (
            "tel:7042;phone-context=example.com",
            "7042",
            {"phone-context": "example.com"},
        ),
        ("TEL:863-1234;Phone-Context=+1-914-555", "863-1234", {"phone-context": "+1-914-555"}),
        ("tel:+1;ext=5;isub", "+1", {"ext": "5", "isub": None}),
        ("tel:*#0a;phone-context=x%41", "*#0a", {"phone-context": "xA"}),
    ],
)
def test_parse(text, number, params):
    uri = parseURI(text)
    assert isinstance(uri, TelURI)
    assert uri.scheme == "tel"
    assert (uri.number, uri.params) == (number, params)
    assert str(uri) == text


@pytest.mark.parametrize(
    "text",
    [
        "tel:",
        "tel:+",
        "tel:+()",
        "tel:--;phone-context=a",
        "tel:x",
        "tel:7042",
        "tel:7042;phone-context",
        "tel:+1;",
        "tel:+1;a;a",
        "tel:+1;a=",
        "tel:+\u0661",
        "tel:+1 2",
        "tel:+a",
    ],
)
def test_malformed(text):
    with pytest.raises(MalformedURI):
        parseURI(text)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("tel:+1-201-555-0123", "tel:+12015550123", True),
        ("tel:+1;a=X;b", "tel:+(1);B;a=x", True),
        ("tel:1a;phone-context=Example.com", "tel:1A;phone-context=example.com", True),
        ("tel:+1", "tel:+2", False),
        ("tel:+1", "tel:+1;a", False),
        ("tel:+1", "sip:+1@b", False),
    ],
)
def test_equivalent(one, other, same):
    assert parseURI(one).equivalent(parseURI(other)) is same


def test_aor():
    assert parseURI("tel:+1-201;ext=3").aor() == "tel:+1201"
    assert parseURI("tel:1-2A;phone-context=B.com").aor() == "tel:12a;phone-context=b.com"


def test_build():
    uri = TelURI("+1", {"a": None, "b": "c d"})
    assert str(uri) == "tel:+1;a;b=c%20d"
    assert str(TelURI("+1")) == "tel:+1"


def test_equality():
    assert parseURI("tel:+1") == TelURI("+1")
    assert hash(parseURI("tel:+1")) == hash(TelURI("+1"))
    assert TelURI("+1") != TelURI("+2")
    assert TelURI("+1") != "tel:+1"
    assert repr(TelURI("+1")) == "<TelURI 'tel:+1'>"
