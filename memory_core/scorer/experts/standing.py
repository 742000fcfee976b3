"""How an item did anywhere."""

from __future__ import annotations

from memory_core.scorer.experts.expert import Expert, Prior, View
from memory_core.scorer.panel import Floats


class Standing(Expert):
    """The item's outcomes in all conditions, shrunk, in [-1, 1]."""

    name = "standing"
    label = "its outcomes anywhere"
    prior = Prior(1.0, 1.0, 0.0, 6.0)
    of_outcomes = True

    def says(self, view: View) -> Floats:
        return view.record.standing
