"""Credit: how much of an outcome each served item earned.

Without labels the credit is what the outcome tells beyond what was expected
without this item's own record (baseline-subtracted and explained away by the
other items):

    y_j = clip(2 (r - p_-j), -1, 1),   weight_j = a_j / a_1,

p_-j being the stack's prediction with item j's evidence and standing taken out.
`used_ids` moves the attention a to what was used; a helpful or harmful label is
the credit itself.
"""

from __future__ import annotations

import numpy as np

from memory_core.model import Credit
from memory_core.scorer.episode import LABEL_WEIGHT, Episode
from memory_core.scorer.experts import RECORDS
from memory_core.scorer.panel import Values
from memory_core.scorer.stack import Fit


def assign(episode: Episode, fit: Fit) -> tuple[Credit, ...]:
    """Give each served item its credit: value in [-1, 1], weight in [0, 1.5].

    An outcome of strength 0 (unknown) credits nobody, unless a label says more.
    """
    if not episode.ids:
        return ()
    scale = float(episode.attention.max()) or 1.0  # who mattered most has the weight 1
    credits = []
    for place, item_id in enumerate(episode.ids):
        label = episode.labels[place]
        if not np.isnan(label):
            credits.append(Credit(item_id, float(label), LABEL_WEIGHT * episode.trust))
            continue
        attention = float(episode.attention[place])
        # [S] @ [S, E]: what the list promised, had nothing been known of this item
        expected = fit.predict(episode.attention @ _without(episode, place))
        value = float(np.clip(2.0 * (episode.reward - expected), -1.0, 1.0))
        weight = episode.trust * episode.strength * attention / scale
        if not np.all(np.isnan(episode.labels)):
            weight *= 0.25
        credits.append(Credit(item_id, value, weight))
    return tuple(credits)


def _without(episode: Episode, place: int) -> Values:
    """The episode's expert values with one item's own record taken out."""
    values = episode.experts.copy()
    values[place, list(RECORDS)] = 0.0
    return values
