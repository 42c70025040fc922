"""What a flame graph says in numbers.

A frame of the graph is a rectangle: as wide as the samples in which it was found, one row below its
caller. py-spy notes position and width in samples, for the script in the graph that zooms, and so
they are exact.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

_SVG = "{http://www.w3.org/2000/svg}"
_INFERNO = "{http://github.com/jonhoo/inferno}"
#: What is in so many samples is on the way to everything.
_EVERYTHING = 0.95


@dataclass
class Frame:
    """
    @ivar name: function, and file with line in brackets.
    @ivar start: the first sample that it has, in the order of the graph.
    @ivar samples: how many it has.
    @ivar own: how many of them no callee has.
    @ivar caller: C{None} for the root.
    """

    name: str
    start: int
    samples: int
    own: int
    caller: Frame | None = None

    @property
    def callers(self) -> Iterator[Frame]:
        frame = self.caller
        while frame is not None:
            yield frame
            frame = frame.caller


@dataclass(frozen=True)
class Cost:
    """A function's part of all samples.

    @ivar own: the part in which it was at work itself.
    @ivar total: with what it has called.
    """

    name: str
    own: float
    total: float


def readFrames(file: Path) -> list[Frame]:
    """
    @param file: an SVG that py-spy has written.
    @return: all frames, callers before callees; the first is the root.
    """
    rows: dict[float, list[Frame]] = defaultdict(list)
    for group in ElementTree.parse(file).iter(f"{_SVG}g"):
        title, box = group.findtext(f"{_SVG}title"), group.find(f"{_SVG}rect")
        if title is None or box is None or f"{_INFERNO}w" not in box.attrib:
            continue
        start, samples = int(box.attrib[f"{_INFERNO}x"]), int(box.attrib[f"{_INFERNO}w"])
        # After the name: "(12 samples, 3.45%)".
        frame = Frame(title.rpartition(" (")[0], start, samples, samples)
        rows[float(box.attrib["y"])].append(frame)
    ordered = [sorted(rows[y], key=lambda frame: frame.start) for y in sorted(rows)]
    for callers, callees in pairwise(ordered):
        _connect(callers, callees)
    return [frame for row in ordered for frame in row]


def _connect(callers: list[Frame], callees: list[Frame]) -> None:
    """
    @param callers: a row, from left to right.
    @param callees: the row after it.
    """
    remaining = iter(callers)
    caller = next(remaining)
    for callee in callees:
        while callee.start >= caller.start + caller.samples:
            caller = next(remaining)
        callee.caller = caller
        caller.own -= callee.samples


def costs(frames: list[Frame]) -> list[Cost]:
    """
    @return: all functions. A sample counts once for a function that has called itself.
    """
    own: dict[str, int] = defaultdict(int)
    total: dict[str, int] = defaultdict(int)
    root, *others = frames
    for frame in others:
        own[frame.name] += frame.own
        if all(caller.name != frame.name for caller in frame.callers):
            total[frame.name] += frame.samples
    return [Cost(name, own[name] / root.samples, total[name] / root.samples) for name in total]


def table(found: list[Cost], unit: float, count: int) -> str:
    """
    @param unit: microseconds that all samples together stand for.
    @param count: how many lines each half has.
    @return: the dearest functions, by what they cost themselves, and with their callees but without
        those that only lead to all others.
    """
    narrower = [cost for cost in found if cost.total < _EVERYTHING]
    lines = []
    for title, rows, key in (("BY ITSELF", found, _own), ("WITH WHAT IT CALLS", narrower, _total)):
        lines += ["", title, "  itself µs      %   with callees µs      %"]
        for cost in sorted(rows, key=key, reverse=True)[:count]:
            lines.append(
                f"{cost.own * unit:11.1f} {cost.own:6.1%} {cost.total * unit:17.1f}"
                f" {cost.total:6.1%}  {cost.name}"
            )
    return "\n".join(lines[1:])


def _own(cost: Cost) -> float:
    return cost.own


def _total(cost: Cost) -> float:
    return cost.total
