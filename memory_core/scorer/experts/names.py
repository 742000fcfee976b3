"""The names that a task and an item share."""

from __future__ import annotations

from memory_core.scorer.experts.expert import Expert, Prior, View
from memory_core.scorer.panel import Floats


class Names(Expert):
    """z-score of the share of the names in the error (else in the task) that the item holds."""

    name = "names"
    label = "the names it shares with the task"
    prior = Prior(0.0, 0.5, -2.0, 2.0)

    def says(self, view: View) -> Floats:
        return view.standing_out(view.panel.names)
