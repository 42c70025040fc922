"""Responses."""

import pytest

from sipapp.sip import Response, parseMessage

from .messages import RINGING


def test_parts():
    response = parseMessage(RINGING)
    assert isinstance(response, Response)
    assert (response.status, response.reason, response.version) == (180, "Ringing", "SIP/2.0")
    assert response.startLine == "SIP/2.0 180 Ringing"
    assert repr(response) == "<Response 180 'Ringing'>"
    assert response.copy().toBytes() == RINGING


def test_build():
    response = Response.build(486, [("via", "SIP/2.0/UDP a")], b"x")
    assert response.toBytes() == (
        b"SIP/2.0 486 Busy Here\r\nVia: SIP/2.0/UDP a\r\nContent-Length: 1\r\n\r\nx"
    )
    assert Response.build(200, [], reason="Fine").startLine == "SIP/2.0 200 Fine"


@pytest.mark.parametrize("reason", ["a\r\nb", "\n", "\0"])
def test_reasonCannotLeaveItsPlace(reason):
    with pytest.raises(ValueError, match="CR, LF or NUL"):
        Response.build(200, [], reason=reason)
