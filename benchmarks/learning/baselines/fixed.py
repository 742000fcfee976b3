"""Rankers that learn nothing: the three similarities."""

from __future__ import annotations

from benchmarks.learning.baselines.base import Baseline, Floats
from memory_core.scorer.panel import Panel


class Hybrid(Baseline):
    """Reciprocal-rank fusion of both legs: the panel's own order."""

    name = "hybrid (RRF)"

    def scores(self, panel: Panel, *, explore: bool) -> Floats:
        del explore
        return panel.fused


class Cosine(Baseline):
    """The dense leg alone."""

    name = "cosine"

    def scores(self, panel: Panel, *, explore: bool) -> Floats:
        del explore
        return panel.dense


class Bm25(Baseline):
    """The keyword leg alone."""

    name = "BM25"

    def scores(self, panel: Panel, *, explore: bool) -> Floats:
        del explore
        return panel.keyword
