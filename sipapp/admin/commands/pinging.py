"""C{sipappctl ping}: asks a SIP server, here or elsewhere, whether it is there."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError, Namespace
from typing import Any

from sipapp.admin.options import between, positive
from sipapp.admin.ping import Unanswered, ping, transportOf
from sipapp.sip import SIPURI, MalformedURI, parseURI

__all__ = ["addPingCommand"]


def addPingCommand(commands: Any) -> None:
    """
    @param commands: the subparsers that C{sipappctl} has its commands in.
    """
    pinging = commands.add_parser(
        "ping", help="send OPTIONS to a SIP URI and show who answers, and how fast"
    )
    pinging.add_argument(
        "uri",
        type=_sipURI,
        help="such as sip:192.0.2.1, sip:192.0.2.1:5062;transport=tcp or sips:example.com",
    )
    pinging.add_argument("-c", "--count", type=positive, default=1, help="requests (default: 1)")
    pinging.add_argument(
        "-w", "--wait", type=_wait, default=4.0, help="seconds to wait for each (default: 4)"
    )
    pinging.set_defaults(run=_ping)


def _ping(given: Namespace) -> int:
    unanswered = 0
    for _ in range(given.count):
        try:
            answer = ping(given.uri, given.wait)
        except (Unanswered, OSError) as error:
            unanswered += 1
            print(f"{given.uri}: {error}", file=sys.stderr)
        else:
            response = answer.response
            print(
                f"{response.status} {_shown(response.reason)} from {answer.source}"
                f" in {answer.seconds * 1000:.1f} ms"
                f" ({_shown(response.get('server') or 'no Server header')})"
            )
    return 1 if unanswered else 0


def _shown(text: str) -> str:
    """Text from the network, as a terminal may see it."""
    return text if text.isprintable() and text.isascii() else ascii(text)


def _sipURI(text: str) -> SIPURI:
    try:
        uri = parseURI(text if ":" in text else f"sip:{text}")
    except MalformedURI as error:
        raise ArgumentTypeError(f"{text!r} is not a SIP URI: {error.detail}") from error
    if not isinstance(uri, SIPURI):
        raise ArgumentTypeError(f"{text!r} is not a SIP URI")
    try:
        transportOf(uri)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r}: {error}") from error
    return uri


def _wait(text: str) -> float:
    return between(text, 0.01, 3600)
