"""`python -m benchmarks.hosts`: everything about fronts and the host in one run."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.command import parser_of, run
from benchmarks.hosts import CLAIM, NAME
from benchmarks.hosts.calls import Size as Calls
from benchmarks.hosts.calls import measure_calls, stocked
from benchmarks.hosts.first import measure_first
from benchmarks.hosts.hook import measure_hooks
from benchmarks.hosts.stage import Stage, stage
from benchmarks.hosts.weigh import measure_memory, measure_starts, teach
from benchmarks.report import Report
from benchmarks.stocked import served_embedder


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: starts, servers at once, first recalls, calls, hooks, cold hooks."""

    starts: int
    fronts: int
    firsts: int
    calls: Calls
    hooks: int
    cold_hooks: int


QUICK = Size(3, 2, 1, Calls(200, reports=15, questions=30, clients=8, rounds=4), 10, 2)
FULL = Size(11, 10, 3, Calls(1_000, reports=200, questions=200, clients=8, rounds=25), 60, 8)


def measure_processes(made: Stage, size: Size, report: Report) -> None:
    """What needs no model in this process, which would count among those that share it."""
    taught = made.store("taught")
    measure_starts(made, size.starts, report)
    teach(made, taught)
    measure_memory(made, taught, size.fronts, report)
    measure_first(made, taught, size.firsts, report)


def measure_warm(made: Stage, size: Size, report: Report) -> None:
    """Calls and hooks over one stocked store."""
    source = stocked(made, served_embedder(), size.calls)
    measure_calls(made, source, size.calls, report)
    measure_hooks(made, made.store("hosted"), size.hooks, size.cold_hooks, report)


def measure(options: argparse.Namespace) -> Report:
    from memory_core.model_files import find_model

    size = QUICK if options.quick else FULL
    report = Report(NAME, CLAIM, options.quick)
    with stage() as made:
        made.model = str(Path(find_model("").folder))
        measure_processes(made, size, report)
        measure_warm(made, size, report)
    return report


if __name__ == "__main__":
    sys.exit(run(parser_of(NAME, CLAIM), measure))
