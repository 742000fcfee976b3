"""The replay reservoir: a bounded, fair sample of past episodes for the networks.

A reservoir of 1,024 (Vitter 1985, algorithm R) whose every draw is seeded by the
number of the report, so that it is a function of the log. Batches are half
successes and half failures where there are enough of both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from memory_core.ports import Vector
from memory_core.scorer.episode import Episode
from memory_core.scorer.experts import EVIDENCE, NETWORK
from memory_core.scorer.experts.network import features_of
from memory_core.scorer.networks import Batch
from memory_core.scorer.panel import Floats

CAPACITY = 1024
REPLAYED = 31


@dataclass(frozen=True, slots=True)
class Memory:
    """One episode as the networks train on it; `kept` is what the network said when it was new."""

    owner: str
    source: str
    query: Vector
    keys: NDArray[np.float32]
    features: Floats
    attention: Floats
    reward: float
    labels: Floats
    label_weights: Floats
    weight: float
    kept: Floats


def _tells_of_items(episode: Episode) -> bool:
    """Whether the report says anything of an item: one was used, or one is labelled."""
    return bool(episode.attention.any() or (~np.isnan(episode.labels)).any())


def memory_of(episode: Episode) -> Memory | None:
    """Give what the networks need, or None where the episode holds nothing to learn.

    They learn whole reports: how much one weighs is how seldom its source's count.
    """
    if not _tells_of_items(episode):
        return None
    if episode.query is None or not episode.ids or (episode.strength <= 0 and not episode.credits):
        return None
    cosines = (episode.keys @ episode.query).astype(np.float64)
    known = ~np.isnan(episode.labels)
    labels = np.where(known, (episode.labels + 1) / 2, episode.reward)
    weights = np.where(known, 1.0, episode.attention * episode.strength)
    if known.any():
        weights = np.where(known, 1.0, weights * 0.25)
    return Memory(
        owner=episode.owner,
        source=episode.source,
        query=episode.query,
        keys=episode.keys,
        features=features_of(cosines, episode.experts[:, EVIDENCE], episode.mass, episode.pitfall),
        attention=episode.attention,
        reward=episode.reward,
        labels=labels,
        label_weights=weights,
        weight=max(episode.strength, float(known.any())),
        # logged through tanh, trained before it; the clip keeps its inverse finite
        kept=np.arctanh(np.clip(episode.experts[:, NETWORK], -0.999, 0.999)),
    )


class Reservoir:
    """The sample. One thread uses it."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self.memories: list[Memory] = []
        self.seen = 0

    def add(self, memory: Memory) -> None:
        """Offer one memory; a memory of the same owner is replaced in place."""
        for place, held in enumerate(self.memories):
            if held.owner == memory.owner:
                self.memories[place] = memory
                return
        self.seen += 1
        if len(self.memories) < CAPACITY:
            self.memories.append(memory)
            return
        # the n-th takes a place of n at random, so that all seen so far are held alike often
        place = int(np.random.default_rng((self._seed, self.seen)).integers(self.seen))
        if place < CAPACITY:
            self.memories[place] = memory

    def withdraw(self, owner: str) -> None:
        """Let an owner's memory teach nothing any more."""
        for place, held in enumerate(self.memories):
            if held.owner == owner:
                self.memories[place] = _silenced(held)

    def sample(self, count: int, step: int) -> list[Memory]:
        """Draw at most `count`, half successes and half failures where possible."""
        rng = np.random.default_rng((self._seed, 7, step))
        sides = (
            [m for m in self.memories if m.reward > 0.5],
            [m for m in self.memories if m.reward <= 0.5],
        )
        small = min(sides, key=len)
        first = min(len(small), count // 2)
        drawn: list[Memory] = []
        for side in sides:
            want = min(len(side), first if side is small else count - first)
            drawn.extend(side[i] for i in rng.permutation(len(side))[:want])
        return drawn


def _padded(parts: Sequence[Floats | NDArray[np.float32]], width: int) -> torch.Tensor:
    """Stack arrays whose first axis is the served items, zero-padded to `width`."""
    shape = (len(parts), width, *parts[0].shape[1:])
    out = np.zeros(shape, np.float32)
    for place, part in enumerate(parts):
        out[place, : len(part)] = part
    return torch.from_numpy(out)


def batch_of(new: Memory, replayed: Sequence[Memory]) -> Batch:
    """One training batch: the new memory and its replay."""
    rows = [new, *replayed]
    width = max(len(row.attention) for row in rows)
    return Batch(
        queries=torch.from_numpy(np.stack([row.query for row in rows]).astype(np.float32)),
        keys=_padded([row.keys for row in rows], width),
        features=_padded([row.features for row in rows], width),
        attention=_padded([row.attention for row in rows], width),
        rewards=torch.tensor([row.reward for row in rows], dtype=torch.float32),
        labels=_padded([row.labels for row in rows], width),
        label_weights=_padded([row.label_weights for row in rows], width),
        weights=torch.tensor([row.weight for row in rows], dtype=torch.float32),
        kept=_padded([row.kept for row in rows], width),
        replayed=torch.tensor([0.0] + [1.0] * len(replayed)),
    )


def _silenced(memory: Memory) -> Memory:
    """The same memory with weight 0: it stays in its place and teaches nothing."""
    return replace(memory, weight=0.0, label_weights=np.zeros_like(memory.label_weights))
