"""What a reported outcome costs: until it is stored, until it is learned, and ever after.

Recall is compared between copies of one store that took no report, some and many
of them; the copies are asked in blocks by turns.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.caller import Caller
from benchmarks.command import parser_of, run
from benchmarks.corpus import queries
from benchmarks.report import Budget, Cell, Report, Table
from benchmarks.stocked import KEPT, Stock, memory, served_embedder, stock
from benchmarks.stopwatch import Stopwatch, percentile
from memory_core.requests import RecallRequest

if TYPE_CHECKING:
    from memory_core.ports import Embedder
    from memory_core.service.service import MemoryService

NAME = "reports"
CLAIM = "an outcome is durable at once, learned off the path, and a thousand of them slow nothing"
REPORT_MS = 60.0
LEARN_MS = 25.0
SAME = 1.15
"""Ratio of two p50 that still counts as unchanged on a machine with other work."""
DISK = 3.0
BYTES_SYNCED = 2_048


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    `block` reports are made at a stretch, by turns waiting for the learner after
    each and not; `items` are those of the store, `disk` those of the stores that
    are only weighed; `recalls` are asked of each copy, `asked_at_once` in a block.
    """

    items: int
    some: int
    many: int
    block: int
    recalls: int
    disk: tuple[int, ...]
    asked_at_once: int = 10


QUICK = Size(items=200, some=20, many=60, block=10, recalls=30, disk=(500,))
FULL = Size(items=1_000, some=100, many=1_000, block=50, recalls=200, disk=(1_000, 10_000))


@dataclass(slots=True)
class Laps:
    """Milliseconds, by what was done, and the store's sizes on the way.

    `calm` and `learn_calm` while nothing else ran, `busy` while the learner was
    at work on earlier reports.
    """

    calm: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    learn: list[float] = field(default_factory=list)
    learn_calm: list[float] = field(default_factory=list)
    synced: list[float] = field(default_factory=list)
    growth: list[tuple[Cell, ...]] = field(default_factory=list)


def synced_append(folder: Path) -> float:
    """Give the milliseconds of one synced append of 2 kB: what any durable write costs here."""
    began = time.perf_counter()
    with (folder / "synced.bin").open("ab", buffering=0) as file:
        file.write(b"\0" * BYTES_SYNCED)
        os.fsync(file.fileno())
    return (time.perf_counter() - began) * 1e3


# -- reporting -------------------------------------------------------------------


def report_block(caller: Caller, watch: Stopwatch, laps: Laps, many: int, *, calm: bool) -> None:
    """Report `many` outcomes; `calm` lets the learner finish after each."""
    watch.take()
    for _ in range(many):
        (laps.calm if calm else laps.busy).append(caller.step() * 1e3)
        if calm:
            caller.settle()
    caller.settle()
    learned = [lap * 1e3 for lap in watch.take().get("learn", ())]
    laps.learn += learned
    if calm:
        laps.learn_calm += learned


def report_all(service: MemoryService, size: Size, reports: range, laps: Laps) -> None:
    """Bring a memory from `reports.start` reports to `reports.stop`."""
    caller = Caller(service, seed=reports.start + 3)
    trainer = service.core.trainer
    assert trainer is not None
    with Stopwatch() as watch:
        watch.watch(trainer.learner, "learn_one", "learn")
        for start in reports[:: size.block]:
            stop = min(start + size.block, reports.stop)
            report_block(caller, watch, laps, stop - start, calm=start // size.block % 2 == 0)
            laps.synced += [synced_append(service.core.settings.store.parent) for _ in range(5)]
            if stop == reports.stop or stop % (size.many // 4) == 0:
                laps.growth.append(grown(service, stop))


def grown(service: MemoryService, reports: int, when: str = "") -> tuple[Cell, ...]:
    """One row of the store's sizes."""
    sizes = service.core.store.sizes()
    learner = sum(file.stat().st_size for file in checkpoints(service))
    name = f"{reports:,} reports{when}"
    rest = sizes.bytes - learner
    return name, sizes.fragments, sizes.unindexed, round(rest / 1e6, 2), round(learner / 1e6, 2)


def checkpoints(service: MemoryService) -> list[Path]:
    """The learner's files."""
    folder = service.core.settings.store / "learner"
    return [file for file in folder.rglob("*") if file.is_file()] if folder.exists() else []


# -- recall afterwards -----------------------------------------------------------


def recalls_by_turns(
    services: Sequence[MemoryService], size: Size
) -> tuple[list[list[float]], list[list[float]]]:
    """Ask the memories in blocks by turns; give the milliseconds of each, and those of the CPU."""
    tasks = queries(seed=9)
    wall: list[list[float]] = [[] for _ in services]
    cpu: list[list[float]] = [[] for _ in services]
    for number in range(size.recalls // size.asked_at_once + 1):
        for place in range(len(services)):
            one = (number + place) % len(services)
            for _ in range(size.asked_at_once):
                began, busy = time.perf_counter(), time.process_time()
                services[one].recall(RecallRequest(task=next(tasks)))
                if number:  # the first block of each warms up
                    wall[one].append((time.perf_counter() - began) * 1e3)
                    cpu[one].append((time.process_time() - busy) * 1e3)
    return wall, cpu


# -- the report ------------------------------------------------------------------


def measure_reports(
    size: Size, embedder: Embedder, folder: Path, report: Report, kept: Path = KEPT
) -> None:
    base = stock(folder / "base", embedder, size.items, kept)
    laps = Laps()
    some = base.copy("some")
    with memory(some, embedder) as service:
        laps.growth.append(grown(service, 0))
        report_all(service, size, range(size.some), laps)
    many = Stock(some, base.items, 0, 0).copy("many")
    with memory(many, embedder) as service:
        report_all(service, size, range(size.some, size.many), laps)
        service.compact()
        laps.growth.append(grown(service, size.many, ", compacted"))
    report.tables += [
        costs(laps),
        Table("the store as reports come in", GROWTH, tuple(laps.growth)),
    ]
    report.budgets += [
        Budget("report_outcome, p50", percentile([*laps.calm, *laps.busy], 50), REPORT_MS, "ms"),
        Budget("learn_one, p50", percentile(laps.learn, 50), LEARN_MS, "ms"),
        Budget(
            "learn_one while nothing else runs, p95",
            percentile(laps.learn_calm, 95),
            LEARN_MS,
            "ms",
        ),
    ]
    counts = (0, size.some, size.many)
    with ExitStack() as stack:
        folders = (base.folder, some, many)
        services = [stack.enter_context(memory(one, embedder)) for one in folders]
        wall, cpu = recalls_by_turns(services, size)
    compare(report, counts, wall, cpu)


GROWTH = ("when", "fragments", "unindexed items", "MB of records", "MB of checkpoints")
WEIGHED = "Records: log and index. Checkpoints: a cache of what was learned."


def costs(laps: Laps) -> Table:
    """What a report and its learning take."""

    def row(name: str, values: Sequence[float]) -> tuple[Cell, ...]:
        return (name, len(values), *(percentile(values, p) for p in (50, 95, 100)))

    return Table(
        "one report, ms",
        ("what", "count", "p50", "p95", "most"),
        (
            row("report_outcome, durable, the learner idle", laps.calm),
            row("report_outcome, durable, the learner at work", laps.busy),
            row("learn_one, off the path, nothing else running", laps.learn_calm),
            row("learn_one, off the path, all", laps.learn),
            row("a bare synced append of 2 kB, for comparison", laps.synced),
        ),
    )


def compare(
    report: Report,
    counts: Sequence[int],
    wall: Sequence[Sequence[float]],
    cpu: Sequence[Sequence[float]],
) -> None:
    """Add the table of recalls after so many reports, and what may not have changed."""
    rows = tuple(
        (
            f"{count:,} reports",
            percentile(wall[place], 50),
            percentile(wall[place], 95),
            percentile(cpu[place], 50),
            percentile(wall[place], 50) / percentile(wall[0], 50),
        )
        for place, count in enumerate(counts)
    )
    columns = ("after", "p50 ms", "p95 ms", "CPU p50 ms", "p50 ratio")
    title = f"recall after reports ({len(wall[0])} questions each, in blocks by turns)"
    report.tables.append(Table(title, columns, rows))
    for before in (0, 1):
        ratio = percentile(wall[-1], 50) / percentile(wall[before], 50)
        what = f"recall p50, {counts[-1]:,} reports against {counts[before]:,}"
        report.budgets.append(Budget(what, ratio, SAME, "x"))


def measure_disk(
    size: Size, embedder: Embedder, folder: Path, report: Report, kept: Path = KEPT
) -> None:
    rows = []
    for count in size.disk:
        one = stock(folder / f"disk-{count}", embedder, count, kept)
        ratio = one.bytes / one.raw
        rows.append((f"{count:,} items", one.raw / count, one.bytes / count, ratio))
        what = f"disk per item after compaction, {count:,} items"
        report.budgets.append(Budget(what, ratio, DISK, "x", firm=True))
    columns = ("store", "raw bytes an item", "bytes on disk an item", "ratio")
    note = "Raw: an item's texts and its two vectors. On disk: everything in the store's folder."
    report.tables.append(Table("disk after compaction", columns, tuple(rows), note))


def measure(options: argparse.Namespace) -> Report:
    report = Report(NAME, CLAIM, options.quick)
    size = QUICK if options.quick else FULL
    embedder = served_embedder()
    with tempfile.TemporaryDirectory(prefix="lessonbank-reports-") as folder:
        measure_reports(size, embedder, Path(folder), report)
        measure_disk(size, embedder, Path(folder), report)
    return report


if __name__ == "__main__":
    sys.exit(run(parser_of(NAME, CLAIM), measure))
