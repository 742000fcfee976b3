"""How long a recall takes, where the time goes, and how it grows with what is stored.

Four memories stand side by side: a small and a large one, each without and with
reported outcomes. They are asked by turns, every question only once, so that no
answer comes from a cache and noise of the machine meets all alike.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.caller import Caller
from benchmarks.command import parser_of, run
from benchmarks.corpus import queries
from benchmarks.report import Budget, Cell, Report, Table
from benchmarks.stocked import KEPT, PROJECT, Stock, memory, served_embedder, stock
from benchmarks.stopwatch import Stopwatch, percentile
from memory_core.requests import RecallRequest

if TYPE_CHECKING:
    from memory_core.ports import Embedder
    from memory_core.service.service import MemoryService

NAME = "recall_latency"
CLAIM = "recall costs an embedding and a few milliseconds, from a thousand items to fifty thousand"
PARTS = ("embed", "search", "score", "log")
SCORER_SHARE = 15.0
BEYOND_EMBEDDING_MS = 15.0
GROWTH = 2.0
USUAL_ITEMS = 10_000


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured: items of each memory, reports of the taught ones, questions each.

    `after_opening` questions come before, to a store that was just opened.
    """

    items: tuple[int, ...]
    reports: int
    questions: int
    after_opening: int = 20


QUICK = Size((200, 500), reports=15, questions=30, after_opening=8)
FULL = Size((1_000, 10_000, 50_000), reports=200, questions=220)


@dataclass(slots=True)
class Arm:
    """One memory and the laps of its recalls, in milliseconds.

    `cpu` is the whole process's: on a busy machine it tells more than `total`.
    `opened` are the first recalls of all, after opening.
    """

    items: int
    reports: int
    service: MemoryService
    total: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    opened: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.items:,} items, {self.reports:,} reports"

    def watch(self, watch: Stopwatch) -> None:
        """Put the stopwatch on what this memory calls during a recall."""
        core = self.service.core
        assert core.trainer is not None
        watch.watch(core.store, "search", "search")
        watch.watch(core.trainer.learner, "rank", "score")
        watch.watch(core.store, "add_recall", "log")

    def ask(self, task: str, watch: Stopwatch) -> None:
        """Recall once and note where the time went."""
        watch.take()
        began, busy = time.perf_counter(), time.process_time()
        self.service.recall(RecallRequest(task=task))
        total = (time.perf_counter() - began) * 1e3
        laps = watch.take()
        self.total.append(total)
        self.cpu.append((time.process_time() - busy) * 1e3)
        spent = {part: sum(laps.get(part, ())) * 1e3 for part in PARTS}
        spent["rest"] = total - sum(spent.values())
        for part, milliseconds in spent.items():
            self.parts.setdefault(part, []).append(milliseconds)

    def warm_up(self) -> None:
        """Put what was asked so far aside, and read every item once, as long use does."""
        from memory_core.ports import Scope

        self.opened, self.total, self.cpu, self.parts = self.total, [], [], {}
        core = self.service.core
        ids = [held.item.id for held in core.store.scan_items(Scope((PROJECT,)))]
        for start in range(0, len(ids), 1_000):
            for stored in core.items(tuple(ids[start : start + 1_000])).values():
                core.read(stored.item)

    def row(self, percent: float) -> tuple[Cell, ...]:
        """The table's row: every part a percentile of its own."""
        parts = [self.parts[part] for part in (*PARTS, "rest")]
        said = [percentile(laps, percent) for laps in (self.total, *parts, self.cpu)]
        return (self.name, f"p{percent:.0f}", *said)

    def beyond_embedding(self, percent: float) -> float:
        """Milliseconds of a recall that are not the model's."""
        pairs = zip(self.total, self.parts["embed"], strict=True)
        return percentile([total - embed for total, embed in pairs], percent)

    def scorer_share(self, percent: float) -> float:
        """The scorer's part of embedding and search, in percent."""
        pairs = zip(self.parts["embed"], self.parts["search"], strict=True)
        work = percentile([embed + search for embed, search in pairs], percent)
        return 100 * percentile(self.parts["score"], percent) / work


# -- memories --------------------------------------------------------------------


def arms(
    stack: ExitStack, stocks: Sequence[Stock], embedder: Embedder, size: Size
) -> Iterator[Arm]:
    """Give, for each stock, a memory without outcomes and one with."""
    for one in stocks:
        for reports in (0, size.reports):
            folder = one.copy(f"{reports}")
            if reports:
                with memory(folder, embedder) as taught:
                    Caller(taught, seed=3).work(reports)
            yield Arm(one.items, reports, stack.enter_context(memory(folder, embedder)))


def ask_by_turns(found: Sequence[Arm], tasks: Iterator[str], rounds: int, watch: Stopwatch) -> None:
    """Ask every memory `rounds` times, another one first in each round."""
    for number in range(rounds):
        for place in range(len(found)):
            found[(number + place) % len(found)].ask(next(tasks), watch)


def measure_size(size: Size, embedder: Embedder, folder: Path, kept: Path = KEPT) -> list[Arm]:
    """Fill, teach and ask; give what every memory took."""
    from memory_core.service import recalling
    from memory_core.service.core import Core

    stocks = [stock(folder / f"items-{count}", embedder, count, kept) for count in size.items]
    tasks = queries(seed=2)
    with ExitStack() as stack:
        found = list(arms(stack, stocks, embedder, size))
        watch = stack.enter_context(Stopwatch())
        watch.watch(embedder, "embed_query", "embed")
        watch.watch(recalling, "panel_of", "score")
        watch.watch(Core, "texts_of", "score")
        for arm in found:
            arm.watch(watch)
        ask_by_turns(found, tasks, size.after_opening, watch)
        for arm in found:
            arm.warm_up()
        ask_by_turns(found, tasks, size.questions, watch)
        return found


# -- the report ------------------------------------------------------------------


def tables(found: Sequence[Arm]) -> list[Table]:
    """Where the time went, and how it grows."""
    columns = ("memory", "", "recall", *PARTS, "rest", "CPU")
    note = (
        "Every part is a percentile of its own: they need not add up. embed: the model; search: "
        "vectors, full text, fusion; score: reading texts and the learner; log: the receipt; "
        "CPU: the process's time."
    )
    rows = tuple(arm.row(percent) for arm in found for percent in (50, 95))
    questions = len(found[0].total)
    beyond = tuple(
        (
            arm.name,
            arm.beyond_embedding(50),
            arm.beyond_embedding(95),
            arm.scorer_share(50),
            arm.scorer_share(95),
        )
        for arm in found
    )
    opened = tuple(
        (arm.name, percentile(arm.opened, 50), percentile(arm.opened, 95)) for arm in found
    )
    return [
        Table(f"recall, warm, ms ({questions} questions each, by turns)", columns, rows, note),
        Table(
            "recall beyond embedding, and the scorer's share of embed + search",
            ("memory", "p50 ms", "p95 ms", "share p50 %", "share p95 %"),
            beyond,
        ),
        Table(
            f"the first {len(found[0].opened)} recalls after opening, ms",
            ("memory", "p50", "p95"),
            opened,
        ),
    ]


def budgets(found: Sequence[Arm]) -> list[Budget]:
    """The design's limits: the scorer's share everywhere, the rest up to ten thousand items."""
    smallest = min(arm.items for arm in found)
    sizes = {arm.items for arm in found if arm.items <= USUAL_ITEMS}
    usual = [arm for arm in found if arm.items == max(sizes)]
    limits = [
        Budget(
            f"recall beyond embedding, p50, {arm.name}",
            arm.beyond_embedding(50),
            BEYOND_EMBEDDING_MS,
            "ms",
        )
        for arm in usual
    ]
    limits += [
        Budget(
            f"scorer's share of embed + search, p{percent}, {arm.name}",
            arm.scorer_share(percent),
            SCORER_SHARE,
            "%",
        )
        for arm in found
        for percent in (50, 95)
    ]
    for arm in usual:
        small = next(a for a in found if a.reports == arm.reports and a.items == smallest)
        ratio = percentile(arm.total, 50) / percentile(small.total, 50)
        limits.append(Budget(f"{arm.name} against {small.name}, p50", ratio, GROWTH, "x"))
    return limits


def measure(options: argparse.Namespace) -> Report:
    embedder = served_embedder()
    with tempfile.TemporaryDirectory(prefix="lessonbank-recall-") as folder:
        found = measure_size(QUICK if options.quick else FULL, embedder, Path(folder))
    return Report(NAME, CLAIM, options.quick, tables(found), budgets(found))


if __name__ == "__main__":
    sys.exit(run(parser_of(NAME, CLAIM), measure))
