"""Messages as a ladder, as it grows: the server and its peers side by side, and an arrow from one
to the other for each message."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from sipapp.admin.tables import shown
from sipapp.sip import bracketed
from sipapp.tracing import Sighting

__all__ = ["ASCII", "DRAWN", "Ladder", "Strokes"]

#: Columns between two lines, and what stands to the left of the first.
_STEP = 19
_TIME = 12
_WORKER = 9
_LEFT = _TIME + 1 + _WORKER + 1
_MARGIN = 9

SERVER = "sipapp"


class Strokes(NamedTuple):
    """What lines are made of."""

    upright: str
    level: str
    leftwards: str
    rightwards: str


DRAWN = Strokes("│", "─", "◀", "▶")
ASCII = Strokes("|", "-", "<", ">")


class Ladder:
    """Draws messages one by one. The first peer stands to the left of the server, the others to the
    right of it. If there is no room for another one, it gets the place of the one that has been
    silent for the longest time."""

    def __init__(
        self,
        write: Callable[[str], None],
        width: int,
        strokes: Strokes = DRAWN,
        clock: Callable[[float], time.struct_time] = time.localtime,
    ) -> None:
        """
        @param write: takes one line, without its end.
        @param width: columns of the terminal.
        @param clock: makes a local time of seconds since the epoch.
        """
        self._write = write
        self._strokes = strokes
        self._clock = clock
        # Room for the server, and for two peers at least, however narrow the terminal is.
        self._room = max(2, (width - _LEFT - 2 * _MARGIN) // _STEP)
        # Those who were heard of last stand last.
        self._places: dict[str, int] = {}
        self._callID: str | None = None

    def add(self, sighting: Sighting) -> None:
        """Draw a message."""
        name = f"{bracketed(sighting.remote[0])}:{sighting.remote[1]}"
        if sighting.callID != self._callID:
            self._callID = sighting.callID
            self._write(f"Call-ID {shown(sighting.callID) or 'missing'}")
        if name not in self._places:
            self._giveRoom(name)
            self._write(self._heading())
        place = self._places.pop(name)
        self._places[name] = place
        self._write(self._left(sighting) + self._arrow(place, sighting))

    def _giveRoom(self, name: str) -> None:
        if len(self._places) < self._room:
            # Place 1 is the server's.
            self._places[name] = len(self._places) + bool(self._places)
        else:
            silent = next(iter(self._places))
            self._places[name] = self._places.pop(silent)

    def _heading(self) -> str:
        line = ""
        names = {1: SERVER, **{place: name for name, place in self._places.items()}}
        for place in sorted(names):
            label = names[place]
            if len(label) >= _STEP:
                # The port tells one phone behind a NAT from the next.
                label = f"{label[: _STEP - 10]}..{label[-(_STEP - 13) :]}"
            line = line.ljust(_x(place) - len(label) // 2) + label
        return line

    def _left(self, sighting: Sighting) -> str:
        moment = time.strftime("%H:%M:%S", self._clock(sighting.time))
        thousandths = int(sighting.time * 1000) % 1000
        return f"{moment}.{thousandths:03} {sighting.worker:<{_WORKER}} "

    def _arrow(self, place: int, sighting: Sighting) -> str:
        strokes = self._strokes
        last = max(1, *self._places.values())
        line = [" "] * (_x(last) + 1 - _LEFT)
        for each in (1, *self._places.values()):
            line[_x(each) - _LEFT] = strokes.upright
        begin, end = sorted((_x(1) - _LEFT, _x(place) - _LEFT))
        isRightwards = (place > 1) == (sighting.direction == "sent")
        # The text stands beside the server, where no other line is crossed.
        room = _STEP - 5
        label = f" {_labelOf(sighting, room)} "
        strokesOfArrow = [strokes.level] * (end - begin - 1)
        free = _STEP - 1 - len(label)
        start = free // 2 if place > 1 else len(strokesOfArrow) - len(label) - free // 2
        strokesOfArrow[start : start + len(label)] = label
        if isRightwards:
            strokesOfArrow[-1] = strokes.rightwards
        else:
            strokesOfArrow[0] = strokes.leftwards
        line[begin + 1 : end] = strokesOfArrow
        return "".join(line)


def _x(place: int) -> int:
    """The column of an upright line."""
    return _LEFT + _MARGIN + place * _STEP


def _labelOf(sighting: Sighting, room: int) -> str:
    """What a message is, in so many characters."""
    method = shown(sighting.method) or "?"
    if not sighting.status:
        return method[:room]
    reason = shown(sighting.reason)
    for text in (f"{sighting.status} {reason} ({method})", f"{sighting.status} {reason}"):
        if len(text) <= room:
            return text
    return f"{sighting.status} ({method})"[:room]
