"""The experts that the stack weighs: a module each, and a line each in `REGISTRY`.

Those before `OwnEvidence` need no outcome; the others say zero without one, so that a store
without reports is in the order of plain hybrid similarity. A new expert is a module beside
these and its line here: its column, prior and label follow, and logs that lack it read as 0.
"""

from __future__ import annotations

from dataclasses import astuple

import numpy as np

from memory_core.scorer.experts.advice import Advice
from memory_core.scorer.experts.consensus import Consensus
from memory_core.scorer.experts.dense import Dense
from memory_core.scorer.experts.evidence import OwnEvidence
from memory_core.scorer.experts.expert import Expert
from memory_core.scorer.experts.fused import Fused
from memory_core.scorer.experts.keyword import Keyword
from memory_core.scorer.experts.names import Names
from memory_core.scorer.experts.network import Network
from memory_core.scorer.experts.pair import PairNetwork
from memory_core.scorer.experts.standing import Standing
from memory_core.scorer.experts.structure import Structure

REGISTRY: tuple[type[Expert], ...] = (
    *(Fused, Dense, Keyword, Consensus, Structure, Names),
    *(OwnEvidence, Standing, Advice, Network, PairNetwork),
)
EXPERTS = tuple(expert.name for expert in REGISTRY)
"""The experts' names, in the order of the columns of every `Values`."""
LABELS = {expert.name: expert.label for expert in REGISTRY}
"""What each looks at, in the words of a reader."""
START, SPREAD, LOWEST, HIGHEST = np.array([astuple(expert.prior) for expert in REGISTRY]).T
"""float64[E] each; see `Prior`."""
RECORDS = tuple(column for column, expert in enumerate(REGISTRY) if expert.of_outcomes)
"""The columns of those that read outcomes of items directly."""
FUSED, DENSE = EXPERTS.index(Fused.name), EXPERTS.index(Dense.name)
EVIDENCE, STANDING = EXPERTS.index(OwnEvidence.name), EXPERTS.index(Standing.name)
NETWORK = EXPERTS.index(Network.name)
"""Columns that others speak of."""
