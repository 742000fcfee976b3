"""A store in a bucket against a local one: calls, requests, fail-over, a second machine's start.

The bucket is on a real S3 server on loopback; a proxy in front of it holds every
request back by some milliseconds. The memories of one table are asked by turns,
in blocks, in one process.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.child import ROOT
from benchmarks.command import parser_of, run
from benchmarks.corpus import lessons, queries
from benchmarks.report import Budget, Cell, Report, Table
from benchmarks.stocked import KEPT, PROJECT, served_embedder, stored_items
from benchmarks.stopwatch import percentile
from memory_core.requests import OutcomeRequest, RecallRequest, RememberRequest
from memory_core.settings import Settings

if TYPE_CHECKING:
    from memory_core.ports import Embedder
    from memory_core.service.service import MemoryService
    from memory_core.store.lance_store import LanceStore
    from tests.memory_core.store.remote.proxy import Proxy

NAME = "object_store"
CLAIM = "a store in a bucket answers like a local one, and another machine takes over in seconds"
DURABLE_MS = 60.0
FAIL_OVER = 30.0
LAG = 5.0
SAME = 1.25
"""Ratio of two p50 that still counts as the same on a machine with other work."""
_SETTLES = 120.0


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    `rounds` by turns with so many `calls` of each kind, `kills` of the writer,
    `length` of the lease in seconds, `delay` of each request in milliseconds.
    """

    items: int
    rounds: int
    calls: int
    kills: int
    length: float
    delay: float = 50.0


QUICK = Size(items=200, rounds=2, calls=8, kills=1, length=2.0)
FULL = Size(items=2_000, rounds=6, calls=25, kills=5, length=10.0)


@dataclass(slots=True)
class Memory:
    """One memory that is measured, and its calls in milliseconds."""

    name: str
    url: str
    service: MemoryService
    store: LanceStore
    laps: dict[str, list[float]] = field(default_factory=dict)

    def timed(self, call: str, began: float) -> None:
        self.laps.setdefault(call, []).append((time.perf_counter() - began) * 1e3)


@contextmanager
def bucket() -> Iterator[Proxy]:
    """Run a server and a proxy, and let s3:// lead to them."""
    from tests.memory_core.store.remote.bucket import s3_server, variables
    from tests.memory_core.store.remote.proxy import Proxy

    with s3_server(ROOT) as port, Proxy(port).running() as proxy:
        before = dict(os.environ)
        os.environ.update(variables(proxy.port))
        try:
            yield proxy
        finally:
            os.environ.clear()
            os.environ.update(before)


@contextmanager
def opened(
    name: str, folder: Path, url: str, embedder: Embedder, *, follow: bool = False
) -> Iterator[Memory]:
    """Give a memory as a host has it."""
    from memory_core.service.service import MemoryService
    from memory_core.store.lance_store import LanceStore
    from memory_core.store.remote.sharing import Sharing

    store = LanceStore.open(folder, sharing=Sharing(url, follow) if url else None)
    settings = Settings(store=folder, remote=url, follow=follow)
    service = MemoryService(settings, store, project=PROJECT, notify=lambda _: None)
    store.listen(partial(service.follow, adopt=store.adopt))
    try:
        service.attach(embedder)
        yield Memory(name, url, service, store)
    finally:
        service.close()


def fill(memory: Memory, embedder: Embedder, count: int, kept: Path) -> None:
    """Give a memory its items, and wait until the bucket has them."""
    items = list(stored_items(embedder, count, kept))
    for start in range(0, count, 500):
        memory.store.add_items(items[start : start + 500])
    for each in items:
        memory.service.core.take(each)
    settled(memory)


def settled(memory: Memory) -> float:
    """Wait until the bucket has everything; give the seconds."""
    began = time.perf_counter()
    shared = memory.store._shared  # noqa: SLF001  # measured, not used
    while shared is not None and shared.state().waiting:
        if time.perf_counter() - began > _SETTLES:
            break
        time.sleep(0.005)
    return time.perf_counter() - began


# -- calls -----------------------------------------------------------------------


def work(memory: Memory, number: int, calls: int) -> None:
    """Make a block of calls: recall and report, and remember."""
    service = memory.service
    tasks, texts = queries(seed=number), lessons(10**6)
    for _ in range(calls):
        began = time.perf_counter()
        answer = service.recall(RecallRequest(task=next(tasks)))
        memory.timed("recall", began)
        began = time.perf_counter()
        service.report_outcome(OutcomeRequest(recall_id=answer.recall_id, outcome="success"))
        memory.timed("report_outcome", began)
    for one in range(calls):
        text = next(texts)
        began = time.perf_counter()
        service.lessons.remember(
            RememberRequest(
                title=f"{text.title} {number} {one}", content=f"{text.content} {number}.{one}"
            )
        )
        memory.timed("remember", began)
    if service.core.trainer is not None:
        service.core.trainer.settle(_SETTLES)


CALLS = ("recall", "remember", "report_outcome")


def call_table(memories: Sequence[Memory]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for call in CALLS:
        base = percentile(memories[0].laps[call], 50)
        for memory in memories:
            laps = memory.laps[call]
            p50 = percentile(laps, 50)
            rows.append((call, memory.name, len(laps), p50, percentile(laps, 95), p50 / base))
    columns = ("call", "store", "count", "p50 ms", "p95 ms", "p50 ratio")
    return Table("calls of a warm memory, by turns", columns, tuple(rows))


def kind_of(path: str) -> str:
    """Give what a request was for."""
    for mark in ("lease.json", "inbox", "meta.json"):
        if mark in path:
            return mark
    return "tables"


def request_table(
    proxy: Proxy, before: Counter[tuple[str, str]], memories: Sequence[Memory], seconds: float
) -> Table:
    """What was asked of the bucket while the calls were made."""
    rows: list[tuple[Cell, ...]] = []
    for memory in memories:
        prefix = memory.url.removeprefix("s3://").partition("/")[2]
        made = (proxy.requests - before).items()
        records = sum(map(len, memory.laps.values()))
        by_kind: Counter[str] = Counter()
        for (method, path), count in made:
            if prefix in path:
                by_kind[f"{kind_of(path)} {method}"] += count
        total = sum(n for kind, n in by_kind.items() if kind.startswith("tables"))
        told = ", ".join(f"{kind} {n}" for kind, n in sorted(by_kind.items()))
        rows.append((memory.name, records, seconds, total / records, told))
    columns = ("store", "calls", "seconds", "table requests a call", "all requests")
    note = "Lease and inbox are asked by the clock: every 3.3 s and every 2 s."
    return Table("requests while the calls were made", columns, tuple(rows), note)


# -- searching in the bucket, what the local copy spares ----------------------------


def direct(url: str, folder: Path, embedder: Embedder, asked: int) -> list[float]:
    """Search the items of the store in `folder` as a table in the bucket: by words, by vector."""
    from datetime import timedelta

    import lancedb
    from lancedb.index import FTS

    from memory_core.store.exporting import export_tables

    plain = folder.with_name(f"{folder.name} as plain tables")
    export_tables(folder, plain)
    items = lancedb.connect(plain).open_table("items").to_arrow()
    database: Any = lancedb.connect(f"{url}/plain", read_consistency_interval=timedelta(0))
    table = database.create_table("items", schema=items.schema)
    table.add(items)
    table.create_index("content", config=FTS(with_position=False))
    laps = []
    tasks = queries(seed=5)
    for _ in range(asked + 2):
        task = next(tasks)
        vector = embedder.embed_query(task)
        began = time.perf_counter()
        table.search(task, query_type="fts").select(["id"]).limit(50).to_arrow()
        table.search(vector, vector_column_name="vector").select(["id"]).limit(50).to_arrow()
        laps.append((time.perf_counter() - began) * 1e3)
    return laps[2:]


# -- a follower ----------------------------------------------------------------------


def waited(memory: Memory, reports: int) -> float:
    """Wait until a memory has so many reports; give the seconds."""
    began = time.perf_counter()
    while memory.service.core.tally.reports() < reports:
        if time.perf_counter() - began > _SETTLES:
            raise RuntimeError(f"{memory.name} has not got the reports of its writer")
        time.sleep(0.002)
    return time.perf_counter() - began


def learned(memory: Memory, folder: Path) -> bytes:
    """Give everything that a memory has learned, to the last bit."""
    from memory_core.scorer import checkpoint

    trainer = memory.service.core.trainer
    assert trainer is not None
    assert trainer.settle(_SETTLES)
    return checkpoint.save(trainer.learner, folder / memory.name, "", "").read_bytes()


def follow_table(writer: Memory, folder: Path, embedder: Embedder, reports: int) -> Table:
    """Report to the writer, and wait for each report to arrive at a follower."""
    lags = []
    with ExitStack() as stack:
        one = stack.enter_context(
            opened("follower", folder / "follower", writer.url, embedder, follow=True)
        )
        tasks = queries(seed=77)
        for _ in range(reports):
            service = writer.service
            answer = service.recall(RecallRequest(task=next(tasks)))
            request = OutcomeRequest(recall_id=answer.recall_id, outcome="success")
            service.report_outcome(request)
            lags.append(waited(one, service.core.tally.reports()))
        bits = {learned(memory, folder / "bits") for memory in (writer, one)}
        rebuilt = stack.enter_context(
            opened("rebuilt", folder / "rebuilt", writer.url, embedder, follow=True)
        )
        waited(rebuilt, writer.service.core.tally.reports())
        bits.add(learned(rebuilt, folder / "bits"))
    same = "yes" if len(bits) == 1 else "no"
    row = (reports, percentile(lags, 50), percentile(lags, 95), max(lags), same)
    columns = ("reports", "lag p50 s", "lag p95 s", "most s", "same bits")
    note = "Same bits: what writer, follower and a rebuild from the log have learned, byte by byte."
    return Table(f"a follower of the {writer.name}", columns, (row,), note)


# -- another machine -----------------------------------------------------------------


def start_table(url: str, folder: Path, proxy: Proxy, items: int) -> Table:
    """Open the store on a machine that never saw it, and again."""
    from memory_core.store.lance_store import LanceStore
    from memory_core.store.remote.sharing import Sharing

    rows: list[tuple[Cell, ...]] = []
    for delay in (0.0, proxy.delay):
        held, proxy.delay = proxy.delay, delay
        for what in ("first start", "second start"):
            before, began = proxy.total(), time.perf_counter()
            there = folder / f"machine-{delay}"
            store = LanceStore.open(there, sharing=Sharing(url), maintain=False)
            seconds = time.perf_counter() - began
            asked = proxy.total() - before
            rows.append((what, f"{delay * 1e3:.0f} ms", items, seconds, asked))
            store.close()
        proxy.delay = held
    columns = ("machine", "held back", "items", "seconds", "requests")
    return Table("opening the store on another machine", columns, tuple(rows))


def fail_over(url: str, folder: Path, size: Size) -> list[float]:
    """Kill the writer while another machine waits; give the seconds until that one wrote."""
    from tests.memory_core.store.remote.machines import Machine

    found = []
    option = f"--length={size.length}"
    with ExitStack() as stack:
        one = stack.enter_context(Machine(ROOT, folder / "0", url, 0, option))
        one.heard("outcome", 5)
        for number in range(1, size.kills + 1):
            start = 1000 * number
            other = Machine(ROOT, folder / str(number), url, start, option)
            stack.enter_context(other)
            other.heard("waits")
            one.child.kill()
            began = time.perf_counter()
            other.heard("outcome")
            found.append(time.perf_counter() - began)
            one = other
    return found


# -- the report ----------------------------------------------------------------------


def measure_calls(
    size: Size, embedder: Embedder, folder: Path, proxy: Proxy, *, kept: Path = KEPT
) -> tuple[list[Table], list[Budget]]:
    """Compare a local store, one in a bucket, and one in a bucket far away."""
    from tests.memory_core.store.remote.bucket import new_url

    near, far = new_url(), new_url()
    proxy.slow, proxy.delay = far.rpartition("/")[2], size.delay / 1e3
    with ExitStack() as stack:
        names = ("local", "bucket", f"bucket, {size.delay:.0f} ms away")
        memories = [
            stack.enter_context(opened(name, folder / name, url, embedder))
            for name, url in zip(names, ("", near, far), strict=True)
        ]
        for memory in memories:
            fill(memory, embedder, size.items, kept)
            work(memory, 10**6, 2)
            settled(memory)
            memory.laps.clear()
        before, began = Counter(proxy.requests), time.perf_counter()
        for number in range(size.rounds):
            for place in range(len(memories)):
                work(memories[(number + place) % len(memories)], number, size.calls)
        seconds = time.perf_counter() - began
        behind = [settled(memory) for memory in memories]
        tables = [call_table(memories), request_table(proxy, before, memories[1:], seconds)]
        followed = follow_table(memories[2], folder, embedder, size.calls)
        tables.append(followed)
    rows = tuple(
        (name, percentile(laps, 50), percentile(laps, 95))
        for name, laps in (
            (names[1], direct(near, folder / names[1], embedder, size.calls)),
            (names[2], direct(far, folder / names[2], embedder, size.calls)),
        )
    )
    title = "one search by words and one by vector in a table of the items in the bucket"
    tables.append(Table(title, ("store", "p50 ms", "p95 ms"), rows))
    tables.append(start_table(far, folder, proxy, size.items))
    _, _, _, most, same = followed.rows[0]
    assert isinstance(most, float)
    return tables, [
        *budgets(memories, behind, size),
        Budget("a follower's lag, the longest", most, LAG, "s"),
        Budget("learned states that differ", float(same != "yes"), 0.0, "", firm=True),
    ]


def budgets(memories: Sequence[Memory], behind: Sequence[float], size: Size) -> list[Budget]:
    far, local = memories[2], memories[0]
    found = [
        Budget(f"{call} p50, bucket {size.delay:.0f} ms away", percentile(laps, 50), limit, "ms")
        for call, limit in (("remember", DURABLE_MS), ("report_outcome", DURABLE_MS))
        for laps in [far.laps[call]]
    ]
    ratio = percentile(far.laps["recall"], 50) / percentile(local.laps["recall"], 50)
    found.append(Budget("recall p50, bucket far away against local", ratio, SAME, "x"))
    found.append(Budget("seconds until the bucket had the last record", behind[2], 5.0, "s"))
    return found


def measure(options: argparse.Namespace) -> Report:
    report = Report(NAME, CLAIM, options.quick)
    size = QUICK if options.quick else FULL
    embedder = served_embedder()
    with tempfile.TemporaryDirectory(prefix="lessonbank-bucket-") as root, bucket() as proxy:
        from tests.memory_core.store.remote.bucket import new_url

        report.tables, report.budgets = measure_calls(size, embedder, Path(root), proxy)
        proxy.delay = 0.0
        seconds = fail_over(new_url(), Path(root) / "machines", size)
    rows = tuple((n, size.length, one) for n, one in enumerate(seconds, start=1))
    columns = ("kill", "lease s", "seconds until the other machine wrote")
    report.tables.append(Table("the writer is killed, another machine waits", columns, rows))
    report.budgets.append(Budget("fail-over, the longest", max(seconds), FAIL_OVER, "s", firm=True))
    return report


if __name__ == "__main__":
    sys.exit(run(parser_of(NAME, CLAIM), measure))
