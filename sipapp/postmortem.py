"""What the parent says about a message that a worker has died of.

The parent parses nothing: what has killed one process must not be given to the next.
"""

from __future__ import annotations

import re

from sipapp.pool import Name, escape
from sipapp.tracing import masked

__all__ = ["nameMessage"]

_METHOD = re.compile(rb"([A-Z]{1,32}) [^\r\n]* SIP/2\.0\r\n")
_CALL_ID = re.compile(
    rb"\r\n(?:call-id|i)[ \t]{0,8}:[ \t\r\n]{0,8}([!-\xff]{1,256})", re.IGNORECASE
)


def nameMessage(data: bytes) -> Name:
    """What to call a message in the log, and what of it may stand there: what is no secret.

    >>> nameMessage(b"OPTIONS sip:a SIP/2.0\\r\\ni: x@y\\r\\n\\r\\n").words
    'the message with the Call-ID x@y'
    """
    about = {}
    method = _METHOD.match(data)
    if method is not None:
        about["method"] = method[1].decode("ascii")
    found = _CALL_ID.search(data)
    if found is None:
        return Name("a message without Call-ID", about, masked(data))
    about["call_id"] = escape(found[1])
    return Name(f"the message with the Call-ID {about['call_id']}", about, masked(data))
