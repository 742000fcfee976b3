"""Likeness of words alone."""

from __future__ import annotations

from memory_core.scorer.experts.expert import Expert, Prior, View
from memory_core.scorer.panel import Floats, zscore


class Keyword(Expert):
    """z-score of BM25."""

    name = "keyword"
    label = "the words it shares with the task"
    prior = Prior(0.0, 0.25, -1.5, 1.5)

    def says(self, view: View) -> Floats:
        return zscore(view.panel.keyword)
