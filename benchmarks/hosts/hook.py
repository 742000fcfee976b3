"""The real hook command, as a client runs it: warm, while the host loads, and without one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks.child import PATIENCE, ROOT
from benchmarks.corpus import queries
from benchmarks.hosts.stage import Stage, until
from benchmarks.report import Budget, Cell, Report, Table
from benchmarks.stopwatch import percentile
from server.hooks import journal, starting

WARM_MS = 300.0
PYTHON, NOTHING = "python alone", "nothing to ask (a slash command)"
PROMPT, FAILURE = "a prompt, warm", "a failed tool, warm"
LOADING, NONE = "a prompt, the host loads", "a prompt, no host"
HOOK = ("-m", "server", "hook", "claude-code")


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: milliseconds, what it said, and whether it failed or wrote to standard error."""

    ms: float
    said: str
    failed: bool


@dataclass(slots=True)
class Kind:
    """The runs of one kind."""

    name: str
    runs: list[Ran] = field(default_factory=list)

    @property
    def spoke(self) -> int:
        """How many said something."""
        return sum(bool(one.said) for one in self.runs)

    def row(self, floor: float) -> tuple[Cell, ...]:
        laps = [one.ms for one in self.runs]
        p50 = percentile(laps, 50)
        return (self.name, len(laps), self.spoke, p50, percentile(laps, 95), p50 / floor)


def ran(store: Path, *command: str, given: Mapping[str, Any] | None = None) -> Ran:
    """Run a program of this interpreter on a payload."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command],
        input=json.dumps(given or {}).encode(),
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "LESSONBANK_STORE": str(store)},
        timeout=PATIENCE,
        check=False,
    )
    ms = (time.perf_counter() - began) * 1e3
    return Ran(ms, done.stdout.decode().strip(), bool(done.returncode or done.stderr))


def payload(event: str, **given: Any) -> dict[str, Any]:
    """What the client sends on an event; see https://code.claude.com/docs/en/hooks."""
    return {
        "session_id": "0f5c4b5e-6f0e-4b57-9d1c-9a4a2f6f1b11",
        "transcript_path": str(ROOT / "transcript.jsonl"),
        "cwd": str(ROOT),
        "permission_mode": "default",
        "hook_event_name": event,
        **given,
    }


def prompt(text: str) -> dict[str, Any]:
    return payload("UserPromptSubmit", prompt=text)


def failure(text: str) -> dict[str, Any]:
    return payload(
        "PostToolUseFailure",
        tool_name="Bash",
        tool_input={"command": f"python work.py --task '{text}'"},
        error=f"Exit code 1\nKeyError: 'column_{len(text)}'",
    )


def warm(store: Path, runs: int) -> list[Kind]:
    """Run every kind by turns beside a host that has loaded."""
    tasks = queries(seed=21)
    kinds = {name: Kind(name) for name in (PYTHON, NOTHING, PROMPT, FAILURE)}
    for number in range(runs + 1):
        made = {
            PYTHON: lambda: ran(store, "-c", "pass"),
            NOTHING: lambda: ran(store, *HOOK, given=prompt("/clear")),
            PROMPT: lambda: ran(store, *HOOK, given=prompt(next(tasks))),
            FAILURE: lambda: ran(store, *HOOK, given=failure(next(tasks))),
        }
        for name in sorted(made, reverse=bool(number % 2)):
            one = made[name]()
            if number:
                kinds[name].runs.append(one)
    return list(kinds.values())


@dataclass(frozen=True, slots=True)
class Cold:
    """Runs without a host, and while the host that they started loads; `started` hosts came."""

    none: Kind
    loading: Kind
    started: int


def cold(stage: Stage, store: Path, runs: int) -> Cold:
    """Run the hook where no host is, then once more as soon as the host that it started answers."""
    none, loading, started = Kind(NONE), Kind(LOADING), 0
    for first, second in _pairs(queries(seed=22), runs):
        stage.stop(store)
        (store / starting.NAME).unlink(missing_ok=True)  # hooks start one a minute at most
        none.runs.append(ran(store, *HOOK, given=prompt(first)))
        try:
            until(lambda: stage.told(store), "a host that the hook starts", 30.0)
        except TimeoutError:
            continue
        started += 1
        loading.runs.append(ran(store, *HOOK, given=prompt(second)))
    stage.stop(store)
    return Cold(none, loading, started)


def _pairs(tasks: Iterator[str], count: int) -> Iterator[tuple[str, str]]:
    return islice(zip(tasks, tasks, strict=False), count)


def noted(store: Path) -> int:
    """How many runs wrote down why they were silent."""
    try:
        return len((store / journal.NAME).read_text(encoding="utf-8").splitlines())
    except OSError:
        return 0


def measure_hooks(stage: Stage, store: Path, runs: int, cold_runs: int, report: Report) -> None:
    stage.host(store)
    before = noted(store)
    kinds = warm(store, runs)
    late = noted(store) - before
    without = cold(stage, store, cold_runs)
    floor = percentile([one.ms for one in kinds[0].runs], 50)
    every = [*kinds, without.none, *([without.loading] if without.loading.runs else [])]
    columns = ("hook", "runs", "that spoke", "p50 ms", "p95 ms", "ratio p50")
    note = (
        f"by turns; the ratio is against python alone; warm runs that got no answer: {late}; "
        f"hosts that the {cold_runs} runs without one started: {without.started}"
    )
    rows = tuple(kind.row(floor) for kind in every)
    report.tables.append(Table("hooks: `lessonbank hook claude-code`", columns, rows, note))
    p95 = percentile([one.ms for kind in kinds if kind.name == PROMPT for one in kind.runs], 95)
    broken = sum(one.failed for kind in every for one in kind.runs)
    report.budgets += [
        Budget("hook on a prompt, warm, p95", p95, WARM_MS, "ms"),
        Budget("hooks that failed or wrote to standard error", broken, 0, "runs", firm=True),
        Budget("hooks that spoke without a host", without.none.spoke, 0, "runs", firm=True),
        Budget(
            "hooks without a host that started none",
            cold_runs - without.started,
            0,
            "runs",
            firm=True,
        ),
    ]
