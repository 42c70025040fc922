"""The methods that there are standards for."""

from __future__ import annotations

__all__ = ["METHODS", "OTHER"]

METHODS = frozenset(
    (
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "OPTIONS",
        "REGISTER",
        "PRACK",  # RFC 3262
        "SUBSCRIBE",  # RFC 6665
        "NOTIFY",
        "PUBLISH",  # RFC 3903
        "INFO",  # RFC 6086
        "REFER",  # RFC 3515
        "MESSAGE",  # RFC 3428
        "UPDATE",  # RFC 3311
    )
)

OTHER = "other"
"""What any other method is counted as. A peer may make up as many as it likes."""
