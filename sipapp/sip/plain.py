"""The head of a message in the shape that nearly all have, read by one pattern.

What matches it is well-formed, and nothing that is only looked at to see that is made a value of.
A message that does not match may still be in good order: the parsers of its header fields decide,
and find the words for what is wrong.
"""

from __future__ import annotations

import re

from sipapp.sip.grammar import PLAIN_PARAMS, PLAIN_VALUE, TOKEN, plainParams
from sipapp.sip.headers import CSeq
from sipapp.sip.host import PLAIN_HOST, PLAIN_PORT
from sipapp.sip.via import Via

__all__ = ["plainHead"]

_USER = r"[A-Za-z0-9\-_.!~*'()&=+$,;?/]++"
_PARAM = r"[A-Za-z0-9\-_.!~*'()\[\]/:&+$]++"
_ADDRESS = (
    r"(?:[A-Za-z0-9\-.!%*_+`'~\x80-\U0010ffff \t]*+"
    r'|"[^"\\\x00-\x1f\x7f]*+" ?)'
    rf"<sips?:(?:{_USER}@)?{PLAIN_HOST}(?::{PLAIN_PORT})?(?:;{_PARAM}(?:={_PARAM})?)?>"
    rf"(?:;tag={TOKEN})?"
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

_HOPS = {f"Max-Forwards: {number}": number for number in range(256)}

_newCSeq = tuple.__new__


def plainHead(
    names: list[str], lines: list[str], body: bytes
) -> tuple[Via, str, CSeq, int | None] | None:
    """Read topmost Via, From, To, Call-ID, CSeq and Content-Length, if each is in plain shape and
    none of them but Via is there more than once.

    @return: topmost Via, Call-ID, CSeq and Max-Forwards, which is C{None} unless it is plain too.
    """
    last = dict(zip(names, lines))  # noqa: B905 - their lengths are equal; looking takes time
    repeated = len(names) - len(last)
    if repeated and repeated != _repeats(names, "via") + _repeats(names, "record-route"):
        return None
    length = last.get("content-length")
    if length is not None and length != f"Content-Length: {len(body)}":
        return None
    try:
        found = _head(
            f"{lines[names.index('via')]}\n{last['from']}\n{last['to']}\n"
            f"{last['call-id']}\n{last['cseq']}"
        )
        if found is None:
            return None
        transport, host, port, branch, rest, callID, number, method = found.groups()
        params: dict[str, str | None] = {} if branch is None else {"branch": branch}
        if rest == ";rport":
            params["rport"] = None
        elif rest:
            plainParams(rest, params)
    except (KeyError, ValueError):
        # One of them is missing, or a parameter appears twice.
        return None
    via = Via(transport, host, None if port is None else int(port), params)
    cseq = _newCSeq(CSeq, (int(number), method))
    return via, callID, cseq, _HOPS.get(last.get("max-forwards", ""))


def _repeats(names: list[str], key: str) -> int:
    """How many lines of a name there are besides the last."""
    count = names.count(key)
    return count - 1 if count else 0
