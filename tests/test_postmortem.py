"""How the log calls a message that a worker has died of."""

from __future__ import annotations

import pytest

from sipapp.postmortem import nameMessage


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (b"Call-ID: a@b", "the message with the Call-ID a@b"),
        (b"i:a@b", "the message with the Call-ID a@b"),
        (b"cALL-id \t: \x1b[2J", "a message without Call-ID"),
        (b"Call-ID: a\x1b[2Jb", "the message with the Call-ID a"),
        (b"Call-ID: \xff'{x}", "the message with the Call-ID \\xff'{x}"),
        (b"Call-ID:\r\n folded", "the message with the Call-ID folded"),
        (b"Call-Info: x", "a message without Call-ID"),
    ],
)
def test_callID(line: bytes, name: str) -> None:
    assert nameMessage(b"INVITE sip:a SIP/2.0\r\nVia: x\r\n" + line + b"\r\n\r\n").words == name


def test_anything() -> None:
    assert nameMessage(b"").words == "a message without Call-ID"
    assert nameMessage(b"\r\ni:" + b"x" * 70000).words.endswith("x" * 256)


def test_whatALineIsAbout() -> None:
    message = b"INVITE sip:a SIP/2.0\r\nVia: x\r\nCall-ID: a@b\r\n\r\n"
    assert nameMessage(message).about == {"method": "INVITE", "call_id": "a@b"}
    assert nameMessage(b"SIP/2.0 200 OK\r\ni: a\r\n").about == {"call_id": "a"}
    assert nameMessage(b"").about == {}


def test_whatIsSecretIsNotShown() -> None:
    message = b"REGISTER sip:a SIP/2.0\r\nAuthorization: Digest response=6629fae4\r\n"
    assert nameMessage(message).shown == message.replace(b"6629fae4", b"xxxxxxxx")
    # What is kept of a long one may end anywhere.
    cut = b'REGISTER sip:a SIP/2.0\r\ni: a\r\nAuthorization: Digest response="6629'
    assert nameMessage(cut).shown == cut.replace(b"6629", b"xxxx")
