"""What the log says of a message."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from sipapp.sip import about, parseMessage

REQUEST = b"INVITE sip:a@b SIP/2.0\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n\r\n"
RESPONSE = b"SIP/2.0 200 OK\r\ni: one\r\nCSeq: 1 INVITE\r\n\r\n"


def flow(*remote: object) -> SimpleNamespace:
    return SimpleNamespace(remote=remote)


@pytest.mark.parametrize("data", [REQUEST, RESPONSE])
def test_received(data: bytes) -> None:
    message = parseMessage(data)
    message.flow = flow("192.0.2.1", 5060)
    assert about(message) == {"call_id": "one", "method": "INVITE", "source": "192.0.2.1:5060"}


def test_sixth() -> None:
    message = parseMessage(REQUEST)
    message.flow = flow("2001:db8::1", 5060, 0, 0)
    assert about(message)["source"] == "[2001:db8::1]:5060"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"X sip:a SIP/2.0\r\n\r\n", {"method": "X"}),
        (b"SIP/2.0 200 OK\r\nCSeq: one\r\n\r\n", {}),
        (b"SIP/2.0 200 OK\r\nCall-ID:\r\n\r\n", {}),
        (
            b"X sip:a SIP/2.0\r\ni: " + b"x" * 300 + b"\r\n\r\n",
            {"method": "X", "call_id": "x" * 256},
        ),
    ],
)
def test_whatIsNotKnown(data: bytes, found: dict[str, str]) -> None:
    """Whatever it lacks, it can be named."""
    assert about(parseMessage(data)) == found
