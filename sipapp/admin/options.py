"""Options that several commands of C{sipappctl} have."""

from __future__ import annotations

import math
import os
import re
from argparse import ArgumentParser, ArgumentTypeError

from sipapp.admin.figures import UNITS

__all__ = ["between", "configured", "positive", "seconds"]

_DURATION = re.compile(r"([0-9]{1,9})([smhd]?)")


def configured() -> ArgumentParser:
    """
    @return: a parent for the parser of a command that works on what a server keeps: it finds out
        where that is as the server does, and so it is run in the same directory.
    """
    parser = ArgumentParser(add_help=False)
    parser.add_argument(
        "--config",
        "-c",
        metavar="FILE",
        default=os.environ.get("SIPAPP_CONFIG") or None,
        help="the server's configuration (default: $SIPAPP_CONFIG, or else that of a server"
        " without one)",
    )
    return parser


def seconds(text: str) -> float:
    """
    @param text: what was typed, such as C{90s}, C{30m}, C{12h} or C{7d}.
    @return: in seconds.
    @raise ArgumentTypeError: if it is no time.
    """
    found = _DURATION.fullmatch(text)
    if found is None or not int(found[1]):
        raise ArgumentTypeError(f"{text!r} is no time such as 90s, 30m, 12h or 7d")
    return float(int(found[1]) * UNITS[found[2] or "s"])


def positive(text: str) -> int:
    """
    @param text: what was typed for how many.
    @raise ArgumentTypeError: if it is no number, or less than 1.
    """
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ArgumentTypeError(f"{text!r} is no whole number of at least 1")
    return int(text)


def between(text: str, least: float, most: float) -> float:
    """
    @param text: a number that was typed.
    @raise ArgumentTypeError: if it is none, or out of these bounds.
    """
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not least <= number <= most:
        raise ArgumentTypeError(f"{text!r} is no number between {least:g} and {most:g}")
    return number
