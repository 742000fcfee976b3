"""Likeness of meaning alone."""

from __future__ import annotations

from memory_core.scorer.experts.expert import Expert, Prior, View
from memory_core.scorer.panel import Floats, zscore


class Dense(Expert):
    """z-score of the cosine."""

    name = "dense"
    label = "its meaning"
    prior = Prior(0.0, 0.25, -1.5, 1.5)

    def says(self, view: View) -> Floats:
        return zscore(view.panel.dense)
