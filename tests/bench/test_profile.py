"""What is read from a flame graph."""

from __future__ import annotations

from pathlib import Path

from bench.profile.flamegraph import Cost, costs, readFrames, table

_ROOT = (0, "all", 0, 10)
# main calls parse and send, and send itself.
_FRAMES = (
    (1, "main (a.py:1)", 0, 9),
    (2, "parse (b.py:1)", 0, 3),
    (2, "send (c.py:1)", 4, 5),
    (3, "text (b.py:9)", 2, 1),
    (3, "send (c.py:1)", 4, 2),
    (3, "text (b.py:9)", 8, 1),
)


def _write(path: Path, frames: tuple[tuple[int, str, int, int], ...]) -> Path:
    groups = "".join(
        f"<g><title>{name} ({samples:,} samples, 1.00%)</title>"
        f'<rect y="{36 + 16 * row}" fg:x="{start}" fg:w="{samples}"/>'
        "</g>"
        for row, name, start, samples in frames
    )
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:fg="http://github.com/jonhoo/inferno">'
        f'<g id="legend"><rect y="0"/></g><svg id="frames">{groups}</svg></svg>'
    )
    return path


def test_costs(tmp_path: Path) -> None:
    # In no order: it is the place in the graph that counts.
    file = _write(tmp_path / "graph.svg", (_FRAMES[3], _ROOT, *_FRAMES[:3], *_FRAMES[4:]))
    assert sorted(costs(readFrames(file)), key=lambda cost: cost.name) == [
        Cost("main (a.py:1)", 0.1, 0.9),
        Cost("parse (b.py:1)", 0.2, 0.3),
        # Once, though it is its own caller in two of the five.
        Cost("send (c.py:1)", 0.4, 0.5),
        Cost("text (b.py:9)", 0.2, 0.2),
    ]


def test_callers(tmp_path: Path) -> None:
    frames = readFrames(_write(tmp_path / "graph.svg", (_ROOT, *_FRAMES)))
    assert [caller.name for caller in frames[-1].callers] == [
        "send (c.py:1)",
        "main (a.py:1)",
        "all",
    ]
    assert next(frames[4].callers).name == "parse (b.py:1)"


def test_aWorkerThatDoesNothing(tmp_path: Path) -> None:
    assert costs(readFrames(_write(tmp_path / "graph.svg", (_ROOT,)))) == []


def test_table() -> None:
    found = [Cost("main", 0.125, 1.0), Cost("send", 0.5, 0.6), Cost("parse", 0.0, 0.75)]
    assert table(found, 40.0, 1).splitlines() == [
        "BY ITSELF",
        "  itself µs      %   with callees µs      %",
        "       20.0  50.0%              24.0  60.0%  send",
        "",
        "WITH WHAT IT CALLS",
        "  itself µs      %   with callees µs      %",
        "        0.0   0.0%              30.0  75.0%  parse",
    ]
