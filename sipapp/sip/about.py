"""What the log says of a message that a line is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sipapp.sip.errors import SIPError
from sipapp.sip.host import bracketed
from sipapp.sip.request import Request

if TYPE_CHECKING:
    from sipapp.sip.message import Message

__all__ = ["about"]

#: Characters of a value; what is longer says no more.
_LONGEST = 256


def about(message: Message) -> dict[str, str]:
    """Name a message to the log::

        log.warn("There is no route", about=about(request))

    What is logged while a message is being handled has this by itself. It is for what is logged
    later: in a callback, or when a timer has fired.

    @return: C{call_id}, C{method} (for a response, that of its request), and the address that it
        has come from as C{source}; without what is not known.
    """
    fields = {}
    callID = message.get("call-id")
    if callID:
        fields["call_id"] = callID[:_LONGEST]
    try:
        method = message.method if isinstance(message, Request) else message.cseq.method
    except SIPError:
        # A response without a sound CSeq.
        method = ""
    if method:
        fields["method"] = method[:_LONGEST]
    if message.flow is not None:
        host, port = message.flow.remote[:2]
        fields["source"] = f"{bracketed(host)}:{port}"
    return fields
