"""What the parent says about a message that a worker has died of.

The parent parses nothing: what has killed one process must not be given to the next.
"""

from __future__ import annotations

import re

from sipapp.pool import escape

__all__ = ["nameMessage"]

_CALL_ID = re.compile(
    rb"\r\n(?:call-id|i)[ \t]{0,8}:[ \t\r\n]{0,8}([!-\xff]{1,256})", re.IGNORECASE
)


def nameMessage(data: bytes) -> str:
    """What to call a message in the log.

    >>> nameMessage(b"OPTIONS sip:a SIP/2.0\\r\\ni: x@y\\r\\n\\r\\n")
    'the message with the Call-ID x@y'
    """
    found = _CALL_ID.search(data)
    if found is None:
        return "a message without Call-ID"
    return f"the message with the Call-ID {escape(found[1])}"
