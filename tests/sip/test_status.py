"""Reason phrases."""

import pytest

from sipapp.sip import REASONS, reasonPhrase


@pytest.mark.parametrize(
    ("status", "phrase"),
    [
        (100, "Trying"),
        (200, "OK"),
        (420, "Bad Extension"),
        (430, "Flow Failed"),
        (505, "Version Not Supported"),
        (199, "Early Dialog Terminated"),
        (299, "OK"),
        (399, "Redirection"),
        (499, "Bad Request"),
        (599, "Server Internal Error"),
        (699, "Global Failure"),
        (150, "Session Progress"),
        (700, "Unknown"),
    ],
)
def test_phrase(status, phrase):
    assert reasonPhrase(status) == phrase


def test_phrasesAreFitForAStatusLine():
    for phrase in REASONS.values():
        assert phrase.isascii()
        assert phrase.isprintable()
