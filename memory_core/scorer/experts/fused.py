"""Plain hybrid similarity: what the order is built on, and falls back to."""

from __future__ import annotations

from memory_core.scorer.experts.expert import Expert, Prior, View
from memory_core.scorer.panel import Floats, zscore


class Fused(Expert):
    """z-score of the plain order's value: cosine, words and names in the store's own mix."""

    name = "fused"
    label = "how well it fits by words and meaning"
    prior = Prior(0.5, 0.25, 0.05, 1.5)

    def says(self, view: View) -> Floats:
        return zscore(view.panel.fused)
