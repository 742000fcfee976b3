"""What near items agree on."""

from __future__ import annotations

import numpy as np

from memory_core.scorer.experts.expert import Expert, Prior, View
from memory_core.scorer.panel import Floats, Panel, advice_kernel, zscore

NEARNESS = 0.1
"""Cosine below the nearest candidate's at which a candidate's say in the consensus is 1/e."""


class Consensus(Expert):
    """z-score of how many near candidates advise the same."""

    name = "consensus"
    label = "how many near items advise the same"
    prior = Prior(0.0, 0.5, -2.0, 2.0)

    def says(self, view: View) -> Floats:
        return zscore(consensus_of(view.panel))


def consensus_of(panel: Panel) -> Floats:
    """How much of the neighbourhood advises as each candidate does, float64[N] >= 0.

    sum_j exp((cos_j - max cos) / 0.1) K(advice, advice_j): a kernel vote of the
    candidates (Cover and Hart 1967, soft); equal for all where nobody agrees.
    """
    if panel.contents is None or not panel.size:
        return np.zeros(panel.size)
    near = np.exp((panel.dense - panel.dense.max()) / NEARNESS)
    # [N, N] how alike two candidates advise, times [N] how near each is: N votes
    votes: Floats = advice_kernel(panel.contents, panel.contents).astype(np.float64) @ near
    return votes
