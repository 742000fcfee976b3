"""How an item did where it was served, in conditions like these."""

from __future__ import annotations

from memory_core.scorer.experts.expert import Expert, Prior, View
from memory_core.scorer.panel import Floats


class OwnEvidence(Expert):
    """Kernel evidence of the item's own outcomes in like conditions, in [-1, 1]."""

    name = "evidence"
    label = "its outcomes in like conditions"
    prior = Prior(1.0, 1.5, 0.0, 9.0)
    of_outcomes = True

    def says(self, view: View) -> Floats:
        return view.record.evidence
