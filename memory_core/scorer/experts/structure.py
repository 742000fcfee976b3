"""How the task is asked, whatever it names."""

from __future__ import annotations

from memory_core.scorer.experts.expert import Expert, Prior, View
from memory_core.scorer.panel import Floats


class Structure(Expert):
    """z-score of how alike the two tasks are asked, their own names taken out."""

    name = "structure"
    label = "how its own task was asked"
    prior = Prior(0.0, 0.5, -2.0, 2.0)

    def says(self, view: View) -> Floats:
        return view.standing_out(view.panel.structure)
