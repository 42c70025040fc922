"""SIP messages as a test sees them: written by hand, read with the least that can be read.

Nothing here comes from C{sipapp.sip}, so that an error in it cannot hide itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

Address = tuple[str, int]
Headers = Sequence[tuple[str, str]]

COMPACT = {
    "c": "content-type",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "s": "subject",
    "t": "to",
    "v": "via",
}
COOKIE = "z9hG4bK"


def _canonical(name: str) -> str:
    name = name.strip().lower()
    return COMPACT.get(name, name)


@dataclass
class Received:
    """A message off the wire."""

    raw: bytes
    #: Where it came from, and where it came to.
    source: Address = ("", 0)
    destination: Address = ("", 0)
    start: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def __post_init__(self) -> None:
        head, _, self.body = self.raw.partition(b"\r\n\r\n")
        text = head.decode("utf-8", "backslashreplace").replace("\r\n ", " ").replace("\r\n\t", " ")
        self.start, *lines = text.split("\r\n")
        for line in lines:
            name, _, value = line.partition(":")
            self.headers.append((_canonical(name), value.strip()))

    @property
    def status(self) -> int:
        """The status code of a response; 0 for a request."""
        version, _, rest = self.start.partition(" ")
        return int(rest[:3]) if version == "SIP/2.0" else 0

    @property
    def method(self) -> str:
        """The method of a request, or the one that a response is for."""
        return self.get("cseq").split()[-1] if self.status else self.start.partition(" ")[0]

    @property
    def uri(self) -> str:
        return self.start.split(" ")[1]

    @property
    def cseq(self) -> int:
        return int(self.get("cseq").split()[0])

    @property
    def callID(self) -> str:
        return self.get("call-id")

    @property
    def toTag(self) -> str:
        return parameter(self.get("to"), "tag")

    @property
    def branch(self) -> str:
        """The branch of the topmost Via."""
        return parameter(self.getAll("via")[0], "branch")

    def get(self, name: str) -> str:
        """
        @return: the first value of a header, or an empty string.
        """
        return next((value for key, value in self.headers if key == name), "")

    def getAll(self, name: str) -> list[str]:
        """
        @return: the values of a header, those in comma lists one by one. Commas in quotes are
            beyond it; the tests send none.
        """
        return [
            item.strip() for key, value in self.headers if key == name for item in value.split(",")
        ]


def parameter(value: str, name: str) -> str:
    """
    @return: a parameter of a header value such as C{<sip:a@b>;tag=x}, or an empty string.
    """
    _, _, parameters = value.rpartition(">") if ">" in value else value.partition(";")
    for item in parameters.split(";"):
        key, _, text = item.partition("=")
        if key.strip().lower() == name:
            return text.strip()
    return ""


def uriOf(value: str) -> str:
    """
    @return: the URI of a C{name-addr} or C{addr-spec}.
    """
    if "<" in value:
        return value.partition("<")[2].partition(">")[0]
    return value.partition(";")[0].strip()


def workerCode(identifier: str) -> str:
    """
    @return: the part of a branch or a tag minted by the server that names its worker.
    """
    return identifier.removeprefix(COOKIE).partition(".")[0]


def newToken(prefix: str = "") -> str:
    return prefix + secrets.token_hex(8)


def newBranch() -> str:
    return newToken(COOKIE)


def write(start: str, headers: Headers, body: bytes = b"") -> bytes:
    """Put a message together; Content-Length is added."""
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def request(
    method: str,
    uri: str,
    *,
    via: str,
    fromValue: str,
    toValue: str,
    callID: str,
    cseq: int = 1,
    first: Headers = (),
    extra: Headers = (),
    body: bytes = b"",
) -> bytes:
    """Write a request with the headers that every request has to have (RFC 3261 §8.1.1).

    @param first: headers before those, and so before the Call-ID.
    @param extra: headers after them.
    """
    headers = [
        *first,
        ("Via", via),
        ("Max-Forwards", "70"),
        ("From", fromValue),
        ("To", toValue),
        ("Call-ID", callID),
        ("CSeq", f"{cseq} {method}"),
        *extra,
    ]
    return write(f"{method} {uri} SIP/2.0", headers, body)


def response(
    message: Received,
    status: int,
    reason: str,
    *,
    toTag: str = "",
    first: Headers = (),
    extra: Headers = (),
) -> bytes:
    """Write the response to a request (RFC 3261 §8.2.6), its Record-Route copied (§12.1.1)."""
    headers: list[tuple[str, str]] = list(first)
    names = {
        "via": "Via",
        "from": "From",
        "to": "To",
        "call-id": "Call-ID",
        "cseq": "CSeq",
        "record-route": "Record-Route",
    }
    for key, value in message.headers:
        if key in names:
            if key == "to" and toTag and not parameter(value, "tag"):
                value = f"{value};tag={toTag}"
            headers.append((names[key], value))
    return write(f"SIP/2.0 {status} {reason}", [*headers, *extra])
