"""A Contact in the shape that nearly all phones give it, read by one pattern.

No two phones have the same one, so its URI is not among those that are remembered.
"""

from __future__ import annotations

import re

from sipapp.sip.address import NameAddr
from sipapp.sip.grammar import PLAIN_PARAMS, plainParams
from sipapp.sip.host import PLAIN_HOST, PLAIN_PORT
from sipapp.sip.sipuri import PLAIN_USER, SIPURI

__all__ = ["plainContact"]

_PARAM = r"[A-Za-z0-9\-_.!~*'()\[\]/:&+$]++"
_line = re.compile(
    rf"(?:Contact|m): (<((sips?):(?:({PLAIN_USER})@)?({PLAIN_HOST})(?::({PLAIN_PORT}))?"
    rf"((?:;{_PARAM}(?:={_PARAM})?)*))>({PLAIN_PARAMS}))\Z"
).match


def plainContact(line: str) -> NameAddr | None:
    """
    @param line: the only Contact line of a message.
    @return: the address, or C{None} if the line is in another shape; then it may be well-formed
        nevertheless.
    """
    found = _line(line)
    if found is None:
        return None
    text, address, scheme, user, host, port, ofURI, rest = found.groups()
    try:
        return NameAddr(
            None,
            SIPURI(
                scheme,
                user,
                None,
                host,
                None if port is None else int(port),
                plainParams(ofURI, {}) if ofURI else None,
                "",
                address,
            ),
            plainParams(rest, {}) if rest else None,
            text,
        )
    except ValueError:
        # A parameter appears twice.
        return None
