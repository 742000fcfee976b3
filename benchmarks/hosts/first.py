"""From nothing running to the first learned recall, against imports and model load alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.child import PATIENCE, ROOT, Child, ServerEndedError
from benchmarks.corpus import queries
from benchmarks.hosts.stage import Stage
from benchmarks.report import Budget, Cell, Report, Table
from benchmarks.startup import ENOUGH, READY_RATIO
from benchmarks.stopwatch import percentile

ALONE = "imports and model alone"
COMMAND, FRONT, WHOLE = "lessonbank recall", "serve: MCP recall", "serve --in-process: MCP recall"


@dataclass(slots=True)
class Firsts:
    """Seconds to the first recall of one kind, and the modes of the answers."""

    name: str
    seconds: list[float] = field(default_factory=list)
    modes: list[str] = field(default_factory=list)


def by_command(store: Path, task: str) -> tuple[float, str]:
    """Seconds and mode of the command's recall where no host runs."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "server", "recall", task, "--json"],
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "LESSONBANK_STORE": str(store)},
        timeout=PATIENCE,
        check=False,
    )
    seconds = time.perf_counter() - began
    if done.returncode:
        raise ServerEndedError(done.stderr.decode("utf-8", "replace")[-2_000:])
    return seconds, str(json.loads(done.stdout)["mode"])


def by_server(server: Child, task: str) -> tuple[float, str]:
    """Seconds and mode of a server's first recall, asked as soon as it has answered at all."""
    with server as child:
        child.initialize()
        child.notify("notifications/initialized")
        answer = child.call("recall", {"task": task})
        return child.age(), str(answer["mode"])


def alone(stage: Stage) -> tuple[float, str]:
    """Seconds of a process that imports, loads and embeds once."""
    with stage.bare_model() as child:
        child.request("ready", {})
        return child.age(), ""


def firsts(stage: Stage, store: Path, runs: int) -> list[Firsts]:
    """Start each kind by turns, with nothing of lessonbank running before."""
    tasks = queries(seed=31)
    kinds = {
        ALONE: lambda: alone(stage),
        COMMAND: lambda: by_command(store, next(tasks)),
        FRONT: lambda: by_server(stage.front(store), next(tasks)),
        WHOLE: lambda: by_server(stage.whole_server(store), next(tasks)),
    }
    found = {name: Firsts(name) for name in kinds}
    for number in range(runs):
        for name in list(kinds)[:: -1 if number % 2 else 1]:
            stage.stop(store)
            seconds, mode = kinds[name]()
            found[name].seconds.append(seconds)
            found[name].modes.append(mode)
    stage.stop(store)
    return list(found.values())


def tell(found: list[Firsts], report: Report) -> None:
    """Add the table and the budgets."""
    bare, *ours = found
    least = percentile(bare.seconds, 50)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            one.name,
            ", ".join(sorted(set(one.modes))),
            percentile(one.seconds, 50),
            min(one.seconds),
            percentile(one.seconds, 50) / least,
        )
        for one in found
    )
    runs = len(bare.seconds)
    note = f"{runs} starts each, by turns; files are in the system's cache"
    columns = ("what", "mode", "p50 s", "min s", "ratio p50")
    report.tables.append(Table("nothing running to the first recall", columns, rows, note))
    for one in ours[:2]:
        ratio = percentile(one.seconds, 50) / least if runs >= ENOUGH else None
        what = f"first recall against imports and model alone, p50, {one.name}"
        report.budgets.append(Budget(what, ratio, READY_RATIO, "x"))
    odd = sum(mode != "learned" for one in ours for mode in one.modes)
    what = "first recalls that were not learned"
    report.budgets.append(Budget(what, odd, 0, "recalls", firm=True))


def measure_first(stage: Stage, store: Path, runs: int, report: Report) -> None:
    tell(firsts(stage, store, runs), report)
