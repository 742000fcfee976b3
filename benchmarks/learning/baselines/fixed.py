"""Rankers that learn nothing: the plain order, both of its legs, and their ranks fused."""

from __future__ import annotations

from benchmarks.learning.baselines.base import Baseline, Floats
from benchmarks.learning.slates import reciprocal_ranks
from memory_core.scorer.panel import Panel


class Hybrid(Baseline):
    """The product's plain order: the panel's own."""

    name = "hybrid"

    def scores(self, panel: Panel, *, explore: bool) -> Floats:
        del explore
        return panel.fused


class RankFusion(Baseline):
    """Reciprocal-rank fusion of both legs, a plain order that fits no store in particular."""

    name = "hybrid (RRF)"

    def scores(self, panel: Panel, *, explore: bool) -> Floats:
        del explore
        return reciprocal_ranks(panel.dense, panel.keyword)


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
