"""Tests of C{sipapp.storage.document}."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from sipapp.storage import entityTag


@given(st.binary(), st.binary())
def test_tagsDifferAsDocumentsDo(one: bytes, other: bytes) -> None:
    assert (entityTag(one) == entityTag(other)) == (one == other)


@given(st.binary())
def test_tagsNeedNoQuoting(body: bytes) -> None:
    """Neither in a header field (RFC 9110 §8.8.3) nor in XML."""
    assert re.fullmatch("[A-Za-z0-9_-]{22}", entityTag(body))


def test_tagsStayTheSame() -> None:
    """Clients keep them over a change of versions."""
    assert entityTag(b"<resource-lists/>") == "sQTF-X3-ziwaHeRFhS8OCQ"
