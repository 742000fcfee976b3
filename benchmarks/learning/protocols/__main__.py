"""`python -m benchmarks.learning.protocols`: what only a world with a known truth can show."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.learning.protocols import credit, forgetting, poisoning, recovery, teams
from benchmarks.learning.protocols.ground import FULL, QUICK, Figures, Sizes, mean_and_error
from benchmarks.report import Table, drawn, environment
from memory_core.ports import Embedder

Found = Mapping[str, Figures]


class Part(NamedTuple):
    """One protocol: its title, what measures it, and what the table shows."""

    title: str
    measure: Callable[[int, Embedder, Sizes], Found]
    note: str


PROTOCOLS = {
    "forgetting": Part(
        "forgetting: 600 reports of six domains, then 100 of six where the style's worth is turned",
        forgetting.measure,
        "losses are relative; at most 4.2 % is allowed, and the control has to exceed it",
    ),
    "recovery": Part(
        "recovery: success within 1, 2, 3 immediate retries after a failure in one session",
        recovery.measure,
        "cold: nothing learned before; warm: after 400 reports",
    ),
    "poisoning": Part(
        "poisoning: after 400 honest reports, 100 (global) or 30 (one problem) false successes",
        poisoning.measure,
        "losses of expected success; positive is harm",
    ),
    "credit": Part(
        "credit: who caused the outcome of a set, told by the bare outcome alone",
        credit.measure,
        "area under the ROC curve of an item's record; .5 is chance",
    ),
    "teams": Part(
        "teams: the same honest reports by many, and false ones among them",
        teams.measure,
        "honest rows: loss against the same reports by the owner; then: against before the attack",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what was asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning.protocols")
    parser.add_argument("protocol", nargs="*", choices=[*PROTOCOLS, []], help="all by default")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 0 to N - 1")
    parser.add_argument("--quick", action="store_true", help="small sizes, for a look")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where embeddings are kept")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there")
    options = parser.parse_args(arguments)
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    from benchmarks.learning.embeddings import served_model

    torch.set_num_threads(1)
    embedder = served_model(options.cache)
    began = time.perf_counter()
    result: dict[str, Any] = {}
    for name in options.protocol or PROTOCOLS:
        runs = _runs(
            PROTOCOLS[name], embedder, range(options.seeds), QUICK if options.quick else FULL
        )
        print(drawn(table(PROTOCOLS[name], runs)), flush=True)
        result[name] = {"title": PROTOCOLS[name].title, "seeds": runs}
    if options.json is not None:
        told = {"seconds": round(time.perf_counter() - began), **environment()}
        text = json.dumps({"environment": told, "protocols": result}, indent=1)
        options.json.write_text(f"{text}\n", encoding="utf-8")
    return 0


def _runs(part: Part, embedder: Embedder, seeds: Sequence[int], sizes: Sizes) -> list[Found]:
    runs = []
    for seed in seeds:
        runs.append(part.measure(seed, embedder, sizes))
        print(f"  seed {seed} done", file=sys.stderr, flush=True)
    return runs


def table(part: Part, runs: Sequence[Found]) -> Table:
    """Means over seeds, a row a ranker; standard errors follow where there are several seeds."""
    names = list(runs[0])
    figures = list(runs[0][names[0]])
    rows = []
    for name in names:
        cells = []
        for figure in figures:
            mean, error = mean_and_error([run[name][figure] for run in runs])
            cells.append(f"{mean:.3f}" + (f" ±{error:.3f}" if len(runs) > 1 else ""))
        rows.append((name, *cells))
    return Table(part.title, ("ranker", *figures), tuple(rows), part.note)


if __name__ == "__main__":
    sys.exit(main())
