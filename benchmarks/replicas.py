"""Many replicas behind a balancer that knows nothing of sessions: each call goes to the next one.

A writer and replicas as processes over one bucket (a real S3 server on loopback). Clients
recall at one replica and report at another. At the end every server is asked the same.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks.child import ROOT
from benchmarks.command import parser_of, run
from benchmarks.corpus import queries
from benchmarks.doors.clients import HttpClient
from benchmarks.doors.serving import TOKEN, Served, served
from benchmarks.hosts.stage import Stage, stage, until
from benchmarks.hosts.weigh import proportional_mb
from benchmarks.report import Budget, Report, Table
from benchmarks.stocked import say, served_embedder, stock
from benchmarks.stopwatch import percentile

NAME = "replicas"
CLAIM = "many replicas behind a balancer without sessions answer alike, and count each report once"
PEERS = "the-secret-of-the-benchmark-and-its-replicas"
REPLICAS = 10
ITEMS = 1_000
CLIENTS = 16
SECONDS = 60.0
ASKED = 20
"""Tasks that every server is asked at the end."""
LAG = 5.0
_SETTLES = 60.0


@dataclass(slots=True)
class Work:
    """What the clients have done."""

    until: float
    laps: dict[str, list[float]] = field(
        default_factory=lambda: {"recall": [], "report_outcome": []}
    )
    failed: Counter[str] = field(default_factory=Counter)
    reports: int = 0
    """The most that an answer told of."""


@contextmanager
def bucket() -> Iterator[str]:
    """Give the URL of a new store in a bucket, and let s3:// and the servers lead there."""
    from tests.memory_core.store.remote.bucket import new_url, s3_server, variables

    with s3_server(ROOT) as port:
        before = dict(os.environ)
        os.environ.update({**variables(port), "LESSONBANK_PEER_TOKEN": PEERS})
        try:
            yield new_url()
        finally:
            os.environ.clear()
            os.environ.update(before)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def is_ready(server: Served) -> bool:
    """Tell whether it answers from a model and a copy."""
    try:
        with urllib.request.urlopen(server.url.replace("/mcp", "/readyz"), timeout=30) as said:
            return bool(said.status == 200)
    except (urllib.error.URLError, TimeoutError):
        return False


def writer(made: Stage, url: str, stack: ExitStack) -> Served:
    """Move a local store of many items into the bucket and serve it."""
    folder = made.store("stock")
    stock(folder, served_embedder(), ITEMS)
    port = free_port()
    os.environ["LESSONBANK_WORKDIR"] = str(folder)
    os.environ["LESSONBANK_ADVERTISE"] = f"http://127.0.0.1:{port}"
    words = ("--in-process", "--port", str(port), "--rate", "10000000")
    one = stack.enter_context(served(url, made.folder / "writer.txt", *words))
    for name in ("LESSONBANK_WORKDIR", "LESSONBANK_ADVERTISE"):
        del os.environ[name]
    until(lambda: is_ready(one), "the writer")
    return one


def replicas(folder: Path, url: str, count: int, stack: ExitStack) -> list[Served]:
    """Start so many followers at once, and wait until all are ready."""
    words = ("--follow", url, "--stateless", "--rate", "10000000")
    found = [
        stack.enter_context(served(url, folder / f"replica-{number}.txt", *words))
        for number in range(count)
    ]
    for number, one in enumerate(found):
        until(lambda one=one: is_ready(one), f"replica {number}")  # type: ignore[misc]
        say(f"replica {number} is ready")
    return found


async def client(servers: Sequence[Served], seed: int, work: Work) -> None:
    """Recall at one server and report at the next, until it is over, once at least."""
    turn = islice(cycle(servers), seed % len(servers), None)
    tasks = queries(seed)
    over = False
    while not over:
        try:
            answer = await timed(work, "recall", next(turn), {"task": next(tasks)})
            report = {"recall_id": answer["recall_id"], "outcome": "success"}
            said = await timed(work, "report_outcome", next(turn), report)
            work.reports = max(work.reports, int(said["learning"]["reports"]))
        except Exception as error:  # noqa: BLE001 - counted, and the run goes on
            work.failed[f"{type(error).__name__} {str(error)[:100]}"] += 1
        over = time.perf_counter() >= work.until


async def timed(work: Work, tool: str, server: Served, asked: dict[str, object]) -> dict[str, Any]:
    """Make one call over a connection of its own and note what it took."""
    began = time.perf_counter()
    way = HttpClient(server.url, TOKEN)
    answer = await way.call(tool, asked)
    await way.close()
    work.laps[tool].append((time.perf_counter() - began) * 1e3)
    return dict(answer)


async def load(servers: Sequence[Served], seconds: float) -> Work:
    """Let all clients call for so long."""
    work = Work(time.perf_counter() + seconds)
    await asyncio.gather(*(client(servers, seed, work) for seed in range(CLIENTS)))
    return work


async def told(server: Served) -> list[tuple[tuple[str, float, int, int], ...]]:
    """What a server answers to the same tasks: ids, scores to three places, wins and losses."""
    way, tasks = HttpClient(server.url, TOKEN), queries(4711)
    found = []
    for _ in range(ASKED):
        answer = await way.call("recall", {"task": next(tasks)})
        found.append(
            tuple(
                (item["id"], round(item["score"], 3), item["wins"], item["losses"])
                for item in answer["items"]
            )
        )
    await way.close()
    return found


def alike(servers: Sequence[Served]) -> tuple[float, int]:
    """Ask all the same until they agree; give the seconds, and how many answers still differ."""
    began = time.perf_counter()
    while True:
        answers = [asyncio.run(told(server)) for server in servers]
        differing = sum(len(set(same)) > 1 for same in zip(*answers, strict=True))
        seconds = time.perf_counter() - began
        if not differing or seconds > _SETTLES:
            return seconds, differing


def measure(options: argparse.Namespace) -> Report:
    count = options.replicas or (2 if options.quick else REPLICAS)
    seconds = 5.0 if options.quick else SECONDS
    report = Report(NAME, CLAIM, options.quick)
    with stage() as made, bucket() as url, ExitStack() as stack:
        first = writer(made, url, stack)
        began = time.perf_counter()
        others = replicas(made.folder, url, count, stack)
        started = time.perf_counter() - began
        work = asyncio.run(load(others, seconds))
        settled, differing = alike([first, *others])
        sizes = [proportional_mb(one.pid) or 0.0 for one in others]
    report.tables += tables(work, seconds, started, sizes)
    acknowledged = len(work.laps["report_outcome"])
    report.budgets = [
        Budget("calls that failed", sum(work.failed.values()), 0, "calls", firm=True),
        Budget("reports that were counted too often", work.reports - acknowledged, 0, "reports"),
        Budget(f"of {ASKED} tasks, answered differently", differing, 0, "tasks", firm=True),
        Budget("until all agreed, asking included", settled, 2 * LAG, "s"),
    ]
    return report


def tables(work: Work, seconds: float, started: float, sizes: Sequence[float]) -> list[Table]:
    """What the calls and the processes took."""
    calls = sum(map(len, work.laps.values()))
    failed = ", ".join(f"{n} x {what}" for what, n in work.failed.most_common(3)) or "none"
    timed = Table(
        f"{CLIENTS} clients, {len(sizes)} replicas, each call at the next",
        ("call", "count", "p50 ms", "p95 ms"),
        tuple(
            (name, len(laps), percentile(laps, 50), percentile(laps, 95))
            for name, laps in work.laps.items()
            if laps
        ),
        f"{calls / seconds:.1f} calls/s; failed: {failed}",
    )
    row = (len(sizes), started, sum(sizes) / len(sizes), work.reports)
    return [timed, Table("processes", ("replicas", "ready s", "MB each", "reports known"), (row,))]


def parser() -> argparse.ArgumentParser:
    made = parser_of(NAME, CLAIM)
    made.add_argument("--replicas", type=int, default=0, help=f"how many ({REPLICAS})")
    return made


if __name__ == "__main__":
    sys.exit(run(parser(), measure))
