"""What is plain is read as what is not: the same is accepted, with the same values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.sip import (
    SIPURI,
    MalformedURI,
    SIPError,
    parseMessage,
    parseNameAddr,
    parseURI,
)
from sipapp.sip.contact import plainContact
from tests.sip.messages import INVITE, RINGING, bare, invite

_HOSTS = st.sampled_from(
    ["a", "a.b-c", "a.b.", "a--b", "-a", "a_", "host1", "1host", "a.1", "1.2.3.4", "1.2.3.04",
     "1.2.3.256", "1.2.3.4.5", "1.2.3", "1.2.3.4.e", "[::1]", "[::g]", "é", ""]
)  # fmt: skip
_PORTS = st.sampled_from(
    ["", ":", ":0", ":5060", ":59999", ":60000", ":64999", ":65535", ":65536", ":123456", ":a"]
)
_HOSTPORTS = st.builds(str.__add__, _HOSTS, _PORTS)
_USERS = st.sampled_from(["", "a@", "@", "+1;x=y@", "a:b@", "%41@", "%4@", "a b@", "é@", "\udc80@"])
_SCHEMES = st.sampled_from(["sip:", "sips:", "SIP:", "tel:", "http:", "sip", ""])
_URIS = st.builds(
    "".join,
    st.tuples(_SCHEMES, _USERS, _HOSTPORTS, st.sampled_from(["", ";lr", "?a=b", ";a=1;a=2"])),
)
_DISPLAYS = st.sampled_from(
    ["", "Bob ", "Bob", "B.  ob\t", "é \udc80", '"Bob" ', '"B ob"', '"a\\"b" ', '"a" b ', '"a',
     "a,b ", "(a) ", '"\t" ', '"\x01" ', " "]
)  # fmt: skip
_PARAMS = st.sampled_from(
    ["", ";tag=a", ";tag", ";tag=", ";tag=a;tag=b", ";x=y", ';tag="a"', " ;tag=a", ";tag=a ", ";",
     ";TAG=a", ",<sip:a>", "\r\n ;tag=a"]
)  # fmt: skip
_ADDRESSES = st.builds(
    lambda display, uri, params, brackets: (
        f"{display}<{uri}>{params}" if brackets else f"{display}{uri}{params}"
    ),
    _DISPLAYS, _URIS, _PARAMS, st.sampled_from([True, True, True, False]),
)  # fmt: skip
_VIAS = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["SIP/2.0/UDP ", "SIP/2.0/TLS ", "sip/2.0/udp ", "SIP/2.0/X ", "SIP/2.0/"]),
        _HOSTPORTS,
        st.sampled_from(["", ";branch=a", ";Branch=a;rport", ";branch", ";a;A", ";a=", ";a=[:]"]),
        st.sampled_from(["", ";rport=1;received=[::1]", ';x="y"', "; x", ",SIP/2.0/UDP a", ";"]),
    ),
)
_VALUES = {
    "Via": _VIAS,
    "From": _ADDRESSES,
    "To": _ADDRESSES,
    "Call-ID": st.sampled_from(["a", "a@b", "", "a b", "é", "\udc80", "a\x01", "a\r\n ", "<\\"]),
    "CSeq": st.sampled_from(
        ["1 INVITE", "01 INVITE", "999999999 A", "1000000000 A", "2147483648 A", "1  A", "1 é",
         "x A", "1", "1 ", "1 BYE\r\n "]
    ),
    "Content-Length": st.sampled_from(["0", "00", "4", "5", "x", "", "0 "]),
    "Max-Forwards": st.sampled_from(["0", "255", "256", "07", "x", ""]),
}  # fmt: skip
_GOOD = {
    "Via": "SIP/2.0/UDP a;branch=z9hG4bK1", "From": "<sip:a@a>;tag=1", "To": "<sip:b@c>",
    "Call-ID": "i", "CSeq": "1 INVITE", "Content-Length": "0", "Max-Forwards": "70",
}  # fmt: skip


def _read(message):
    """The values that are looked at, or the first error."""
    try:
        via = message.via
        values = (
            [getattr(via, name) for name in via.__slots__],
            message.callID,
            message.cseq,
            message.fromHeader.tag,
            message.to.tag,
            message.contentLength,
        )
    except SIPError as error:
        return str(error)
    return values if (values[-1] or 0) <= len(message.body) else "too long"


def _readHops(message):
    try:
        return message.maxForwards
    except SIPError as error:
        return str(error)


@given(st.data())
def test_whatIsPlainIsInGoodOrder(data):
    """At most two header fields are out of the ordinary, so that many messages are plain."""
    odd = data.draw(st.sets(st.sampled_from(sorted(_VALUES)), max_size=2))
    fields = [(name, data.draw(_VALUES[name]) if name in odd else _GOOD[name]) for name in _GOOD]
    for name in data.draw(st.lists(st.sampled_from([*_GOOD, "Record-Route"]), max_size=2)):
        fields.append((name, _GOOD.get(name, "<sip:r>")))
    colon = data.draw(st.sampled_from([*[": "] * 6, ":", " : "]))
    lines = [f"{name}{colon}{value}" for name, value in fields]
    del lines[data.draw(st.sampled_from([*range(7), *[20] * 20])) :]
    text = bare("INVITE sip:b@c SIP/2.0", *lines)
    message = parseMessage(text)
    other = parseMessage(text)
    expected = _read(other)
    if message.takePlain():
        assert not isinstance(expected, str)
    assert _read(message) == expected
    assert _readHops(message) == _readHops(other)


def _readContact(message):
    try:
        return [
            (str(one), one.displayName, one.params, one.uri, getattr(one.uri, "params", None))
            for one in message.contacts
        ]
    except SIPError as error:
        return str(error)


@given(_DISPLAYS, _URIS, _PARAMS, st.sampled_from(["", ";x", ";x=1;y=2", ";x;X", ";x=%41", ";é"]))
def test_plainContactsAreReadAsOthersAre(display, uri, params, more):
    value = f"{display}<{uri}{more}>{params}"
    message = parseMessage(invite(f"Contact: {value}"))
    other = parseMessage(invite(f"Contact:  {value}"))
    assert _readContact(message) == _readContact(other)


def test_mostContactsArePlain():
    for value in ("<sip:a@192.0.2.1:5060;transport=UDP;ob>;expires=60;q=0.5", "<sips:a.example>"):
        contact = plainContact(f"Contact: {value}")
        assert str(contact) == value
    assert plainContact("m: <sip:a@b;x;x>") is None
    assert plainContact("m: sip:a@b") is None


@pytest.mark.parametrize(
    "data",
    [
        INVITE,
        RINGING,
        RINGING.replace(b"To:", b"Record-Route: <sip:a>\r\nRecord-Route: <sip:b>\r\nt:"),
        RINGING.replace(b"UDP proxy.example.com", b"TLS 192.0.2.1:60000"),
        INVITE.replace(b"Bob <sip:bob@biloxi.example.com>", b'"B." <sips:+1@1.2.3.4;user=phone>'),
        INVITE.replace(b"rport", b"Rport;x=y"),
        invite("Route: <sip:a>", "Route: <sip:b>"),
    ],
)
def test_mostMessagesArePlain(data):
    assert parseMessage(data).takePlain()


@pytest.mark.parametrize(
    "line",
    [
        "From: <sip:a@a>",
        "t: <sip:a@a>",
        "Call-ID: i",
        "CSeq: 1 INVITE",
        "l: 0",
        "Record-Route: <sip:a>",
        "Via: SIP/2.0/UDP b",
    ],
)
def test_whatIsRepeatedIsNotPlain(line):
    sound = parseMessage(invite("Content-Length: 0", "Record-Route: <sip:a>"))
    assert sound.takePlain()
    repeated = parseMessage(invite("Content-Length: 0", "Record-Route: <sip:a>", line))
    assert repeated.takePlain() == line.startswith(("Record-Route", "Via"))


def test_whatHasManyLinesIsNotPlain():
    assert parseMessage(invite(*["X-Y: z"] * 30)).takePlain()
    assert not parseMessage(invite(*["X-Y: z"] * 50)).takePlain()


@pytest.mark.parametrize("params", ["branch=1;Branch=2", "a;A=1", "branch=1;a;a", "branch"])
def test_parametersThatAreRepeatedAreNotPlain(params):
    data = INVITE.replace(b"branch=z9hG4bKnashds8;rport", params.encode())
    assert parseMessage(data).takePlain() == (params == "branch")


def _readURI(text):
    try:
        uri = parseURI(text)
    except MalformedURI:
        return None
    return [getattr(uri, name) for name in SIPURI.__slots__ if name != "_text"]


@given(_USERS, _HOSTPORTS, st.sampled_from(["", ";lr", "?a=b"]), st.sampled_from(["sip", "sips"]))
def test_plainURIsAreReadAsAnyOther(user, hostport, more, scheme):
    """A scheme in upper case makes the same URI one that is not plain."""
    text = f":{user}{hostport}{more}"
    assert _readURI(f"{scheme}{text}") == _readURI(f"{scheme.upper()}{text}")


def test_longURIsAreReadAsWell():
    user = "a" * 1000
    assert parseURI(f"sip:{user}@b").user == user


def _readAddress(text):
    try:
        address = parseNameAddr(text)
    except SIPError:
        return None
    return address.displayName, address.uri, address.params


@given(_ADDRESSES)
def test_plainAddressesAreReadAsAnyOther(text):
    """White space after it makes the same address one that is not plain."""
    assert _readAddress(text) == _readAddress(f"{text} ")
