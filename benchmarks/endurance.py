"""Half an hour of mixed calls over HTTP: what grows, and what it costs at the end.

A door and a host as processes; clients call as fast as they are answered, for `--minutes` or until
there were so many `--calls`. Every sample counts resident memory, files and open handles.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.caller import ERRORS
from benchmarks.command import parser_of, run
from benchmarks.corpus import queries
from benchmarks.doors.clients import HttpClient
from benchmarks.doors.serving import TOKEN, Served, served
from benchmarks.hosts.stage import Stage, stage, until
from benchmarks.hosts.weigh import proportional_mb
from benchmarks.report import Cell, Report, Table
from benchmarks.stocked import say, served_embedder, stock
from benchmarks.stopwatch import percentile

NAME = "endurance"
CLAIM = "half an hour of mixed calls over HTTP with flat memory and file count"
SHARES = {"recall": 50, "check": 15, "report_outcome": 20, "list_lessons": 10, "remember": 5}
"""Of a hundred calls."""
ITEMS = 1_000
LESSONS = 500
"""Different lessons that are remembered, again and again: most are there already."""
CLIENTS = 16
SAMPLES = 20
_POLL = 0.25


@dataclass(frozen=True, slots=True)
class Sample:
    """One look: megabytes resident, files and megabytes of the store, open handles."""

    minute: float
    calls: int
    host: float
    front: float
    files: int
    megabytes: float
    handles: int


@dataclass(slots=True)
class Work:
    """What all clients have done."""

    seconds: float
    most: int
    began: float = field(default_factory=time.perf_counter)
    laps: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in SHARES})
    failed: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    open: list[str] = field(default_factory=list)

    def progress(self) -> float:
        """Give the share of the calls that began, or of the time that has passed."""
        if self.most:
            return self.calls / self.most
        return (time.perf_counter() - self.began) / self.seconds

    def another(self) -> bool:
        """Begin another call, unless there were enough."""
        if self.progress() >= 1.0:
            return False
        self.calls += 1
        return True


def arguments(
    tool: str, work: Work, chance: random.Random, tasks: Iterator[str]
) -> dict[str, object]:
    """What a call of a tool asks."""
    if tool == "check":
        error = chance.choice(ERRORS).format(a=chance.randint(1, 255), b=chance.randint(100, 9_999))
        return {"action": next(tasks), "error": error}
    if tool == "report_outcome" and work.open:
        outcome = chance.choice(("success", "failure"))
        return {"recall_id": work.open.pop(), "outcome": outcome}
    if tool == "report_outcome":
        return {"task": next(tasks), "outcome": "success"}
    if tool == "remember":
        number = chance.randrange(LESSONS)
        return {"title": f"Lesson {number} of the run", "content": f"What was learned, {number}."}
    if tool == "list_lessons":
        return {"limit": 20, "sort": chance.choice(("recent", "useful"))}
    return {"task": next(tasks)}


async def client(url: str, work: Work, seed: int) -> None:
    """Call until it is over."""
    chance, tasks = random.Random(seed), queries(seed)
    tools, weights = list(SHARES), list(SHARES.values())
    one = HttpClient(url, TOKEN)
    while work.another():
        tool = chance.choices(tools, weights)[0]
        asked = arguments(tool, work, chance, tasks)
        start = time.perf_counter()
        try:
            answer = await one.call(tool, asked)
        except Exception as error:  # noqa: BLE001 - counted, and the run goes on
            work.failed[f"{tool}: {type(error).__name__} {str(error)[:80]}"] += 1
            await one.close()
            one = HttpClient(url, TOKEN)
            continue
        work.laps[tool].append((time.perf_counter() - start) * 1e3)
        if tool == "recall" and len(work.open) < 1_000:
            work.open.append(str(answer["recall_id"]))
    await one.close()


def _weight(pid: int) -> float:
    return proportional_mb(pid) or 0.0


def looked(store: Path, host: int, front: int, work: Work) -> Sample:
    """Look at both processes and the store."""
    files = [path for path in store.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files if path.exists())
    handles = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in (host, front))
    minute = (time.perf_counter() - work.began) / 60
    return Sample(
        minute, work.calls, _weight(host), _weight(front), len(files), size / 1e6, handles
    )


async def endured(
    made: Stage, door: Served, minutes: float, calls: int
) -> tuple[Work, list[Sample]]:
    """Run the clients, and look at even steps."""
    store = made.store("stock")
    there = made.announced(store)
    assert there is not None
    work = Work(minutes * 60, calls)
    tasks = [asyncio.create_task(client(door.url, work, seed)) for seed in range(CLIENTS)]
    samples = []
    for number in range(SAMPLES + 1):
        while work.progress() < number / SAMPLES:  # noqa: ASYNC110 - every call would set an event
            await asyncio.sleep(_POLL)
        samples.append(await asyncio.to_thread(looked, store, there.pid, door.pid, work))
        last = samples[-1]
        say(f"minute {last.minute:.1f}: {last.calls:,} calls, host {last.host:.0f} MB")
    await asyncio.gather(*tasks)
    return work, samples


def tables(work: Work, samples: list[Sample], seconds: float) -> list[Table]:
    """What was looked at, and what the calls took in the first and the last tenth."""
    rows: list[tuple[Cell, ...]] = [
        (f"{s.minute:.1f}", s.calls, s.host, s.front, s.files, s.megabytes, s.handles)
        for s in samples
    ]
    columns = ("minute", "calls", "host MB", "door MB", "files", "store MB", "handles")
    looks = Table("what grows", columns, tuple(rows), "memory: proportional set size")
    timed: list[tuple[Cell, ...]] = []
    for name, laps in work.laps.items():
        tenth = max(len(laps) // 10, 1)
        parts = (laps, laps[:tenth], laps[-tenth:])
        shares = [percentile(part, p) for part in parts for p in (50.0, 95.0)]
        timed.append((name, len(laps), *shares))
    heads = ("p50", "p95", "first tenth p50", "p95 ", "last tenth p50", " p95")
    failed = ", ".join(f"{count} x {what}" for what, count in work.failed.most_common(5))
    note = f"{sum(map(len, work.laps.values())) / seconds:.1f} calls/s; failed: {failed or 'none'}"
    return [looks, Table("milliseconds a call", ("call", "calls", *heads), tuple(timed), note)]


def measure(options: argparse.Namespace) -> Report:
    minutes = options.minutes if options.minutes is not None else (0.5 if options.quick else 30.0)
    report = Report(NAME, CLAIM, options.quick)
    with stage() as made:
        store = made.store("stock")
        stock(store, served_embedder(), 200 if options.quick else ITEMS)
        made.host(store)
        with served(store, made.folder / "http.txt", "--rate", "10000000") as door:
            until(lambda: made.announced(store) is not None, "the host")
            work, samples = asyncio.run(endured(made, door, minutes, options.calls))
    report.tables += tables(work, samples, samples[-1].minute * 60)
    return report


def parser() -> argparse.ArgumentParser:
    made = parser_of(NAME, CLAIM)
    made.add_argument("--minutes", type=float, help="how long (30)")
    made.add_argument("--calls", type=int, default=0, help="until so many, in place of a time")
    return made


if __name__ == "__main__":
    sys.exit(run(parser(), measure))
