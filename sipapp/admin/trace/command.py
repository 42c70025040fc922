"""C{sipappctl trace}: follows a user, an address or a call."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from shutil import get_terminal_size
from typing import Any

import msgspec

from sipapp.admin.client import Client
from sipapp.admin.commands.asking import DONE, NOT_DONE, asking, operating
from sipapp.admin.options import seconds
from sipapp.admin.tables import toJSON
from sipapp.admin.trace.capture import Capture
from sipapp.admin.trace.ladder import ASCII, DRAWN, Ladder
from sipapp.sip import bracketed
from sipapp.tracing import HostPort, Sighting, Traced

__all__ = ["addTraceCommand"]

_LONGEST = 86_400.0

#: Seconds that a message waits for those of other workers that come before it.
_SETTLING = 0.3

_Show = Callable[[Sighting], None]


def addTraceCommand(commands: Any) -> None:
    """
    @param commands: the subparsers that C{sipappctl} has its commands in.
    """
    tracing: ArgumentParser = commands.add_parser(
        "trace",
        help="follow the messages of a user, an address or a call, across all workers",
        description="Draws each message as it comes or goes, until Ctrl-C. What somebody could log"
        " in with is masked.",
        parents=[operating(asJSON=False)],
    )
    tracing.add_argument(
        "subject",
        nargs="?",
        default="",
        metavar="USER|CALL-ID|ADDRESS",
        help="such as alice, alice@example.com, +4930123456, 192.0.2.1, 192.0.2.0/24,"
        " 192.0.2.1:5060 or a Call-ID (default: everything)",
    )
    tracing.add_argument(
        "--for",
        dest="duration",
        type=_bounded,
        default=3600.0,
        metavar="TIME",
        help="such as 90s or 30m, a day at most (default: 1h)",
    )
    shape = tracing.add_mutually_exclusive_group()
    shape.add_argument("--raw", action="store_true", help="write each message in full")
    shape.add_argument("--json", action="store_true", help="an object for each message, on a line")
    shape.add_argument(
        "--pcap",
        metavar="FILE",
        help="write what Wireshark and sngrep open; - is standard output, for"
        " sipappctl trace --pcap - | wireshark -k -i -",
    )
    tracing.set_defaults(run=asking(_trace))


def _trace(client: Client, given: Namespace) -> int:
    with ExitStack() as open_:
        try:
            show = _shower(given, open_)
        except OSError as error:
            print(f"sipappctl: {given.pcap}: {error.strerror}", file=sys.stderr)
            return NOT_DONE
        client.call(
            "worker.trace", {"subject": given.subject, "seconds": given.duration, "live": True}
        )
        # Whatever is shown goes to standard output.
        print("sipappctl: Ctrl-C ends the trace", file=sys.stderr)
        return _follow(client, show)


def _follow(client: Client, show: _Show) -> int:
    """Show what comes, until there is no more of it or nobody wants any."""
    waiting: list[Sighting] = []
    count = leftOut = 0
    isOver = False

    def settle(before: float) -> None:
        nonlocal count
        waiting.sort(key=lambda each: each.time)
        while waiting and waiting[0].time <= before:
            show(waiting.pop(0))
            count += 1
        sys.stdout.flush()

    try:
        for parameters in client.notifications(lambda: settle(time.time() - _SETTLING)):
            told = msgspec.convert(parameters, Traced)
            waiting.extend(told.sightings)
            leftOut = told.leftOut
            isOver = told.isOver
            if isOver:
                break
            settle(time.time() - _SETTLING)
        status = DONE if isOver else NOT_DONE
    except KeyboardInterrupt:
        # That is how somebody leaves who has seen enough.
        status = DONE
    settle(float("inf"))
    lost = f", and {leftOut} left out: there were too many at once" if leftOut else ""
    why = "" if status == DONE else ". The server has hung up"
    print(f"sipappctl: {count} message{'' if count == 1 else 's'}{lost}{why}", file=sys.stderr)
    return status


def _shower(given: Namespace, open_: ExitStack) -> _Show:
    """
    @param open_: closes what is opened.
    @return: what shows a message as it is wanted.
    @raise OSError: if the file cannot be written.
    """
    if given.pcap == "-":
        return Capture(sys.stdout.buffer).add
    if given.pcap is not None:
        return Capture(open_.enter_context(open(given.pcap, "wb"))).add
    if given.json:
        return _writeJSON
    if given.raw:
        return _writeRaw
    try:
        "".join(DRAWN).encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        strokes = ASCII
    else:
        strokes = DRAWN
    return Ladder(print, get_terminal_size().columns, strokes).add


def _writeJSON(sighting: Sighting) -> None:
    sys.stdout.write(toJSON(sighting) + "\n")


def _writeRaw(sighting: Sighting) -> None:
    """A message as it came, but for what a terminal would obey."""
    moment = datetime.fromtimestamp(sighting.time).astimezone()
    where = f"{_end(sighting.local)} {'>' if sighting.direction == 'sent' else '<'}"
    print(
        f"--- {moment.isoformat(timespec='milliseconds')} {sighting.worker} {sighting.transport}"
        f" {where} {_end(sighting.remote)}"
    )
    text = sighting.message.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    for line in text.split("\n"):
        print(
            "".join(
                each if each.isprintable() or each == "\t" else ascii(each)[1:-1] for each in line
            )
        )


def _end(end: HostPort) -> str:
    return f"{bracketed(end[0])}:{end[1]}"


def _bounded(text: str) -> float:
    found = seconds(text)
    if found > _LONGEST:
        raise ArgumentTypeError("a day at most")
    return found
