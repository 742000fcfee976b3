"""What the server costs in every conversation: its definitions, instructions and answers."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from benchmarks.command import parser_of, run
from benchmarks.report import Budget, Cell, Report, Table

NAME = "tokens"
CLAIM = "tool definitions and instructions are small (tokens are characters of compact JSON / 4)"
DEFINITIONS = 2_500
INSTRUCTIONS = 2_000


def characters(definition: Any) -> int:
    """Give the length of a value as compact JSON."""
    return len(json.dumps(definition, separators=(",", ":"), ensure_ascii=False))


def measure(options: argparse.Namespace) -> Report:
    from server import instructions
    from server.definitions import definitions

    wire = [one.model_dump(by_alias=True, mode="json", exclude_none=True) for one in definitions()]
    rows: list[tuple[Cell, ...]] = [
        (
            one["name"],
            characters(one) / 4,
            characters(one["inputSchema"]) / 4,
            characters(one.get("outputSchema", {})) / 4,
        )
        for one in wire
    ]
    total = characters(wire) / 4
    rows.append(("all of tools/list", total, None, None))
    said = len(instructions.INSTRUCTIONS)
    answers = [] if options.quick else [_answers()]
    return Report(
        NAME,
        CLAIM,
        options.quick,
        [
            Table(
                "tool definitions, tokens",
                ("tool", "all", "input schema", "output schema"),
                tuple(tuple("" if cell is None else cell for cell in row) for row in rows),
            ),
            *answers,
        ],
        [
            Budget("tool definitions together", total, DEFINITIONS, "tokens", firm=True),
            Budget("instructions", said, INSTRUCTIONS, "characters", firm=True),
        ],
    )


def _answers() -> Table:
    from benchmarks.told import rows

    return Table(
        "answers of the loop, tokens",
        ("answer", "text", "data"),
        tuple(rows()),
        "a client shows its model the text or the data; three stored lessons of 60 to 70 tokens",
    )


if __name__ == "__main__":
    sys.exit(run(parser_of(NAME, CLAIM), measure))
