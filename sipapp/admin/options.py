"""Options that several commands of C{sipappctl} have."""

from __future__ import annotations

import os
from argparse import ArgumentParser

__all__ = ["configured"]


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
        default=os.environ.get("SIPAPP_CONFIG"),
        help="the server's configuration (default: $SIPAPP_CONFIG, or else that of a server"
        " without one)",
    )
    return parser
