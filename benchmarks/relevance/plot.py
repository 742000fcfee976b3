"""The table as a picture: each store's answered and silent shares, and its calibration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from benchmarks.relevance.measuring import Figures

WIDTH, ROW, LEFT, TOP, SQUARE = 830, 64, 130, 50, 52
BARS = (
    ("answered", "#1b6ca8"),
    ("silent, other stores", "#3c8d5a"),
    ("silent, our prompts", "#7fb069"),
    ("silent, same domain", "#c98a1b"),
)


def plot(rows: Sequence[Figures]) -> str:
    """Give an SVG: one group of bars a store, full width is every prompt.

    At the right what relevance said (across) against what came true (up).
    """
    height = TOP + ROW * len(rows) + 20
    width = WIDTH - LEFT - 60 - SQUARE - 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}">',
        "<style>text { font: 12px sans-serif }</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
    ]
    for number, (name, colour) in enumerate(BARS):
        left = LEFT + number * 150
        parts.append(f'<rect x="{left}" y="16" width="10" height="10" fill="{colour}"/>')
        parts.append(f'<text x="{left + 15}" y="25">{escape(name)}</text>')
    for place, row in enumerate(rows):
        top = TOP + place * ROW
        parts.append(f'<text x="8" y="{top + 28}">{escape(row.name)}</text>')
        shares = (
            *(row.answered, row.silent["other"], row.silent["ours"]),
            row.silent["same domain"],
        )
        for number, (share, (_, colour)) in enumerate(zip(shares, BARS, strict=True)):
            if math.isnan(share):  # nothing was asked
                continue
            y = top + number * 12
            parts.append(
                f'<rect x="{LEFT}" y="{y}" width="{width * share:.1f}" height="10" '
                f'fill="{colour}"/>'
            )
            end = LEFT + width * share + 4
            parts.append(f'<text x="{end:.1f}" y="{y + 9}" font-size="10">{share:.0%}</text>')
        parts += _calibration(row, WIDTH - SQUARE - 10, top)
    return "\n".join([*parts, "</svg>", ""])


def _calibration(row: Figures, left: int, top: int) -> list[str]:
    """A square with the diagonal, and a point for each bin, the larger the more fell into it."""
    foot = top + SQUARE
    most = max((many for *_, many in row.reliability), default=1)
    parts = [
        f'<path d="M{left} {top}v{SQUARE}h{SQUARE}" fill="none" stroke="#999"/>',
        f'<line x1="{left}" y1="{foot}" x2="{left + SQUARE}" y2="{top}" stroke="#ccc"/>',
    ]
    for said, came, many in row.reliability:
        x, y = left + SQUARE * said, foot - SQUARE * came
        size = 1.5 + 2.5 * math.sqrt(many / most)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size:.1f}" fill="#a3333d"/>')
    return parts
