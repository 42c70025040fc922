"""The plot of processor times, as SVG that is readable on light and on dark ground."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from bench.compare.rows import ORDER, Row
from bench.compare.scenarios import SCENARIOS
from bench.table import number

_WIDTH = 760
#: Where bars begin, and where the longest ends.
_LEFT, _RIGHT = 130, 680
_BAR = 13
_GAP = 10
_LINE = 18

#: A colour for each server on light ground, and on dark.
_COLOURS = {
    "sipapp": ("#1f6feb", "#58a6ff"),
    "kamailio-tuned": ("#bf6a02", "#e3913d"),
    "kamailio-stock": ("#8a8f98", "#9aa1ab"),
}


def plot(rows: Iterable[Row]) -> str:
    """
    @return: a panel for each scenario, in it a bar for each server in each cell.
    """
    found = [row for row in rows if row.cpu_us is not None]
    drawing = _Drawing()
    drawing.legend([server for server in ORDER if any(row.server == server for row in found)])
    for name, scenario in SCENARIOS.items():
        panel = [row for row in found if row.scenario == name]
        if panel:
            drawing.panel(f"{name}: CPU µs for each {scenario.unit}", panel)
    return drawing.text()


class _Drawing:
    """What is drawn from top to bottom."""

    def __init__(self) -> None:
        self._root = Element("svg", xmlns="http://www.w3.org/2000/svg", role="img")
        SubElement(self._root, "title").text = "Processor time of sipapp and Kamailio"
        SubElement(self._root, "style").text = _style()
        self._y = 8

    def legend(self, servers: Sequence[str]) -> None:
        x = _LEFT
        for server in servers:
            self._bar(server, x, self._y, _BAR)
            self._label(server, x + _BAR + 6, self._y)
            x += _BAR + 6 + 8 * len(server) + 24
        self._y += _BAR + _GAP

    def panel(self, title: str, rows: Sequence[Row]) -> None:
        """
        @param rows: of one scenario.
        """
        self._y += _GAP
        self._label(title, 0, self._y, "title")
        self._y += _LINE + 2
        scale = (_RIGHT - _LEFT) / max(row.cpu_us or 0.0 for row in rows)
        for cell in dict.fromkeys(row.cell for row in rows):
            inCell = {row.server: row for row in rows if row.cell == cell}
            _, transport, workers = cell
            middle = self._y + (len(inCell) - 1) * _BAR // 2
            label = f"{transport.upper()}, {workers} worker{'s' * (workers > 1)}"
            self._label(label, _LEFT - 8, middle, "cell")
            for server in ORDER:
                if server in inCell:
                    self._value(inCell[server], scale)
            self._y += _GAP

    def _value(self, row: Row, scale: float) -> None:
        length = (row.cpu_us or 0.0) * scale
        self._bar(row.server, _LEFT, self._y, length)
        self._label(number(row.cpu_us), _LEFT + length + 5, self._y)
        self._y += _BAR

    def _bar(self, server: str, x: float, y: float, length: float) -> None:
        SubElement(
            self._root,
            "rect",
            {"class": server, "x": f"{x:g}", "y": f"{y:g}"},
            width=f"{max(1.0, length):.1f}",
            height=str(_BAR - 2),
        )

    def _label(self, text: str, x: float, y: float, kind: str = "value") -> None:
        place = {"class": kind, "x": f"{x:.1f}", "y": f"{y + _BAR - 3:g}"}
        SubElement(self._root, "text", place).text = text

    def text(self) -> str:
        height = self._y + _GAP
        self._root.set("viewBox", f"0 0 {_WIDTH} {height}")
        self._root.set("width", str(_WIDTH))
        self._root.set("height", str(height))
        ElementTree.indent(self._root)
        return ElementTree.tostring(self._root, encoding="unicode") + "\n"


def _style() -> str:
    light = "".join(f".{server} {{ fill: {on} }} " for server, (on, _) in _COLOURS.items())
    dark = "".join(f".{server} {{ fill: {on} }} " for server, (_, on) in _COLOURS.items())
    return (
        "text { font: 12px sans-serif; fill: #1f2328 } "
        ".title { font-weight: bold; font-size: 13px } .cell { text-anchor: end } "
        f"{light}@media (prefers-color-scheme: dark) {{ text {{ fill: #e6edf3 }} {dark}}}"
    )
