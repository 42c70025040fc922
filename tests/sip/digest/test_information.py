"""Authentication-Info."""

from __future__ import annotations

import pytest

from sipapp.sip import MalformedHeader
from sipapp.sip.digest import AuthenticationInfo, parseAuthenticationInfo


def test_thatOfRFC3261() -> None:
    """§20.6"""
    text = 'nextnonce="47364c23432d2e131a5fb210812c"'
    information = parseAuthenticationInfo(text)
    assert information == AuthenticationInfo("47364c23432d2e131a5fb210812c")
    assert information.toText() == text


def test_withTheProofOfTheServer() -> None:
    information = AuthenticationInfo("n", "r", "auth", "c", "00000001")
    text = information.toText()
    assert text == 'nextnonce="n", rspauth="r", cnonce="c", qop=auth, nc=00000001'
    assert parseAuthenticationInfo(text) == information


def test_whatIsMalformed() -> None:
    with pytest.raises(MalformedHeader):
        parseAuthenticationInfo("nextnonce")
