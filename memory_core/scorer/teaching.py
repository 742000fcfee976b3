"""What one report teaches the stack: labelled items, the set, and what was passed over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from memory_core.scorer.episode import Episode
from memory_core.scorer.stack import Row

SET_SHARE = 0.5
"""What the outcome of the whole set teaches beside labels of single items."""
SKIP_SHARE = 1.0
"""What a report teaches by which items were used although others stood above them."""


def teaches(episode: Episode) -> bool:
    """Whether there is anything to learn: a judged outcome or a label."""
    labelled = bool((~np.isnan(episode.labels)).any())
    told = labelled or (episode.strength > 0 and (not episode.ids or bool(episode.attention.any())))
    return episode.trust > 0 and told


def rows_of(episode: Episode, at: float) -> list[Row]:
    """The stack's rows of one report; `at` is what was taught before it."""
    labelled = np.flatnonzero(~np.isnan(episode.labels))
    rows = [
        Row(
            episode.experts[place],
            (float(episode.labels[place]) + 1) / 2,
            episode.trust,
            episode.owner,
            at,
            episode.source,
        )
        for place in labelled
    ]
    weight = episode.strength * episode.trust * (SET_SHARE if rows else 1.0)
    if weight > 0 and episode.attention.any():
        rows.append(Row(episode.row, episode.reward, weight, episode.owner, at, episode.source))
    pairs = episode.skipped
    for used, above in pairs:
        difference = episode.experts[used] - episode.experts[above]
        share = SKIP_SHARE * episode.trust / len(pairs)
        rows.append(Row(difference, 1.0, share, episode.owner, at, episode.source, compared=True))
    if len(rows) > 1 or episode.trust < 1:
        rows = [replace(row, share=episode.trust / len(rows)) for row in rows]
    return rows
