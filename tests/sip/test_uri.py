"""URIs of schemes that nobody here knows."""

import pytest

from sipapp.sip import MalformedURI, OtherURI, parseURI


@pytest.mark.parametrize(
    ("text", "scheme"),
    [
        ("nobodyKnowsThisScheme:totallyopaquecontent", "nobodyknowsthisscheme"),
        ("soap.beep://192.0.2.103:3002", "soap.beep"),
        ("isbn:2983792873", "isbn"),
        ("http://www.example.com", "http"),
        ("urn:service:sos", "urn"),
        ("sipx:a@b", "sipx"),
    ],
)
def test_parse(text, scheme):
    uri = parseURI(text)
    assert isinstance(uri, OtherURI)
    assert (uri.scheme, uri.text, str(uri), uri.aor()) == (scheme, text, text, text)


@pytest.mark.parametrize(
    "text", ["", ":", "a", "a:", "1a:b", "a:b c", "a:<b>", 'a:"', "a:\0", "<sip:a@b>", "*", "é:a"]
)
def test_malformed(text):
    with pytest.raises(MalformedURI):
        parseURI(text)


def test_equality():
    uri = parseURI("isbn:1")
    assert uri == OtherURI("isbn", "isbn:1")
    assert uri.equivalent(parseURI("isbn:1"))
    assert not uri.equivalent(parseURI("isbn:2"))
    assert uri != "isbn:1"
    assert hash(uri) == hash(parseURI("isbn:1"))
    assert repr(uri) == "<OtherURI 'isbn:1'>"
