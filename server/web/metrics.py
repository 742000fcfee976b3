"""What is measured, for Prometheus. A scrape shows what its token may see.

Latencies and counts of this process are for tokens of all projects; a token of some
projects gets the counts of those alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import anyio
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from memory_core.answers import Shared, Stats
from memory_core.caller import Caller
from memory_core.errors import MemoryUnavailable
from memory_core.port import Memory
from memory_core.proof_answers import Speaking
from memory_core.requests import Empty
from server.definitions import TOOLS

_WITHIN = 5.0
"""Seconds that a scrape waits for the memory's own counts."""
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TOOL_NAMES = frozenset(one.method.name for one in TOOLS)


class Metrics:
    """The measures of one process."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._calls = Counter(
            "lessonbank_tool_calls", "Calls of a tool", ["tool", "result"], registry=self._registry
        )
        self._seconds = Histogram(
            "lessonbank_tool_seconds",
            "Seconds until a tool's answer",
            ["tool"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._requests = Counter(
            "lessonbank_http_requests", "Answered requests", ["status"], registry=self._registry
        )
        self._open = Gauge(
            "lessonbank_http_open_requests",
            "Requests under way, open streams included",
            registry=self._registry,
        )

    def count_call(self, tool: str, result: str, seconds: float) -> None:
        """Count one call of one of `TOOL_NAMES` or "unknown"; `result` is ok, refused or failed."""
        self._calls.labels(tool, result).inc()
        self._seconds.labels(tool).observe(seconds)

    def counting(self, app: ASGIApp) -> ASGIApp:
        """Give the application with its requests counted."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http":
                await app(scope, receive, send)
                return

            async def sent(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._requests.labels(str(message["status"])).inc()
                await send(message)

            with self._open.track_inprogress():
                await app(scope, receive, sent)

        return counted

    async def scrape(self, memory: Memory, caller: Caller) -> Response:
        """Give everything that a caller may see, in Prometheus' text format."""
        seen = CollectorRegistry()
        seen.register(_Given(await _of_memory(memory.bound(caller), caller)))
        text = generate_latest(seen)
        if caller.projects is None:
            text += generate_latest(self._registry)
        return Response(text, media_type=CONTENT_TYPE_LATEST)


class _Given(Collector):
    """Metrics that were made for one scrape."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> Iterator[Metric]:
        return iter(self._metrics)


async def _of_memory(memory: Memory, caller: Caller) -> list[Metric]:
    ready = memory.readiness().stage in ("ready", "keyword")
    found: list[Metric] = [
        GaugeMetricFamily("lessonbank_ready", "Whether recalls are served", value=float(ready))
    ]
    with anyio.move_on_after(_WITHIN):
        try:
            stats = await memory.stats(Empty())
            found += _of_stats(stats)
            if caller.projects is None:
                found += _of_store(stats)
        except MemoryUnavailable:  # `lessonbank_ready` says so
            pass
    return found


def _labelled(name: str, what: str, label: str, values: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, what, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def _one(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)


def _of_stats(stats: Stats) -> list[Metric]:
    return [
        _labelled("lessonbank_items", "Stored items by state and kind", "is", stats.items),
        _labelled("lessonbank_project_items", "Active items", "project", stats.projects),
        _one("lessonbank_recalls", "Served answers since the store exists", stats.recalls),
        *_of_speaking(stats.speaking),
        _labelled("lessonbank_outcomes", "Recalls and tasks by end", "outcome", stats.outcomes),
        _one("lessonbank_learner_reports", "Reported outcomes", stats.learner.reports),
        _one("lessonbank_learner_weight", "How far learning moves orders", stats.learner.weight),
    ]


def _of_speaking(said: Speaking) -> list[Metric]:
    """How often the memory spoke, and what of it was followed; a share without a count is 0."""
    silent = said.silent / said.recalls if said.recalls else 0.0
    used = said.used / said.judged if said.judged else 0.0
    what = "Share of answers without an item, checks apart"
    followed = "Share of served items that were followed, where the report says"
    tokens = "Tokens that a hook injected for a prompt, on average"
    return [
        _one("lessonbank_silent_share", what, silent),
        _one("lessonbank_used_share", followed, used),
        _one("lessonbank_prompt_tokens", tokens, said.tokens),
    ]


def _of_store(stats: Stats) -> list[Metric]:
    proof = stats.learner.proof
    record = {"win": proof.wins, "loss": proof.losses, "tie": proof.ties}
    what = "Held-out reports: learned order against similarity"
    return [
        _labelled("lessonbank_proof_reports", what, "result", record),
        _one("lessonbank_learner_queue", "Reports not learned yet", stats.learner.pending),
        _one("lessonbank_unindexed_items", "Items that the index has not got yet", stats.unindexed),
        _one("lessonbank_store_fragments", "Fragments of the tables", stats.fragments),
        _one("lessonbank_store_bytes", "Bytes on disk", stats.bytes),
        *_of_shared(stats.shared),
    ]


def _of_shared(shared: Shared | None) -> list[Metric]:
    if shared is None:
        return []
    behind = "Seconds since this process and the shared store had the same"
    return [
        _labelled("lessonbank_shared_role", "What this process is", "role", {shared.role: 1}),
        _one("lessonbank_shared_waiting", "Records not in the shared store yet", shared.waiting),
        _one("lessonbank_shared_behind_seconds", behind, shared.behind_seconds),
    ]
