"""A result as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_RIGHT = "online"


def table(result: Mapping[str, Any]) -> str:
    """Give the whole result: one block a condition, rankers best first, ours on top."""
    sizes = ", ".join(f"{size:,} {name}" for name, size in result["sizes"].items() if name != "k")
    options = ", ".join(f"{name} {value}" for name, value in result["options"].items())
    seeds = len(result["seeds"])
    head = f"{result['stream']}: {seeds} seed{'s' if seeds != 1 else ''}; {sizes}"
    if "k" in result["sizes"]:
        head += f"; {result['sizes']['k']} shown"
    blocks = [head + (f"; {options}" if options else "")]
    blocks += [_block(one) for one in result["conditions"]]
    return "\n\n".join(blocks)


def _block(summary: Mapping[str, Any]) -> str:
    rankers = summary["rankers"]
    details = list(next(iter(rankers.values()))["details"])
    columns = ["ranker", "online", "held out", *details, "backward", "ms/answer", "ms/report"]
    rows = [_row(name, ranker, details) for name, ranker in _best_first(rankers)]
    lines = [summary["condition"]["label"], *_aligned(columns, rows)]
    for title, one in summary["differences"].items():
        against = f" ({one['theirs']})" if title == "best baseline" else ""
        lines.append(
            f"  {one['ours']} less {'in-process' if title == 'MCP' else title}{against}: "
            f"{one['value']:+.3f} [{one['low']:+.3f}, {one['high']:+.3f}]"
        )
    lines += _notes(summary)
    return "\n".join(lines)


def _notes(summary: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, ranker in summary["rankers"].items():
        if ranker["calibration"] is not None:
            lines.append(f"  calibration error of {name}: {ranker['calibration']:.3f}")
    if summary["as_similarity"] is not None:
        held = "yes" if summary["as_similarity"] else "NO"
        lines.append(f"  before the first report exactly similarity: {held}")
    return lines


def _best_first(rankers: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    ours = [pair for pair in rankers.items() if pair[0].startswith("learned")]
    others = [pair for pair in rankers.items() if not pair[0].startswith("learned")]
    return [*ours, *sorted(others, key=lambda pair: -pair[1]["held_out"])]


def _row(name: str, ranker: Mapping[str, Any], details: Sequence[str]) -> list[str]:
    backward = ranker["backward"]
    return [
        name,
        f"{ranker['online']:.3f}",
        f"{ranker['held_out']:.3f}",
        *(f"{ranker['details'].get(detail, float('nan')):.3f}" for detail in details),
        "-" if backward is None else f"{backward:+.3f}",
        f"{ranker['show_ms']:.1f}",
        f"{ranker['hear_ms']:.1f}",
    ]


def _aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Give the lines of a table: the first column to the left, figures to the right."""
    widths = [
        max(len(column), *(len(row[place]) for row in rows)) for place, column in enumerate(columns)
    ]
    lines = []
    for row in (columns, *rows):
        first, *rest = [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join([first, *rest]).rstrip())
    return lines
