"""Messages that several tests use."""

INVITE = (
    b"INVITE sip:bob@biloxi.example.com SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP pc33.atlanta.example.com:5060;branch=z9hG4bKnashds8;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b"To: Bob <sip:bob@biloxi.example.com>\r\n"
    b"From: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r\n"
    b"Call-ID: a84b4c76e66710@pc33.atlanta.example.com\r\n"
    b"CSeq: 314159 INVITE\r\n"
    b"Contact: <sip:alice@pc33.atlanta.example.com>\r\n"
    b"Content-Type: application/sdp\r\n"
    b"Content-Length: 4\r\n"
    b"\r\n"
    b"v=0\n"
)

RINGING = (
    b"SIP/2.0 180 Ringing\r\n"
    b"Via: SIP/2.0/UDP proxy.example.com;branch=z9hG4bK4b43c2ff8.1;received=192.0.2.3\r\n"
    b"Via: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bKnashds8;received=192.0.2.1\r\n"
    b"To: Bob <sip:bob@biloxi.example.com>;tag=a6c85cf\r\n"
    b"From: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r\n"
    b"Call-ID: a84b4c76e66710@pc33.atlanta.example.com\r\n"
    b"CSeq: 314159 INVITE\r\n"
    b"Content-Length: 0\r\n"
    b"\r\n"
)


def invite(*lines: str, start: str = "INVITE sip:b@c SIP/2.0", body: bytes = b"") -> bytes:
    """A small INVITE with further header lines."""
    common = (
        start,
        "Via: SIP/2.0/UDP a;branch=z9hG4bK1",
        "From: <sip:a@a>;tag=1",
        "To: <sip:b@c>",
        "Call-ID: i",
        "CSeq: 1 INVITE",
    )
    return "\r\n".join((*common, *lines, "", "")).encode("utf-8", "surrogateescape") + body


def bare(*lines: str) -> bytes:
    """A message of nothing but these lines."""
    return "\r\n".join((*lines, "", "")).encode("utf-8", "surrogateescape")
