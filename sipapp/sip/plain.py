"""The head of a message in the shape that nearly all have, read by one pattern.

What matches it is well-formed, and nothing that is only looked at to see that is made a value of.
A message that does not match may still be in good order: the parsers of its header fields decide,
and find the words for what is wrong.
"""

from __future__ import annotations

import re
from functools import lru_cache

from sipapp.sip.grammar import PLAIN_PARAMS, PLAIN_VALUE, TOKEN, plainParams
from sipapp.sip.headers import CSeq
from sipapp.sip.host import PLAIN_HOST, PLAIN_PORT
from sipapp.sip.sipuri import PLAIN_USER
from sipapp.sip.via import Via

__all__ = ["isPlainRoute", "plainHead"]

_PARAM = r"[A-Za-z0-9\-_.!~*'()\[\]/:&+$]++"
_URI = rf"<sips?:(?:{PLAIN_USER}@)?{PLAIN_HOST}(?::{PLAIN_PORT})?(?:;{_PARAM}(?:={_PARAM})?)?>"
_ADDRESS = (
    r"(?:[A-Za-z0-9\-.!%*_+`'~\x80-\U0010ffff \t]*+"
    r'|"[^"\\\x00-\x1f\x7f]*+" ?)'
    rf"{_URI}(?:;tag={TOKEN})?"
)
# A line holds no LF of its own unless it is folded, and then there is a CR before it.
_head = re.compile(
    rf"(?:Via|v): SIP/2\.0/(UDP|TCP|TLS|WSS?) ({PLAIN_HOST})(?::({PLAIN_PORT}))?"
    rf"(?:;branch=({PLAIN_VALUE}))?({PLAIN_PARAMS})\n"
    rf"(?:From|f): {_ADDRESS}\n"
    rf"(?:To|t): {_ADDRESS}\n"
    r"(?:Call-ID|i): ([^\x00-\x20\x7f]++)\n"
    rf"CSeq: ([0-9]{{1,9}}) ({TOKEN})\Z"
).match

_route = re.compile(rf"Route: {_URI}\Z").match

_HOPS = {f"Max-Forwards: {number}": number for number in range(256)}

_ONCE = ("from", "to", "call-id", "cseq")
_AT_MOST_ONCE = ("content-length", "max-forwards")

_LAYOUTS = 256
_MOST_LINES = 40

_newCSeq = tuple.__new__


def plainHead(
    names: list[str], lines: list[str], body: bytes
) -> tuple[Via, str, CSeq, int | None] | None:
    """Read topmost Via, From, To, Call-ID, CSeq and Content-Length, if each is in plain shape and
    none of them but Via is there more than once.

    @return: topmost Via, Call-ID, CSeq and Max-Forwards, which is C{None} unless it is plain too.
    """
    places = _places(tuple(names)) if len(names) <= _MOST_LINES else None
    if places is None:
        return None
    via, from_, to, callID, cseq, length, hops = places
    if length >= 0 and lines[length] != f"Content-Length: {len(body)}":
        return None
    found = _head(f"{lines[via]}\n{lines[from_]}\n{lines[to]}\n{lines[callID]}\n{lines[cseq]}")
    if found is None:
        return None
    transport, host, port, branch, rest, call, number, method = found.groups()
    params: dict[str, str | None] = {} if branch is None else {"branch": branch}
    if rest == ";rport":
        params["rport"] = None
    elif rest:
        try:
            plainParams(rest, params)
        except ValueError:
            return None
    return (
        Via(transport, host, None if port is None else int(port), params),
        call,
        _newCSeq(CSeq, (int(number), method)),
        _HOPS.get(lines[hops]) if hops >= 0 else None,
    )


def isPlainRoute(line: str) -> bool:
    """Whether a Route line holds one value and nothing unusual."""
    return _route(line) is not None


@lru_cache(_LAYOUTS)
def _places(names: tuple[str, ...]) -> tuple[int, ...] | None:
    """Find the lines that a plain head is read from. Peers have few layouts of their messages, so
    those that came last are remembered.

    @return: the indices of topmost Via, From, To, Call-ID, CSeq, Content-Length and Max-Forwards;
        -1 for the last two if they are missing. C{None} if another one is missing, or if one of
        them but Via is repeated.
    """
    if "via" not in names or any(names.count(name) != 1 for name in _ONCE):
        return None
    if any(names.count(name) > 1 for name in _AT_MOST_ONCE):
        return None
    return (
        names.index("via"),
        *[names.index(name) for name in _ONCE],
        *[names.index(name) if name in names else -1 for name in _AT_MOST_ONCE],
    )
