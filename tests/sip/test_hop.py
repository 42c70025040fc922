"""Next hops."""

from sipapp.sip import SIPURI, Hop


def test_hop():
    uri = SIPURI(host="a")
    assert Hop(uri).flow is None
    assert Hop(uri, "t") == Hop(SIPURI(host="a"), "t")
    assert hash(Hop(uri, "t")) == hash(Hop(uri, "t"))
    assert Hop(uri) != Hop(uri, "t")
    assert Hop(uri, "t") != Hop(uri, "t", flowOnly=True)
    assert Hop(uri) != uri
    assert repr(Hop(uri, "t")) == "<Hop sip:a flow='t'>"
