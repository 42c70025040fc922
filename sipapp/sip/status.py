"""Reason phrases of the status codes (RFC 3261 §21 and the extensions that sipapp meets)."""

from __future__ import annotations

__all__ = ["REASONS", "knownStatus", "reasonPhrase"]

REASONS = {
    100: "Trying",
    180: "Ringing",
    181: "Call Is Being Forwarded",
    182: "Queued",
    183: "Session Progress",
    199: "Early Dialog Terminated",
    200: "OK",
    202: "Accepted",
    204: "No Notification",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    305: "Use Proxy",
    380: "Alternative Service",
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    410: "Gone",
    412: "Conditional Request Failed",
    413: "Request Entity Too Large",
    414: "Request-URI Too Long",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    428: "Use Identity Header",
    429: "Provide Referrer Identity",
    430: "Flow Failed",
    433: "Anonymity Disallowed",
    439: "First Hop Lacks Outbound Support",
    440: "Max-Breadth Exceeded",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    484: "Address Incomplete",
    485: "Ambiguous",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    493: "Undecipherable",
    494: "Security Agreement Required",
    500: "Server Internal Error",
    501: "Not Implemented",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    580: "Precondition Failure",
    600: "Busy Everywhere",
    603: "Decline",
    604: "Does Not Exist Anywhere",
    606: "Not Acceptable",
}

_CLASSES = {
    1: "Session Progress",
    2: "OK",
    3: "Redirection",
    4: "Bad Request",
    5: "Server Internal Error",
    6: "Global Failure",
}


def reasonPhrase(status: int) -> str:
    """
    @param status: a status code.
    @return: its phrase; for a code that is not registered here the phrase of its class, as
        RFC 3261 §8.1.3.2 has an unknown code treated as the x00 of its class.
    """
    return REASONS.get(status) or _CLASSES.get(status // 100, "Unknown")


def knownStatus(status: int) -> int:
    """
    @return: a status code itself if it is registered here, otherwise the x00 of its class, as which
        it is to be treated (RFC 3261 §8.1.3.2).
    """
    return status if status in REASONS else status // 100 * 100
