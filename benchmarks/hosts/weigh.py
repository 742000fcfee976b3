"""Starts of fronts beside the least that any server must do, and what processes weigh."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from benchmarks.child import Child, resident_mb
from benchmarks.corpus import lessons, queries
from benchmarks.hosts.stage import Stage
from benchmarks.report import Budget, Cell, Report, Table
from benchmarks.stopwatch import percentile

INITIALIZE_RATIO = 1.5
FRONT_MB = 110
KNOWN = 20
TRIED = 8


@dataclass(frozen=True, slots=True)
class Weight:
    """Megabytes of a process, None where the system does not tell.

    `resident` counts shared pages in full, `proportional` each sharer's part of them:
    only the latter may be added up.
    """

    resident: float | None
    proportional: float | None


def weight(pid: int) -> Weight:
    """Weigh a process now."""
    return Weight(resident_mb(pid), proportional_mb(pid))


def proportional_mb(pid: int) -> float | None:
    """Megabytes of a process with its part of what it shares; None where not told."""
    if sys.platform != "linux":
        return None
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 / 1e6 for line in lines if line[:4] == "Pss:"), None)


def most(values: Sequence[float | None]) -> float | None:
    """The largest of what is known."""
    return max((one for one in values if one is not None), default=None)


def together(values: Sequence[float | None]) -> float | None:
    """The sum, None where a part of it is not known."""
    known = [one for one in values if one is not None]
    return sum(known) if values and len(known) == len(values) else None


# -- initialize ------------------------------------------------------------------

BARE, WARM, COLD = "bare mcp server", "lessonbank, host warm", "lessonbank, no host yet"


@dataclass(frozen=True, slots=True)
class Start:
    """One start: milliseconds to the answer to `initialize`, and the weight after it."""

    ms: float
    weight: Weight


def starts(stage: Stage, runs: int) -> dict[str, list[Start]]:
    """Start each server by turns, `runs` times, after one round that is not counted."""
    warm, cold = stage.store("warm"), stage.store("cold")
    arms: dict[str, Callable[[], Child]] = {
        BARE: stage.bare_server,
        WARM: lambda: stage.front(warm),
        COLD: lambda: stage.front(cold),
    }
    found: dict[str, list[Start]] = {name: [] for name in arms}
    stage.host(warm)
    for number in range(runs + 1):
        for name in sorted(arms, reverse=bool(number % 2)):
            with arms[name]() as child:
                child.initialize()
                one = Start(child.age() * 1e3, weight(child.pid))
            stage.stop(cold)
            if number:
                found[name].append(one)
    stage.stop(warm)
    return found


def measure_starts(stage: Stage, runs: int, report: Report) -> None:
    found = starts(stage, runs)
    bare = percentile([one.ms for one in found[BARE]], 50)
    rows: list[tuple[Cell, ...]] = []
    for name, several in found.items():
        laps = [one.ms for one in several]
        rows.append(
            (
                name,
                percentile(laps, 50),
                percentile(laps, 95),
                percentile(laps, 50) / bare,
                most([one.weight.resident for one in several]),
                most([one.weight.proportional for one in several]),
            )
        )
    columns = ("`initialize`", "p50 ms", "p95 ms", "ratio p50", "RSS MB (most)", "PSS MB (most)")
    note = f"{runs} starts each, by turns; the ratio is against the bare server"
    report.tables.append(Table("front: start to the first answer", columns, tuple(rows), note))
    for name in (WARM, COLD):
        ratio = percentile([one.ms for one in found[name]], 50) / bare
        what = f"`initialize` against a bare server, p50, {name}"
        report.budgets.append(Budget(what, ratio, INITIALIZE_RATIO, "x"))
    resident = most([one.weight.resident for name in (WARM, COLD) for one in found[name]])
    report.budgets.append(Budget("front after `initialize`, RSS", resident, FRONT_MB, "MB"))


# -- many together ---------------------------------------------------------------


def teach(stage: Stage, store: Path) -> None:
    """Make a store with some lessons and outcomes; nobody has it open at the end."""
    with stage.whole_server(store) as child:
        child.initialize()
        child.notify("notifications/initialized")
        for text in lessons(KNOWN):
            given = {name: getattr(text, name) for name in ("kind", "title", "content", "task")}
            child.call("remember", {**given, "description": text.description})
        for number, task in enumerate(islice(queries(), TRIED)):
            answer = child.call("recall", {"task": task})
            outcome = ("success", "failure")[number % 2]
            child.call("report_outcome", {"recall_id": answer["recall_id"], "outcome": outcome})


@dataclass(frozen=True, slots=True)
class Crowd:
    """Servers that have all answered one recall: their weights, the host's, the modes."""

    servers: tuple[Weight, ...]
    host: Weight | None
    modes: tuple[str, ...]

    @property
    def total(self) -> float | None:
        """Megabytes of all of them."""
        every = [*self.servers, *([self.host] if self.host else [])]
        return together([one.proportional for one in every])


def _asked(child: Child, task: str) -> str:
    """Let a server answer its first recall; give the answer's mode."""
    child.initialize()
    child.notify("notifications/initialized")
    mode: str = child.call("recall", {"task": task})["mode"]
    return mode


def fronts(stage: Stage, store: Path, count: int) -> Crowd:
    """Weigh `count` fronts and the one host of a store."""
    host = stage.host(store)
    with ExitStack() as stack:
        children = [stack.enter_context(stage.front(store)) for _ in range(count)]
        modes = tuple(map(_asked, children, queries(seed=5)))
        crowd = Crowd(tuple(weight(one.pid) for one in children), weight(host.pid), modes)
    stage.stop(store)
    return crowd


def whole_servers(stage: Stage, store: Path, count: int) -> Crowd:
    """Weigh `count` servers without a host, each over its own copy of a store."""
    copies = [stage.copied(store, f"{store.name}-{number}") for number in range(count)]
    modes, children = [], []
    with ExitStack() as stack:
        for copy, task in zip(copies, queries(seed=5), strict=False):
            children.append(stack.enter_context(stage.whole_server(copy)))
            modes.append(_asked(children[-1], task))
        return Crowd(tuple(weight(one.pid) for one in children), None, tuple(modes))


def measure_memory(stage: Stage, store: Path, count: int, report: Report) -> None:
    shared, apart = fronts(stage, store, count), whole_servers(stage, store, count)
    assert shared.host is not None
    ratio = shared.total / apart.total if shared.total and apart.total else None
    one_front = most([one.resident for one in shared.servers])
    rows: tuple[tuple[Cell, ...], ...] = (
        ("host", 1, shared.host.resident, shared.host.proportional),
        ("fronts", count, one_front, together([one.proportional for one in shared.servers])),
        ("fronts and host", count + 1, None, shared.total),
        (
            "serve --in-process",
            count,
            most([one.resident for one in apart.servers]),
            apart.total,
        ),
    )
    told = "not told" if ratio is None else f"{ratio:.2f}"
    report.tables.append(
        Table(
            "memory, the model loaded, every server has answered a recall",
            ("what", "processes", "RSS MB (most)", "PSS MB (sum)"),
            rows,
            f"fronts and host against as many servers in process: {told}",
        )
    )
    odd = sum(mode != "learned" for mode in (*shared.modes, *apart.modes))
    report.budgets += [
        Budget("front after a recall, RSS", one_front, FRONT_MB, "MB"),
        Budget("recalls of those servers that were not learned", odd, 0, "recalls", firm=True),
    ]
