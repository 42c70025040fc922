"""HTTP/1.1 as a test sees it: requests written by hand, answers read with the least that can be
read (RFC 9112). Nothing here comes from what is tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

Headers = Sequence[tuple[str, str]]

#: Answers that never have a body (RFC 9112 §6.3).
BODILESS = (204, 304)


@dataclass
class Answer:
    """An answer off the wire.

    @ivar headers: names in lower case, in their order.
    """

    status: int
    reason: str = ""
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    version: str = "HTTP/1.1"

    def getAll(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]

    def get(self, name: str) -> str | None:
        """
        @return: the value of a field that is there once, or C{None}.
        """
        values = self.getAll(name)
        assert len(values) < 2, f"{name} is there {len(values)} times"
        return values[0] if values else None

    @property
    def etag(self) -> str:
        """The entity tag, quotation marks and all."""
        tag = self.get("etag")
        assert tag is not None, f"no ETag in a {self.status}"
        return tag

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    @property
    def isLast(self) -> bool:
        """Whether the connection ends with it."""
        tokens = ",".join(self.getAll("connection")).lower()
        return self.version == "HTTP/1.0" or "close" in tokens


def request(
    method: str, target: str, host: str, headers: Headers = (), body: bytes | None = None
) -> bytes:
    """
    @param target: goes out as it is, so that it can be wrong.
    @param headers: besides Host and Content-Length; one that is given here is not added.
    @param body: C{None} is none, and no Content-Length either.
    """
    given = {name.lower() for name, _ in headers}
    lines = [f"{method} {target} HTTP/1.1"]
    if "host" not in given:
        lines.append(f"Host: {host}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body is not None and not given & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + (body or b"")


def chunked(*parts: bytes) -> bytes:
    """
    @return: a body in these chunks.
    """
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (*parts, b""))


def takeAnswer(
    data: bytes, method: str = "GET", ended: bool = False
) -> tuple[Answer, bytes] | None:
    """
    @param data: what has come.
    @param method: of the request: an answer to HEAD has no body, whatever it says of one.
    @param ended: whether no more will come.
    @return: the first answer, also one that is only provisional, and what follows; C{None} if it
        is not whole yet.
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        return None
    first, *lines = head.decode("utf-8", "backslashreplace").split("\r\n")
    version, status, *reason = first.split(" ", 2)
    answer = Answer(int(status), "".join(reason), version=version)
    for line in lines:
        name, colon, value = line.partition(":")
        assert colon and name == name.strip(), f"{line!r} is no header line"
        answer.headers.append((name.lower(), value.strip()))
    if answer.status < 200 or answer.status in BODILESS or method == "HEAD":
        return answer, rest
    if answer.get("transfer-encoding") == "chunked":
        whole = _unchunked(rest)
    elif (length := answer.get("content-length")) is not None:
        size = int(length)
        whole = (rest[:size], rest[size:]) if len(rest) >= size else None
    else:
        whole = (rest, b"") if ended else None
    if whole is None:
        return None
    answer.body, rest = whole
    return answer, rest


def _unchunked(data: bytes) -> tuple[bytes, bytes] | None:
    body = b""
    while True:
        size, end, data = data.partition(b"\r\n")
        length = int(size, 16) if end else 0
        if not end or len(data) < length + 2:
            return None
        body += data[:length]
        assert data[length : length + 2] == b"\r\n"
        data = data[length + 2 :]
        if not length:
            return body, data
