"""Learning curves as a small SVG, written by hand: one panel a condition, one line a ranker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

WIDTH, HEIGHT = 340, 250
LEFT, RIGHT, TOP, BOTTOM = 44, 12, 30, 34
COLUMNS = 3
NAMED = 2
"""Baselines that get a colour: the best ones."""
COLOURS = {"learned": "#c2410c", "learned (MCP)": "#f59e0b", "hybrid": "#1d4ed8"}
OTHERS = ("#15803d", "#7e22ce")
GREY = "#b6b6b6"
_STEPS = (0.02, 0.05, 0.1, 0.2, 0.5)

Points = Sequence[Sequence[float]]


def plot(result: Mapping[str, Any]) -> str:
    """Give the SVG of a result's learning curves."""
    conditions = result["conditions"]
    colours = _colours(conditions)
    columns = min(COLUMNS, max(len(conditions), 1))
    rows = -(-len(conditions) // columns)
    legend = 20 + 16 * -(-len(colours) // (2 * columns))
    width, height = columns * WIDTH, rows * HEIGHT + legend
    size = f'width="{width}" height="{height}"'
    view = f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} {view}>',
        f'<rect {size} fill="white"/>',
    ]
    low, high = _range(conditions)
    for place, summary in enumerate(conditions):
        x, y = place % columns * WIDTH, place // columns * HEIGHT
        inside = _panel(summary, colours, low, high, result["stream"])
        parts.append(f'<g transform="translate({x},{y})">{"".join(inside)}</g>')
    parts += _legend(colours, rows * HEIGHT + 14)
    return "\n".join([*parts, "</svg>", ""])


def _colours(conditions: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """A colour for ours, similarity and the best baselines; the others are grey, together."""
    names = list(conditions[0]["rankers"]) if conditions else []
    totals = {
        name: sum(one["rankers"][name]["held_out"] for one in conditions)
        for name in names
        if name not in COLOURS
    }
    best = sorted(totals, key=lambda name: -totals[name])[:NAMED]
    chosen = {name: COLOURS[name] for name in names if name in COLOURS}
    chosen |= dict(zip(best, OTHERS, strict=False))
    if len(totals) > len(best):
        chosen["other baselines"] = GREY
    return chosen


def _range(conditions: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    values = [
        value
        for one in conditions
        for ranker in one["rankers"].values()
        for _, value in ranker["curve"]
    ]
    if not values:
        return 0.0, 1.0
    step = _step(max(values) - min(values))
    low = step * int(min(values) / step)
    high = step * -int(-max(values) / step // 1)
    return low, max(high, low + step)


def _step(span: float) -> float:
    return next((step for step in _STEPS if span / step <= 6), _STEPS[-1])


def _panel(
    summary: Mapping[str, Any], colours: Mapping[str, str], low: float, high: float, stream: str
) -> list[str]:
    curves = {name: one["curve"] for name, one in summary["rankers"].items() if one["curve"]}
    last = max((done for curve in curves.values() for done, _ in curve), default=1) or 1
    title = f"{stream}: {summary['condition']['label']}"
    parts = [f'<text x="{LEFT}" y="18" font-weight="bold">{escape(title)}</text>']
    parts += _grid(low, high, last)
    for name in sorted(curves, key=lambda name: name in colours):  # grey lines lie below
        colour = colours.get(name, GREY)
        thick = 2.5 if name == "learned" else 1.5 if name in colours else 1.0
        points = " ".join(
            f"{_x(done, last):.1f},{_y(value, low, high):.1f}" for done, value in curves[name]
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{thick}">'
            f"<title>{escape(name)}</title></polyline>"
        )
    return parts


def _x(done: float, last: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * done / last


def _y(value: float, low: float, high: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)


def _grid(low: float, high: float, last: int) -> list[str]:
    step = _step(high - low)
    parts = []
    for line in range(round((high - low) / step) + 1):
        value = low + line * step
        y = _y(value, low, high)
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#e5e5e5"/>'
            f'<text x="{LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>'
        )
    for part in range(5):
        done = last * part / 4
        parts.append(
            f'<text x="{_x(done, last):.1f}" y="{HEIGHT - BOTTOM + 15}" '
            f'text-anchor="middle">{done:.0f}</text>'
        )
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 5}" text-anchor="middle" fill="#555">'
        "tasks done; held-out success</text>"
    )
    return parts


def _legend(colours: Mapping[str, str], top: float) -> list[str]:
    parts = []
    for place, (name, colour) in enumerate(colours.items()):
        x, y = 20 + place % 2 * 160, top + place // 2 * 16
        parts.append(
            f'<line x1="{x}" x2="{x + 20}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" '
            f'stroke-width="2.5"/><text x="{x + 26}" y="{y}">{escape(name)}</text>'
        )
    return parts
