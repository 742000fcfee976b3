"""How all that advises alike did, in conditions like these."""

from __future__ import annotations

from memory_core.scorer.experts.expert import Expert, Prior, View
from memory_core.scorer.panel import Floats


class Advice(Expert):
    """Kernel evidence of all items that advise alike, in like conditions, in [-1, 1]."""

    name = "advice"
    label = "the outcomes of items that advise alike"
    prior = Prior(2.0, 1.5, 0.0, 9.0)
    of_outcomes = True

    def says(self, view: View) -> Floats:
        return view.record.advice
