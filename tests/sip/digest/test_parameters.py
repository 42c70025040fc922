"""The parameters of challenges and credentials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.sip import MalformedHeader
from sipapp.sip.digest import isDigest
from sipapp.sip.digest.parameters import formatParameters, parseParameters


@pytest.mark.parametrize(
    "text",
    [
        'Digest a="1",b=2',
        'digest  A = "1" , B=2',
        'DIGEST\ta="1"\t,\tb="2",',
        '  Digest ,, a=1,, b="\\2"',
    ],
)
def test_theyAreReadHoweverTheyAreWritten(text: str) -> None:
    assert isDigest(text)
    assert parseParameters(text) == {"a": "1", "b": "2"}


def test_whatLacksItsQuotesIsReadNevertheless() -> None:
    assert parseParameters("uri=sip:a@b;x=1, nonce=+/==", scheme=False) == {
        "uri": "sip:a@b;x=1",
        "nonce": "+/==",
    }


@pytest.mark.parametrize("text", ['"a\\"b"', '"a,b=c"', '"ä \t"', '""'])
def test_quotesHoldAnything(text: str) -> None:
    value = parseParameters(f"Digest a={text}, b=1")["a"]
    assert parseParameters(f"Digest {formatParameters([('a', value)], ())}")["a"] == value


@pytest.mark.parametrize(
    "text",
    [
        "Digest a",
        "Digest a=",
        "Digest =1",
        'Digest a="1',
        'Digest a="1"b="2"',
        "Digest a=1 b=2",
        "Digest a=1;b=2 c",
        'Digest a="\x00"',
        "Digest a=1, A=2",
        "Digest a=\xa0\x1f",
    ],
)
def test_whatIsMalformedIsRefused(text: str) -> None:
    with pytest.raises(MalformedHeader):
        parseParameters(text)


@pytest.mark.parametrize("text", ["", "Digest", "Basic YTpi", "DigestX a=1", "D\u0131gest a=1"])
def test_otherSchemesAreToldApart(text: str) -> None:
    assert not isDigest(text)
    with pytest.raises(MalformedHeader, match="scheme"):
        parseParameters(text)


def test_aSchemeMayHaveNoParameters() -> None:
    assert parseParameters("Digest ") == {}


@pytest.mark.parametrize("value", ["a b", "", "a\r\nVia: x", '"'])
def test_nothingBreaksOut(value: str) -> None:
    with pytest.raises(ValueError, match="token"):
        formatParameters((), [("a", value)])
    with pytest.raises(ValueError, match="CR and LF"):
        formatParameters([("a", f"{value}\r")], ())


@given(st.text(max_size=60))
def test_noTextIsTooHostile(text: str) -> None:
    try:
        params = parseParameters(text, scheme=False)
    except MalformedHeader:
        return
    assert all(name and name == name.lower() for name in params)


_PIECES = [
    "a",
    "b",
    "realm",
    "A",
    "=",
    ",",
    ", ",
    " ",
    '"',
    "\\",
    "1",
    "x=y",
    '"c, d=e"',
    "\t",
    "\x7f",
]


def _outcome(text: str) -> dict[str, str] | None:
    try:
        return parseParameters(text)
    except MalformedHeader:
        return None


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map("".join))
def test_theShortWayLeadsToTheSame(text: str) -> None:
    """A blank in front makes it go the long way."""
    assert _outcome(f"Digest {text}") == _outcome(f" Digest {text}")


@pytest.mark.parametrize("part", [",", " ", 'a="', "a=", "a=1,", '\\"', '"', "a=1 ", "\t,"])
def test_hostileTextTakesLinearTime(part: str) -> None:
    """Each is given up at its first flaw, or read to its end once."""
    text = f"Digest {part * 50_000}"
    try:
        parseParameters(text)
    except MalformedHeader as error:
        assert len(error.detail) < 120
