"""Options that several commands of C{sipappctl} have."""

from __future__ import annotations

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
        help="the server's configuration (default: that of a server without one)",
    )
    return parser
