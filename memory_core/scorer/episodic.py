"""The episodic buffer: what just failed in a session is demoted, with what advises the same.

Per session the last failures are kept for ten minutes; a success on a like
query clears them. Times are the outcomes' own (seconds since the epoch), so a
restart rebuilds the same buffer from the log.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from memory_core.ports import Vector
from memory_core.scorer.episode import Episode
from memory_core.scorer.panel import Floats, Panel, advice_kernel
from memory_core.sketch import SIZE

PENALTY = 2.0
"""Of the first item of a failed set, in units of the final score (z-scores of similarity x 0.5)."""
LIKE = 0.8
LEAST_SHARE = 0.2
"""Items that mattered less than this share of the first are not demoted."""
LEAST_ALIKE = 0.8
"""Items whose advice is less alike than this are not demoted with what failed."""
LIFETIME = 600.0
RING = 16
MOST_SESSIONS = 512


@dataclass(frozen=True, slots=True)
class Failure:
    """What failed: conditions, (item id, share in [0, 1]) each, what they advised, and when.

    `contents` are float32[SIZE] sketches of the shares' items, zero where not known.
    """

    owner: str
    query: Vector
    shares: tuple[tuple[str, float], ...]
    at: float
    contents: tuple[Vector, ...] = ()


class EpisodicBuffer:
    """Recent failures by (project, session); bounded."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[tuple[str, str], tuple[Failure, ...]] = OrderedDict()

    def observe(self, episode: Episode) -> None:
        """Take one outcome in: a failure is kept, a success clears like failures."""
        if episode.query is None or not episode.ids:
            return
        key = (episode.project, episode.session)
        held = [f for f in self._sessions.get(key, ()) if f.owner != episode.owner]
        if episode.strength > 0 and episode.reward > 0.5:
            held = [f for f in held if float(f.query @ episode.query) <= LIKE]
        elif episode.strength > 0 and episode.reward < 0.5:
            top = float(episode.attention.max()) or 1.0
            shares = tuple(
                (item_id, float(weight / top))
                for item_id, weight, label in zip(
                    episode.ids, episode.attention, episode.labels, strict=True
                )
                if label != 1.0 and (label == -1.0 or (weight > 0 and weight >= LEAST_SHARE * top))
            )
            nothing = np.zeros(SIZE, np.float32)
            contents = tuple(episode.contents.get(item_id, nothing) for item_id, _ in shares)
            held.append(Failure(episode.owner, episode.query, shares, episode.at, contents))
        self._sessions[key] = tuple(held[-RING:])
        self._sessions.move_to_end(key)
        while len(self._sessions) > MOST_SESSIONS:
            self._sessions.popitem(last=False)

    def penalty(self, project: str, session: str, panel: Panel, now: float) -> Floats:
        """How far each item is demoted now, float64[N] >= 0.

        What just failed in full, and what advises alike as far as it does.
        """
        penalties = np.zeros(panel.size)
        places = {item_id: place for place, item_id in enumerate(panel.ids)} | dict(panel.earlier)
        for failure in self._sessions.get((project, session), ()):
            if now - failure.at > LIFETIME or float(failure.query @ panel.query) <= LIKE:
                continue
            for (item_id, share), content in zip(failure.shares, failure.contents, strict=True):
                alike = np.zeros(panel.size)
                if panel.contents is not None and content.any():
                    alike = advice_kernel(panel.contents, content[None])[:, 0].astype(np.float64)
                if item_id in places:
                    alike[places[item_id]] = 1.0
                penalties += PENALTY * share * np.where(alike >= LEAST_ALIKE, alike, 0.0)
        return penalties
