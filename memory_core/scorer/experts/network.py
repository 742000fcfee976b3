"""What a low-rank network learned of conditions and items."""

from __future__ import annotations

import numpy as np

from memory_core.scorer.experts.expert import Expert, Prior, View
from memory_core.scorer.panel import Floats


class Network(Expert):
    """Low-rank network on (conditions, item), in [-1, 1]."""

    name = "network"
    label = "what a network expects of it here"
    prior = Prior(0.1, 0.5, 0.0, 3.0)

    def says(self, view: View) -> Floats:
        panel, record = view.panel, view.record
        if view.networks is None or not panel.size:
            return np.zeros(panel.size)
        cosines = (panel.keys @ panel.query).astype(np.float64)
        features = features_of(cosines, record.evidence, record.mass, panel.pitfall)
        return view.networks.low_rank(panel.query, panel.keys, features)


def features_of(cosines: Floats, evidence: Floats, mass: Floats, pitfall: Floats) -> Floats:
    """The small features of the low-rank network, float64[N, F] (order as in networks.FEATURES)."""
    return np.stack([cosines, evidence, np.log1p(mass), evidence * cosines, pitfall], axis=-1)
