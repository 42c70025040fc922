"""SIP and SIPS URIs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.sip import SIPURI, MalformedURI, escapeUser, parseURI, unescape

TEXT = st.text(st.characters(exclude_categories=("Cs",)), min_size=1)
HOSTS = st.sampled_from(["example.com", "a-b.c1", "192.0.2.1", "2001:db8::1", "under_score"])


def test_everyPart():
    uri = parseURI("sip:alice:pa$s@atlanta.com:5070;transport=TCP;lr?subject=x&to=y")
    assert isinstance(uri, SIPURI)
    assert uri.scheme == "sip"
    assert uri.user == "alice"
    assert uri.password == "pa$s"
    assert uri.host == "atlanta.com"
    assert uri.port == 5070
    assert uri.params == {"transport": "TCP", "lr": None}
    assert uri.transport == "tcp"
    assert uri.lr
    assert uri.headers == "subject=x&to=y"


def test_leastParts():
    uri = parseURI("sip:atlanta.com")
    assert (uri.user, uri.password, uri.port, uri.headers) == (None, None, None, "")
    assert (uri.transport, uri.lr, uri.maddr, uri.ttl) == (None, False, None, None)
    assert uri.params == {}


@pytest.mark.parametrize(
    "text",
    [
        # RFC 3261 §19.1.3
        "sip:alice@atlanta.com",
        "sip:alice:secretword@atlanta.com;transport=tcp",
        "sips:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:+1-212-555-1212:1234@gateway.com;user=phone",
        "sips:1212@gateway.com",
        "sip:alice@192.0.2.4",
        "sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com",
        "sip:alice;day=tuesday@atlanta.com",
        # and others
        "SIP:a@b",
        "sIpS:a@b",
        "sip:a@[2001:db8::1]:5060;x=[y]",
        "sip:a:@b",
        "sip:%00@b",
        "sip:b?a=",
        "sip:b.",
        "sip:_sip.b",
        "sip:a&=+$,;?/@b",
        "sip:b:65535",
        "sip:b:0",
        "sip:b;a=/:&+$",
    ],
)
def test_writtenAsReceived(text):
    assert str(parseURI(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "sip:",
        "sip:@b",
        "sip:a@",
        "sip:a@@b",
        "sip:a b@c",
        "sip:a@b:",
        "sip:a@b:x",
        "sip:a@b:65536",
        "sip:a@b:123456",
        "sip:a@b:\u0661",
        "sip:a@b;",
        "sip:a@b;;c",
        "sip:a@b;=c",
        "sip:a@b;c=",
        "sip:a@b?",
        "sip:a@b?c",
        "sip:a@b?=c",
        "sip:a@b?c=d&",
        "sip:a@b ",
        " sip:a@b",
        "sip:a@b\n",
        "sip:a@b\r",
        "sip:a@b\0",
        "sip:%@b",
        "sip:%4@b",
        "sip:%4g@b",
        "sip:é@b",
        "sip:a@é",
        "sip:a@b;é",
        "sip:\udc80@b",
        "sip:a#b@c",
        'sip:"a"@b',
        "sip:<a>@b",
        "sip:a@-b",
        "sip:a@b-",
        "sip:a@b..c",
        "sip:a@.b",
        "sip:a@256.1.1.1",
        "sip:a@2001:db8::1",
        "sip:a@[::1",
        "sip:a@::1]",
        "sip:a@[]",
        "sip:a@[::g]",
        "sip:a@[1.2.3.4]",
        "sip:a@b;c;C",
        "sip:a@b;c;%43=1",
    ],
)
def test_malformed(text):
    with pytest.raises(MalformedURI) as caught:
        parseURI(text)
    assert caught.value.status == 400


def test_schemeIsWithoutCase():
    assert parseURI("SiPs:a@b").scheme == "sips"


def test_ipv6HostIsWithoutBrackets():
    uri = parseURI("sip:a@[2001:db8::1]:5070")
    assert (uri.host, uri.port) == ("2001:db8::1", 5070)
    assert str(uri.replace(port=None)) == "sip:a@[2001:db8::1]"


def test_parametersAreUnescaped():
    uri = parseURI("sip:caller@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31")
    assert uri.params == {"lr": None, "name": "value%41"}
    assert uri.lr
    assert str(uri.replace()) == "sip:caller@host5.example.net;lr;name=value%2541"


@pytest.mark.parametrize(("text", "ttl"), [("255", 255), ("0", 0), ("256", None), ("x", None)])
def test_ttl(text, ttl):
    assert parseURI(f"sip:a@b;ttl={text}").ttl == ttl


def test_ttlWithoutValue():
    assert parseURI("sip:a@b;ttl").ttl is None


def test_maddr():
    assert parseURI("sip:a@b;maddr=[ff02::1]").maddr == "ff02::1"
    assert parseURI("sip:a@b;maddr=239.255.255.1").maddr == "239.255.255.1"


# RFC 3261 §19.1.4, the examples and the rules

EQUIVALENT = [
    ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtlanTa.CoM;Transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
    ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
    (
        "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
        "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
    ),
    (
        "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
        "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
    ),
    ("sip:a:b@c", "sip:a:%62@c"),
    ("sip:a@b;x=Y", "sip:a@b;X=y"),
    ("sip:a%2fb@c", "sip:a%2Fb@c"),
    ("sip:a%2541@c", "sip:a%2541@c"),
    # RFC 5954 §4.2
    ("sip:a@[2001:DB8::1]", "sip:a@[2001:db8:0::0:1]"),
    ("sip:a@[::ffff:192.0.2.1]", "sip:a@[::FFFF:c000:201]"),
]

DIFFERENT = [
    ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
    ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
    ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
    ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
    ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
    ("sip:a@b", "sips:a@b"),
    ("sip:a@b", "sip:b"),
    ("sip:a@b", "sip:a:p@b"),
    ("sip:a@b", "sip:a@b;user=phone"),
    ("sip:a@b", "sip:a@b;ttl=1"),
    ("sip:a@b", "sip:a@b;method=INVITE"),
    ("sip:a@b", "sip:a@b;maddr=192.0.2.1"),
    ("sip:a@b;x", "sip:a@b;x=1"),
    # A reserved character does not equal its escape, and a percent sign is none of its own.
    ("sip:a%2Fb@c", "sip:a/b@c"),
    ("sip:a%2541@c", "sip:a%41@c"),
    ("sip:a@b?x=1", "sip:a@b?x=2"),
    ("sip:a@b?x=1", "sip:a@b?x=1&x=1"),
    ("sip:a@b", "tel:+1"),
]


@pytest.mark.parametrize(("one", "other"), EQUIVALENT)
def test_equivalent(one, other):
    assert parseURI(one).equivalent(parseURI(other))
    assert parseURI(other).equivalent(parseURI(one))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one, other):
    assert not parseURI(one).equivalent(parseURI(other))
    assert not parseURI(other).equivalent(parseURI(one))


@pytest.mark.parametrize(
    ("text", "aor"),
    [
        ("sip:alice@atlanta.com", "sip:alice@atlanta.com"),
        ("SIP:%61lice:pw@AtlanTa.com.:5060;transport=tcp?a=b", "sip:alice@atlanta.com"),
        ("sips:a@b:5061", "sip:a@b"),
        ("sip:a@b:5080", "sip:a@b"),
        ("sip:Example.COM", "sip:example.com"),
        ("sip:a@[2001:DB8::0:1]:5060", "sip:a@[2001:db8::1]"),
        ("sip:null-%00-null@example.com", "sip:null-\0-null@example.com"),
        ("sip:Alice@b", "sip:Alice@b"),
    ],
)
def test_aor(text, aor):
    assert parseURI(text).aor() == aor


def test_editingMakesANewURI():
    uri = parseURI("sip:a@b;x=1;y")
    changed = uri.replace(host="c", port=5070, user=escapeUser("q r@s"))
    assert str(changed) == "sip:q%20r%40s@c:5070;x=1;y"
    assert str(uri) == "sip:a@b;x=1;y"
    assert str(uri.withParams(lr=None, x="2")) == "sip:a@b;x=2;y;lr"
    assert str(uri.withParams({"x-y": "a b"})) == "sip:a@b;x=1;y;x-y=a%20b"
    assert str(uri.withoutParams("x")) == "sip:a@b;y"
    assert str(uri.withoutParams()) == "sip:a@b"
    assert str(uri.replace(scheme="sips", password="p", headers="a=b")) == "sips:a:p@b;x=1;y?a=b"


def test_equalityIsThatOfTheText():
    one, other = parseURI("sip:a@b"), SIPURI(user="a", host="b")
    assert one == other
    assert hash(one) == hash(other)
    assert one != parseURI("sip:A@b")
    assert one != "sip:a@b"
    assert repr(one) == "<SIPURI 'sip:a@b'>"


@given(
    st.sampled_from(["sip", "sips"]),
    st.none() | TEXT,
    HOSTS,
    st.none() | st.integers(0, 65535),
    st.dictionaries(TEXT.map(lambda text: text.lower()), st.none() | TEXT),
)
def test_buildAndParseAreInverse(scheme, user, host, port, params):
    uri = SIPURI(
        scheme=scheme,
        user=None if user is None else escapeUser(user),
        host=host,
        port=port,
        params=params,
    )
    # Not every character keeps its lower case: only names that do are names.
    if any(name.lower() != name for name in params):
        return
    again = parseURI(str(uri))
    assert (again.scheme, again.host, again.port) == (scheme, host, port)
    assert again.user is None if user is None else unescape(again.user) == user
    assert again.params == params
    assert again == uri
    assert again.equivalent(uri)
