"""The command line that every benchmark shares."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.report import Report, load_average

Measure = Callable[[argparse.Namespace], Report]


def parser_of(name: str, claim: str) -> argparse.ArgumentParser:
    """Give the parser of one benchmark; more options may be added to it."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=claim)
    parser.add_argument("--quick", action="store_true", help="a small version, in seconds")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures there, too")
    return parser


def run(
    parser: argparse.ArgumentParser, measure: Measure, arguments: Sequence[str] | None = None
) -> int:
    """Measure, print, write; 1 when a firm budget is broken."""
    options = parser.parse_args(arguments)
    began, busy = time.perf_counter(), load_average()
    report = measure(options)
    print(report.text(), flush=True)
    load = {
        "load_before": busy,
        "load_after": load_average(),
        "seconds": round(time.perf_counter() - began, 1),
    }
    if options.json is not None:
        text = json.dumps(report.data(load), indent=1, ensure_ascii=False)
        options.json.write_text(f"{text}\n", encoding="utf-8")
    for one in report.broken:
        print(f"broken: {one.line().strip()}", file=sys.stderr)
    return 1 if report.broken else 0
