"""What a network that sees condition and item side by side expects."""

from __future__ import annotations

import numpy as np

from memory_core.scorer.experts.expert import Expert, Prior, View
from memory_core.scorer.panel import Floats


class PairNetwork(Expert):
    """Pair network on (conditions, item), a logit clipped to [-4, 4]."""

    name = "pair"
    label = "what a network expects of it here"
    prior = Prior(0.1, 0.5, 0.0, 2.0)

    def says(self, view: View) -> Floats:
        panel = view.panel
        if view.networks is None or not panel.size:
            return np.zeros(panel.size)
        return view.networks.pair(panel.query, panel.keys)
