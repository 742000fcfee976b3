"""One interface for experts: what one says of each candidate, and how much that counts at first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from memory_core.scorer.panel import Floats, Panel, zscore

if TYPE_CHECKING:  # torch comes with them, and the log's reading needs the experts' names
    from memory_core.scorer.episode import Episode
    from memory_core.scorer.evidence import Record
    from memory_core.scorer.networks import Weights


@dataclass(frozen=True, slots=True)
class Prior:
    """Where an expert's weight in the stack starts, how freely it moves (s), and its bounds.

    An expert that needs no outcome starts as plain hybrid similarity has it. Nearness may turn
    out to mislead (a decoy repeats the task's words), so such an expert may go below zero; a
    good record never counts against an item.
    """

    start: float
    spread: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class View:
    """What the experts see of one recall.

    `record` is what the outcomes of the candidates, and of what advises like them, say in
    conditions like these; `networks` are None before the first report.
    """

    panel: Panel
    record: Record
    networks: Weights | None

    def standing_out(self, read: Floats | None) -> Floats:
        """z-score of what was read of the texts, float64[N]; 0 where there was none to read."""
        return np.zeros(self.panel.size) if read is None else zscore(read)


class Expert:
    """One of the voices that the stack weighs. A learner makes one of each.

    `name` is what its values are logged and its weight is kept under: values of another meaning
    take another name. `label` says to a person what it looks at. `of_outcomes`: it reads the
    item's own outcomes, and is left out where an item's credit is told from what was expected.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    prior: ClassVar[Prior]
    of_outcomes: ClassVar[bool] = False

    def says(self, view: View) -> Floats:
        """What it says of each candidate, float64[N]; 0 is nothing. From any thread."""
        raise NotImplementedError

    def take(self, episode: Episode) -> None:
        """Take in one outcome, in log order, before the next recall; most read the shared record.

        What is kept of it must be a function of the log: nothing else brings it back.
        """
