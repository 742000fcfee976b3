"""Paired bootstrap intervals over seeds and held-out tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
LEVEL = 0.95
_AT_ONCE = 250


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean difference and the bounds of its 95 % interval."""

    value: float
    low: float
    high: float


def paired(
    ours: Sequence[NDArray[np.float64]],
    theirs: Sequence[NDArray[np.float64]],
    resamples: int = RESAMPLES,
) -> Interval:
    """The interval of mean(ours) - mean(theirs), by the percentile bootstrap.

    Two levels (Davison and Hinkley 1997, section 3.8): seeds are drawn with
    replacement, then the tasks of each drawn seed, a task's difference as a whole.
    The value is the mean over seeds of the means over tasks.

    Args:
        ours: float64[H] a seed, one value a held-out task.
        theirs: The rival's values of the same tasks.
        resamples: How many.

    Raises:
        ValueError: There is no seed or a seed without tasks.
    """
    differences = [one - other for one, other in zip(ours, theirs, strict=True)]
    if not differences or not all(len(one) for one in differences):
        raise ValueError("there is nothing to compare: a seed has no held-out tasks")
    chance = np.random.default_rng(0)
    seeds = chance.integers(len(differences), size=(resamples, len(differences)))
    means = np.zeros(resamples)
    for seed, difference in enumerate(differences):
        times = (seeds == seed).sum(axis=1)
        for draw in range(int(times.max(initial=0))):
            rows = np.flatnonzero(times > draw)
            means[rows] += _resampled(difference, len(rows), chance)
    means /= len(differences)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    value = float(np.mean([one.mean() for one in differences]))
    return Interval(value, float(low), float(high))


def _resampled(
    values: NDArray[np.float64], count: int, chance: np.random.Generator
) -> NDArray[np.float64]:
    """Means of `count` samples with replacement, float64[count]."""
    size = len(values)
    parts = [
        values[chance.integers(size, size=(min(_AT_ONCE, count - start), size))].mean(axis=1)
        for start in range(0, count, _AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)
