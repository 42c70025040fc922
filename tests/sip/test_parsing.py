"""From bytes to an index."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipapp.sip import MalformedMessage, Request, Response, SIPError, parseMessage

from .messages import INVITE, RINGING, bare, invite


@pytest.mark.parametrize(
    "data",
    [
        INVITE,
        RINGING,
        invite("Subject: a\r\n b\r\n\tc"),
        invite("X : y", "x:z", ": no name", "no colon"),
        invite(start="INVITE  sip:b@c  SIP/2.0 "),
        invite(start="INVITE sip:b@c sip/2.0"),
        invite(start="INVITE sip:b@c SIP/7.0"),
        invite(start="SIP/2.0 200"),
        invite(start="sip/2.0 200 OK"),
        invite(start="SIP/2.0 200 "),
        invite("Subject: \udcff\udc80 é"),
        invite("Subject: a\rb\nc\0"),
    ],
)
def test_whatIsNotEditedIsWrittenAsItCame(data):
    message = parseMessage(data)
    assert message.toBytes() == data
    assert message.copy().toBytes() == data
    assert parseMessage(memoryview(data)).toBytes() == data


def test_soundMessagesHaveNoDefect():
    for data in (INVITE, RINGING, invite("Subject: a\r\n b", "K : v", "X-y:z", "s:")):
        assert parseMessage(data).defect is None


def test_namesAreCanonical():
    message = parseMessage(
        invite("v:x", "V : y", "X-Own\t: z", "cAlL-iD: q", "x-é: 1", "Folded\r\n : 2")
    )
    assert message.names == [
        *("via", "from", "to", "call-id", "cseq"),
        *("via", "via", "x-own", "call-id", "", "folded"),
    ]
    assert message.get("folded") == "2"


def test_linesWithoutColonHaveNoName():
    message = parseMessage(invite("Via", "Subjec", "v"))
    assert message.names[5:] == ["", "", ""]
    assert len(message.vias) == 1


@pytest.mark.parametrize(
    ("data", "detail"),
    [
        (invite("no colon"), "'no colon' is not a header field"),
        (invite(": x"), "': x' is not a header field"),
        (invite("a b: x"), "'a b: x' is not a header field"),
        (invite("Ü: x"), "'\\xdc: x' is not a header field"),
        (invite("S\0: x"), "'S\\x00: x' is not a header field"),
        (invite("Subject: a\rb"), "CR or LF in 'Subject: a\\rb'"),
        (invite("Subject: a\nTo: b"), "CR or LF in 'Subject: a\\nTo: b'"),
        (invite("Subject: a\r\n b\n"), "CR or LF in 'Subject: a\\r\\n b\\n'"),
        (invite("Subject: \r\r\n \n\tx"), "CR or LF in 'Subject: \\r\\r\\n \\n\\tx'"),
        (invite("Subject: a\0"), "NUL in 'Subject: a\\x00'"),
        (invite('Subject: "a\\\0" \0'), "NUL in 'Subject: \"a\\\\\\x00\" \\x00'"),
        (invite('Subject: "a\\\0'), "NUL in 'Subject: \"a\\\\\\x00'"),
        (invite('Subject: \0"a"'), "NUL in 'Subject: \\x00\"a\"'"),
        (invite(start="INVITE sip:a\rb SIP/2.0"), "CR or LF in 'INVITE sip:a\\rb SIP/2.0'"),
        (invite(start="SIP/2.0 200 O\0K"), "NUL in 'SIP/2.0 200 O\\x00K'"),
        (invite()[:-2], "no empty line after the header fields"),
        (invite()[:-3], "CR or LF in 'CSeq: 1 INVITE\\r'"),
        (invite(start="INVITE sip:b@c SIP/2.0\r\n x"), "the first header line is a continuation"),
        (invite(start="INVITE  sip:b@c SIP/2.0"), "white space in the request line"),
        (invite(start="INVITE sip:b@c  SIP/2.0"), "white space in the request line"),
        (invite(start="INVITE sip:b@c SIP/2.0 "), "white space in the request line"),
        (invite(start=" INVITE sip:b@c SIP/2.0"), "white space in the request line"),
        (invite(start="INVITE sip:b@c; lr SIP/2.0"), "white space in the request line"),
        (invite(start="INVITE  sip:b@c;\tlr SIP/2.0"), "white space in the request line"),
    ],
)
def test_defects(data, detail):
    message = parseMessage(data)
    assert message.defect is not None
    assert message.defect.status == 400
    assert message.defect.detail.startswith(detail)
    # It can be answered.
    assert message.callID == "i"


def test_nulMayBeQuoted():
    """RFC 4475 §3.1.1.2."""
    message = parseMessage(invite('Subject: "BEL:\\\x07 NUL:\\\0 DEL:\\\x7f" "x" "\\\0\\\0"'))
    assert message.defect is None


@pytest.mark.parametrize("version", ["SIP/7.0", "sip/3.0", "SIP/2.1", "SIP/20.0", "SIP/2.00"])
def test_otherVersionsDeserve505(version):
    message = parseMessage(invite(start=f"INVITE sip:b@c {version}"))
    assert message.defect.status == 505
    message = parseMessage(invite(start=f"{version} 200 OK"))
    assert message.defect.status == 505


def test_theVersionIsWithoutCase():
    """RFC 3261 §7.1."""
    message = parseMessage(invite(start="INVITE sip:b@c sip/2.0"))
    assert (message.version, message.defect) == ("SIP/2.0", None)
    message = parseMessage(invite(start="sIp/2.0 200 OK"))
    assert (message.version, message.defect) == ("SIP/2.0", None)


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        ("SIP/2.0 100 Trying", 100, "Trying"),
        ("SIP/2.0 699 a  b ", 699, "a  b "),
        ("SIP/2.0 200 ", 200, ""),
        ("SIP/2.0 200", 200, ""),
        ("SIP/2.0 200 = 2**3 * 5**2 но", 200, "= 2**3 * 5**2 но"),
    ],
)
def test_statusLines(line, status, reason):
    response = parseMessage(invite(start=line))
    assert isinstance(response, Response)
    assert (response.status, response.reason, response.defect) == (status, reason, None)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\r\n",
        b"\0",
        b"hello",
        bare("INVITE sip:b@c"),
        bare("INVITE  SIP/2.0"),
        bare("INVITE SIP/2.0"),
        bare(" SIP/2.0"),
        bare("IN/VITE sip:b@c SIP/2.0"),
        bare("INV\u0130TE sip:b@c SIP/2.0"),
        bare("GET / HTTP/1.1"),
        bare("INVITE sip:b@c SIP/2"),
        bare("INVITE sip:b@c SIP/\u0662.0"),
        bare("INVITE\tsip:b@c\tSIP/2.0"),
        bare("SIP/2.0 4294967301 better not break the receiver"),
        bare("SIP/2.0 099 x"),
        bare("SIP/2.0 700 x"),
        bare("SIP/2.0 20 x"),
        bare("SIP/2.0 2\u0660\u0660 x"),
        bare("SIP/2.0  200 x"),
        bare("SIP/2.0"),
        b"INVITE sip:b@c SIP/2.0\nVia: x\n\n",
        b"\xff\xfe\x00\x01" * 100,
    ],
)
def test_whatHasNoStartLineIsNoMessage(data):
    with pytest.raises(MalformedMessage) as caught:
        parseMessage(data)
    assert caught.value.status == 400


def test_emptyLinesBeforeAMessageAreSkipped():
    assert parseMessage(b"\r\n\r\n\r\n" + INVITE).toBytes() == INVITE
    assert parseMessage(b"\n" + INVITE).toBytes() == INVITE


def test_whatFollowsTheBodyIsDropped():
    """RFC 3261 §18.3."""
    message = parseMessage(INVITE + b"trailing")
    assert message.body == b"v=0\n"
    assert message.toBytes() == INVITE
    assert parseMessage(invite("l: 0", body=RINGING)).body == b""


@pytest.mark.parametrize("lines", [[], ["l: x"], ["l: 2", "l: 2"], ["l: 9"], ["l: -1"]])
def test_withoutAUsableLengthTheBodyIsTheRest(lines):
    assert parseMessage(invite(*lines, body=b"rest")).body == b"rest"


def test_theBodyIsBytes():
    body = bytes(range(256)) + b"\r\n\r\n"
    message = parseMessage(invite(f"l: {len(body)}", body=body))
    assert message.body == body
    assert message.defect is None


def test_unfoldingDoesNotConsumeOtherLines():
    message = parseMessage(invite("Subject:\r\n \r\n\t\r\n x", "X-y: z"))
    assert message.get("subject") == "x"
    assert message.get("x-y") == "z"
    assert message.names[-2:] == ["subject", "x-y"]


LINE_TEXT = st.text(
    st.characters(exclude_characters="\r\n\0", exclude_categories=("Cs",)), max_size=20
)
HEADER_LINE = st.builds(
    "{}{}:{}{}".format,
    st.sampled_from(["Via", "v", "To", "From", "X-y", "CSEQ", "l1", "Subject", "a%b"]),
    st.sampled_from(["", " ", "\t"]),
    LINE_TEXT,
    st.sampled_from(["", "\r\n ", "\r\n\t\r\n x", "\r\n  folded"]),
)


@given(
    st.sampled_from(["INVITE sip:a@b SIP/2.0", "x%y z SIP/2.0", "SIP/2.0 200 é", "SIP/2.0 180 "]),
    st.lists(HEADER_LINE, max_size=12),
    st.binary(max_size=40),
)
def test_soundMessagesAreWrittenAsTheyCame(start, lines, body):
    head = "\r\n".join((start, *lines, f"Content-Length: {len(body)}", "", ""))
    data = head.encode() + body
    message = parseMessage(data)
    assert message.defect is None
    assert message.lines[:-1] == lines
    assert message.body == body
    assert message.toBytes() == data
    # Editing one line leaves the others alone.
    message.set("Content-Length", "0")
    assert message.lines[:-1] == lines


SOMETIMES = st.sampled_from(
    [
        *(b"\r\n", b"\r\n\r\n", b" ", b"\t", b":", b";", b",", b"<", b">", b'"', b"\\", b"\0"),
        *(b"INVITE sip:a@b SIP/2.0", b"SIP/2.0 200 OK", b"Via: SIP/2.0/UDP a", b"To: <sip:a@b>"),
        *(b"v:", b"From", b"l: 3", b"CSeq: 1 INVITE", b"i: x", b"\r", b"\n", b"\xff", b"\xc3\xa9"),
    ]
)


@given(st.lists(SOMETIMES | st.binary(max_size=4), max_size=30), st.booleans())
def test_anythingParsesOrFailsWithAStatus(parts, withStart):
    data = b"".join([b"INVITE sip:a@b SIP/2.0\r\n"] * withStart + parts)
    try:
        message = parseMessage(data)
    except MalformedMessage:
        return
    assert len(message.lines) == len(message.names)
    written = message.toBytes()
    assert parseMessage(written).toBytes() == written
    for name in ("vias", "fromHeader", "to", "callID", "cseq", "contacts", "routes", "expires"):
        try:
            getattr(message, name)
        except SIPError as error:
            assert error.status == 400
    if isinstance(message, Request):
        answer = parseMessage(message.respond(400, toTag="t").toBytes())
        assert isinstance(answer, Response)
        assert answer.defect is None or message.defect is not None
