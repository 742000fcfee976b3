"""Measures what the README claims: lists the benchmarks, then runs them.

Each runs in a process of its own, so that none finds what another has loaded.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import (
    commands,
    doors,
    endurance,
    hosts,
    object_store,
    recall_latency,
    replicas,
    reports,
    setup_size,
    startup,
    tokens,
)
from benchmarks.child import ROOT
from benchmarks.report import Budget

CLAIMS = {
    one.NAME: one.CLAIM
    for one in (
        tokens,
        startup,
        commands,
        hosts,
        doors,
        recall_latency,
        reports,
        object_store,
        setup_size,
        replicas,
        endurance,
    )
}
SLOW = (setup_size.NAME, replicas.NAME, endurance.NAME)
"""Run only by name or with --all: for their time, or their memory."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(CLAIMS)}")
    made.add_argument("--quick", action="store_true", help="small versions, under a minute")
    made.add_argument("--all", action="store_true", help=f"also {', '.join(SLOW)}")
    made.add_argument("--list", action="store_true", help="only list them")
    made.add_argument("--json", metavar="FILE", type=Path, help="write all figures there, too")
    return made


def chosen(options: argparse.Namespace) -> tuple[str, ...]:
    """Give the names to run, in the order of the list.

    Raises:
        ValueError: A name is not known.
    """
    unknown = [name for name in options.names if name not in CLAIMS]
    if unknown:
        raise ValueError(f"no benchmark is called {unknown[0]!r}; there are {', '.join(CLAIMS)}")
    if options.names:
        return tuple(name for name in CLAIMS if name in options.names)
    return tuple(name for name in CLAIMS if options.all or name not in SLOW)


def listed() -> str:
    """Every benchmark and its claim, one a line."""
    width = max(map(len, CLAIMS))
    lines = [
        f"  {name.ljust(width)}  {claim}{' (with --all)' if name in SLOW else ''}"
        for name, claim in CLAIMS.items()
    ]
    return "\n".join(["benchmarks (each also alone: python -m benchmarks.NAME)", *lines])


def run_one(name: str, *, quick: bool, figures: Path) -> int:
    """Run one benchmark in its own process; its figures go to a file."""
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(figures)]
    return subprocess.run(
        [*command, *(["--quick"] if quick else [])], cwd=ROOT, check=False
    ).returncode


def told(found: Sequence[dict[str, Any]]) -> str:
    """All budgets of all benchmarks, one a line."""
    lines = []
    for one in found:
        for each in one["budgets"]:
            budget = Budget(each["what"], each["value"], each["limit"], each["unit"])
            lines.append(budget.line())
    return "\n".join(["all budgets", *lines])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run them; 1 when one of them failed or found a firm budget broken."""
    options = parser().parse_args(arguments)
    try:
        names = chosen(options)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    print(listed(), flush=True)
    if options.list:
        return 0
    began, failed, found = time.perf_counter(), [], []
    with tempfile.TemporaryDirectory(prefix="lessonbank-figures-") as folder:
        for name in names:
            print(f"\n== {name}", flush=True)
            figures = Path(folder) / f"{name}.json"
            if run_one(name, quick=options.quick, figures=figures):
                failed.append(name)
            if figures.exists():
                found.append(json.loads(figures.read_text(encoding="utf-8")))
    print(f"\n{told(found)}\n\n{len(names)} benchmarks in {time.perf_counter() - began:.0f} s")
    if options.json is not None:
        text = json.dumps(found, indent=1, ensure_ascii=False)
        options.json.write_text(f"{text}\n", encoding="utf-8")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
