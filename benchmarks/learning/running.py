"""Runs the seeds of a stream, several at a time; each fills its store once for all conditions."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.learning import catalog, product
from benchmarks.learning.baselines import rivals
from benchmarks.learning.baselines.fixed import Hybrid
from benchmarks.learning.conditions import Condition
from benchmarks.learning.embeddings import served_model
from benchmarks.learning.ordering import Order, arranged
from benchmarks.learning.replay import Ranker, RivalRanker, Trace, replay
from benchmarks.learning.stream import Rival, Stream, Task
from memory_core.ports import Embedder

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What one command asks for, but the seed.

    `settings` are the product's own; `without` names experts, a set for each further product
    that runs beside the whole one and in which they say nothing.
    """

    stream: str
    data: Path
    options: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = (Condition(),)
    order: Order = "own"
    settings: Mapping[str, Any] = field(default_factory=dict)
    baselines: bool = True
    mcp: bool = False
    cache: Path | None = None
    without: tuple[frozenset[str], ...] = ()


@dataclass(frozen=True, slots=True)
class Played:
    """One seed: its sizes and, per condition, what each ranker did."""

    seed: int
    sizes: Mapping[str, int]
    traces: tuple[Mapping[str, Trace], ...]


def run(job: Job, seeds: Sequence[int], processes: int, say: Say) -> list[Played]:
    """Run all seeds; `say` is told when one is done."""
    if processes < 2 or len(seeds) < 2:
        return [_said(run_seed(job, seed), say) for seed in seeds]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(seeds)), context) as pool:
        futures = [pool.submit(run_seed, job, seed) for seed in seeds]
        return [_said(future.result(), say) for future in futures]


def _said(played: Played, say: Say) -> Played:
    parts = []
    for traces in played.traces:
        first = next(iter(traces.values()))
        parts.append(f"{first.held_out.mean():.3f}" if len(first.held_out) else "-")
    say(f"seed {played.seed}: held out {', '.join(parts)}")
    return played


def _calm() -> None:
    """One thread of arithmetic: processes share the cores, and sums are alike on all machines."""
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch

    torch.set_num_threads(1)


def run_seed(job: Job, seed: int) -> Played:
    """Run one seed under every condition, in this process."""
    _calm()
    embedder = served_model(job.cache)
    try:
        stream = catalog.build(job.stream, seed, job.data, job.options)
        return play(stream, embedder, job)
    finally:
        embedder.close()


def play(stream: Stream, embedder: Embedder, job: Job) -> Played:
    """Fill a store with the stream's memories and replay it under every condition."""
    with product.shelved(stream, embedder) as shelf:
        ordered = stream
        if job.order != "own":
            with product.opened(shelf, "similarity") as plain:
                ordered = arranged(stream, job.order, _ease(stream, plain))
        traces = tuple(_play(ordered, shelf, condition, job) for condition in job.conditions)
    sizes = {
        "memories": len(stream.memories),
        "tasks": len(stream.tasks),
        "held_out": len(stream.held_out),
        "k": stream.k,
    }
    return Played(stream.seed, sizes, traces)


def _ease(stream: Stream, plain: product.Product) -> Callable[[Task], float]:
    return lambda task: stream.world.attempt(task, plain.look(task)).chance


def _play(
    stream: Stream, shelf: product.Shelf, condition: Condition, job: Job
) -> Mapping[str, Trace]:
    with ExitStack() as stack:
        learned = stack.enter_context(product.opened(shelf, settings=job.settings))
        rankers: list[Ranker] = [learned]
        for names in job.without:
            ablated = product.opened(shelf, settings=job.settings, without=names)
            rankers.append(stack.enter_context(ablated))
        if job.mcp:
            from benchmarks.learning.mcp_product import opened_over_mcp

            rankers.append(stack.enter_context(opened_over_mcp(stream)))
        opponents: Sequence[Rival] = (Hybrid(),)
        if job.baselines:
            opponents = rivals(shelf.embedder.dimension, stream.seed)
        rankers += [RivalRanker(one, learned.slate, learned.said, stream.k) for one in opponents]
        return replay(stream, rankers, condition)
