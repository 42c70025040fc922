"""Digest authentication: whatever stands in an Authorization or a challenge, it is refused or
read, and what is read can be written; nothing but the right answer to a nonce of ours passes."""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import strategies as st

from sipapp.sip import MalformedHeader
from sipapp.sip.digest import (
    ALGORITHMS,
    FORGED,
    Challenge,
    Credentials,
    Nonces,
    answerTo,
    digestHA1,
    hashOf,
    isDigest,
    parseAuthenticationInfo,
    parseChallenge,
    parseCredentials,
)
from tests.fuzz.messages import scraps, tokens
from tests.fuzz.mutation import NUMBERS, SCRAPS
from tests.fuzz.target import Target
from tests.fuzz.targets.parser import checkError

_NOW = 1_800_000_000.0
# Another key in each process, and so other nonces: an input has this word in their place.
_NONCES = Nonces(os.urandom(32), 300.0)
_NONCE = _NONCES.mint(_NOW)
_PLACE = "OUR-NONCE"
_USER, _REALM, _PASSWORD = "alice", "example.com", "secret"
_HA1 = {name: digestHA1(name, _USER, _REALM, _PASSWORD) for name in ALGORITHMS}


def check(data: bytes) -> None:
    """What stands in a line of a message, and so has no line breaks."""
    text = data.decode("utf-8", "surrogateescape").translate({10: " ", 13: " "})
    text = text.replace(_PLACE, _NONCE)
    isDigest(text)
    for parse in (parseChallenge, parseAuthenticationInfo):
        value = read(parse, text)
        if value is not None:
            checkWritten(parse, value)
    credentials = read(parseCredentials, text)
    if credentials is not None:
        checkCredentials(credentials)
        if isOurs(credentials):
            checkWritten(parseCredentials, credentials)
    if text != _NONCE:
        assert _NONCES.check(text, _NOW) == FORGED


def read(parse: Callable[[str], Any], text: str) -> Any:
    """
    @return: what a parser makes of the text; C{None} if it refuses it.
    """
    try:
        return parse(text)
    except MalformedHeader as error:
        checkError(error)
        return None


def checkWritten(parse: Callable[[str], Any], value: Any) -> None:
    """What is written is one line that says the same."""
    try:
        written = value.toText()
    except ValueError:
        # There is a NUL in it, or something that is a token when it is ours.
        return
    assert "\r" not in written
    assert "\n" not in written
    assert parse(written) == value


def isOurs(credentials: Credentials) -> bool:
    """Tell whether a client of ours could have written these: it counts only with qop, has a
    cnonce then, and its hashes are ASCII."""
    counts = bool(credentials.ncText) and bool(credentials.cnonce)
    if credentials.userhash and not credentials.username.isascii():
        return False
    return counts if credentials.qop is not None else not credentials.ncText


def checkCredentials(credentials: Credentials) -> None:
    """They prove what they prove, and no other method, body or nonce."""
    if not credentials.isComputable:
        assert not credentials.matches("", "REGISTER")
        return
    ha1 = _HA1[hashOf(credentials.algorithm)]
    proves = credentials.matches(ha1, "REGISTER", b"body")
    right = credentials.expected(ha1, "REGISTER", b"body")
    assert proves == (credentials.response.lower() == right)
    assert credentials._replace(response=right).matches(ha1, "REGISTER", b"body")
    for other in ("", right[:-1], right + "0", right[::-1] + "x"):
        assert not credentials._replace(response=other).matches(ha1, "REGISTER", b"body")
    if credentials.isFor(_USER) and not credentials.userhash:
        assert credentials.username == _USER
    if credentials.nonce != _NONCE:
        assert _NONCES.check(credentials.nonce, _NOW) == FORGED


def _answers() -> list[bytes]:
    """Right answers in every algorithm and quality of protection, and challenges."""
    found = []
    for algorithm in ALGORITHMS:
        for qop in (("auth",), ("auth-int", "auth"), ()):
            challenge = Challenge(_REALM, _NONCE, algorithm, qop, opaque="o", userhash=not qop)
            answer = answerTo(
                challenge, _USER, _PASSWORD, "REGISTER", "sip:example.com", "cnonce", body=b"body"
            )
            found += [challenge.toText().encode(), answer.encode()]
    found.append(f'nextnonce="{_NONCE}", rspauth="00", qop=auth, cnonce="c", nc=00000001'.encode())
    found.append(b'Digest username*=UTF-8\'\'%C3%A9, realm="", nonce="", uri="", response=""')
    found.append(_NONCE.encode())
    return [data.replace(_NONCE.encode(), _PLACE.encode()) for data in found]


_NAMES = (
    *("username", "realm", "nonce", "uri", "response", "algorithm", "cnonce", "opaque", "qop"),
    *("nc", "userhash", "username*", "stale"),
)
_VALUES = ("auth", "MD5", "SHA-256-sess", "true", "00000001", _PLACE, "alice", "UTF-8''a")
_parameters = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(_NAMES),
    st.sampled_from(["=", " = ", "", "=="]),
    st.sampled_from(["", '"', '"\\"']),
    st.one_of(st.sampled_from(_VALUES), tokens, st.text(max_size=5)),
    st.sampled_from(["", '"', '" ']),
)
_texts = st.builds(
    "{}{}{}".format,
    st.sampled_from(["Digest ", "digest\t", "Basic ", "Digest", ""]),
    st.lists(_parameters, max_size=14).map(", ".join),
    scraps,
)


def mutate(data: bytes, random: Random) -> bytes:
    """Change a parameter, its order, or a piece of one."""
    parts = data.split(b",")
    place = random.randrange(len(parts))
    piece = parts[place]
    at = random.randint(0, len(piece))
    change = random.randrange(5)
    if change == 0:
        parts[place] = piece[:at] + random.choice(SCRAPS) + piece[at + random.randint(0, 2) :]
    elif change == 1:
        parts[place] = piece.partition(b"=")[0] + b"=" + random.choice(NUMBERS)
    elif change == 2:
        parts[place : place + 1] = [piece] * random.choice((0, 2, 500))
    elif change == 3:
        random.shuffle(parts)
    else:
        changed = bytearray(piece or b"x")
        changed[random.randrange(len(changed))] = random.randrange(256)
        parts[place] = bytes(changed)
    return b",".join(parts)


TARGET = Target(
    what="any text is refused or read, and only the right answer to a nonce of ours passes",
    check=check,
    seeds=_answers(),
    inputs=_texts.map(lambda text: text.encode("utf-8", "surrogateescape")),
    mutate=mutate,
    longest=4096,
)
