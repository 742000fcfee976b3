"""Long prompts: is what is asked found behind, before and between what people paste?

Every question is asked bare and with something pasted around it, of the same store,
by the product's own conditions and search; the first item is judged by the stream's
world. Beside it what each way and what texts that are no question take, and how often a
text without a question is met with silence.
`python -m benchmarks.relevance.long DATA` prints a table.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

from benchmarks.learning.embeddings import served_model
from benchmarks.learning.product import Shelf, opened
from benchmarks.learning.stream import Attempt, Memory, Stream, Task
from benchmarks.learning.streams import advising, banking77, intercode
from benchmarks.relevance.fillers import KINDS, PLACES, Fillers, Part, in_part
from memory_core.ports import Embedder
from memory_core.reading import Window
from memory_core.requests import RecallRequest, parse
from memory_core.service.conditions import conditions_of
from memory_core.service.fitting import held_in
from memory_core.settings import Settings

CANDIDATES = 50
_LINE = "2026-11-30 12:00:07,123 INFO worker[3] processed job 77 in 12 ms\n"
ODD = {
    "a word": "locked",
    "8,000 lines": _LINE * 8_000,
    "base64": base64.b64encode(Random(1).randbytes(60_000)).decode(),
    "2 MB": "river port stone sea " * 95_000,
    "Khmer": "\u17a0\u17c1\u178f\u17bb\u17a2\u17d2\u179c\u17b8 " * 300,
    "emoji": "\U0001f525\U0001f680" * 2_000,
}
"""Texts that are no question: what they cost."""


@dataclass(slots=True)
class Share:
    """Right first items out of how many, and the seconds that each took."""

    right: float = 0.0
    asked: int = 0
    took: list[float] = field(default_factory=list)

    def add(self, value: float, seconds: float) -> None:
        self.right += value
        self.asked += 1
        self.took.append(seconds)

    def after(self, share: float) -> float:
        """Milliseconds within which this share of them was answered."""
        return 1_000 * sorted(self.took)[min(int(share * self.asked), self.asked - 1)]

    @property
    def value(self) -> float:
        return self.right / self.asked if self.asked else float("nan")


@dataclass(frozen=True, slots=True)
class _Same:
    """Right iff the memory is of the task's own kind."""

    kinds: dict[str, str] = field(default_factory=dict)

    def attempt(self, task: Task, shown: Sequence[str]) -> Attempt:
        return Attempt(float(bool(shown) and self.kinds[shown[0]] == self.kinds[task.key]))


def workshop_stream() -> Stream:
    """The workshop's tasks: one wording of each is remembered, two others are asked."""
    from benchmarks.workshop.tasks import FAMILIES

    kinds: dict[str, str] = {}
    memories, asked = [], []
    for task in (task for family in FAMILIES for task in family.tasks):
        memories.append(
            Memory(
                f"memory {task.id}", task.wordings[0][:200], task.condition, task=task.wordings[1]
            )
        )
        kinds[f"memory {task.id}"] = task.id
        for number in (3, 4):
            asked.append(Task(f"{task.id} {number}", task.wordings[number]))
            kinds[f"{task.id} {number}"] = task.id
    return Stream("workshop", 0, tuple(memories), (), tuple(asked), _Same(kinds), 3)


def streams(data: Path) -> Iterator[Stream]:
    """The stores: questions of development parts only."""
    yield banking77.build(1, data, bad=0.0, memories=800, tasks=10, held_out=400, split="dev")
    yield advising.build(1, data, memories=300, tasks=10, held_out=400, split="dev")
    yield intercode.build(1, data, split="dev", tasks=10, held_out=400)
    yield workshop_stream()


def measure(
    stream: Stream, embedder: Embedder, fillers: Fillers, part: Part, count: int
) -> dict[tuple[str, str], Share]:
    """Ask `count` questions of a stream in every way; shares by (kind, place), "bare" first."""
    found: dict[tuple[str, str], Share] = defaultdict(Share)
    tasks = [task for task in stream.held_out if in_part(part, task.text)][:count]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        shelf = Shelf(stream, embedder, Path(folder))
        with opened(shelf, "similarity") as product:
            service = product._service  # noqa: SLF001 - the search alone is measured
            core = service.core

            def ask(cell: Share, task: Task, text: str) -> None:
                began = time.perf_counter()
                scope = core.scope(task.project)
                held = held_in(core, scope)
                conditions = conditions_of(embedder, text, task.context, task.error, held)
                best = core.store.search(conditions.probes, scope, CANDIDATES)
                took = time.perf_counter() - began
                shown = tuple(shelf.keys[one.stored.item.id] for one in best[:1])
                cell.add(stream.world.attempt(task, shown).chance, took)

            for task in tasks:
                ask(found["bare", ""], task, task.text)
            for kind, place in itertools.product(KINDS, PLACES):
                for task in tasks:
                    text = fillers.prompt(task.text, kind, place, task.key)
                    ask(found[kind, place], task, text)
            bars = Settings(store=core.settings.store)
            core.settings = replace(core.settings, bar=bars.bar, bar_uninvited=bars.bar_uninvited)
            for kind, task in itertools.product(KINDS, tasks):
                text = fillers.prompt("", kind, "before", f"{task.key} alone").strip()
                request = {"task": text, "project": task.project}
                began = time.perf_counter()
                answer = service.recall(parse(RecallRequest, request))
                found["alone", kind].add(float(answer.abstained), time.perf_counter() - began)
            for kind, text in ODD.items():
                for number in range(min(count, 20)):
                    ask(found["odd", kind], tasks[0], f"{text}{number}")
    return found


def _read_whole() -> None:
    """Let every text be one window that the model cuts off, as before texts were read whole."""
    from memory_core.service import conditions

    def one(text: str, *_: object, **__: object) -> tuple[Window, ...]:
        return (Window(text, "whole", clear=True),)

    vars(conditions).update(read=one, read_log=one)


def main() -> None:
    """Print shares of right first items and what they lose against the bare question."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--part", choices=("dev", "test"), default="dev")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--cache", type=Path, default=None)
    parser.add_argument("--only", default="")
    parser.add_argument("--whole", action="store_true", help="each text as one window, cut off")
    asked = parser.parse_args()
    if asked.whole:
        _read_whole()
    fillers = Fillers(asked.data, asked.part)
    embedder = served_model(asked.cache)
    began = time.monotonic()
    for stream in streams(asked.data):
        if asked.only and stream.name not in asked.only.split(","):
            continue
        found = measure(stream, embedder, fillers, asked.part, asked.count)
        bare = found["bare", ""]
        print(f"{stream.name}: bare {bare.value:.3f} of {bare.asked}", flush=True)
        for kind in KINDS:
            cells = [f"{place} {found[kind, place].value - bare.value:+.3f}" for place in PLACES]
            took = [found[kind, place].after(0.5) / bare.after(0.5) for place in PLACES]
            times = " ".join(f"{one:.1f}" for one in took)
            silent = f"alone silent {found['alone', kind].value:.2f}"
            print(f"  {kind:12}", "  ".join(cells), f" p50 {times} x bare, {silent}", flush=True)
        print(f"  bare p50 {bare.after(0.5):.0f} ms, p95 {bare.after(0.95):.0f} ms")
        for kind in ODD:
            cell = found["odd", kind]
            print(f"  {kind:12} p50 {cell.after(0.5):.0f} ms, p95 {cell.after(0.95):.0f} ms")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
