"""Intervals: how sure a share, a difference of two shares or a mean is.

All are two-sided, 95 % unless said otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy.stats import beta, norm, t

LEVEL = 0.95
Interval = tuple[float, float]
"""Low and high end."""


@lru_cache(maxsize=4096)
def exact_interval(wins: int, losses: int, level: float = LEVEL) -> Interval:
    """The Clopper-Pearson (1934) interval of the win share; (0, 1) when nothing was decided."""
    decided = wins + losses
    if decided == 0:
        return (0.0, 1.0)
    tail = (1 - level) / 2
    low = 0.0 if wins == 0 else float(beta.ppf(tail, wins, losses + 1))
    high = 1.0 if losses == 0 else float(beta.ppf(1 - tail, wins + 1, losses))
    return (low, high)


def wilson_interval(wins: int, count: int, level: float = LEVEL) -> Interval:
    """The score interval of a share (Wilson 1927); (0, 1) for no observations."""
    if count == 0:
        return (0.0, 1.0)
    z = float(norm.ppf((1 + level) / 2))
    share, scale = wins / count, 1 + z * z / count
    middle = (share + z * z / (2 * count)) / scale
    half = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count))) / scale
    return (max(0.0, middle - half), min(1.0, middle + half))


def difference_interval(one: tuple[int, int], other: tuple[int, int]) -> Interval:
    """The interval of the difference of two independent shares (Newcombe 1998, method 10).

    Args:
        one: Successes and observations of the first share.
        other: The same of the second, which is taken from the first.

    Returns:
        Ends in [-1, 1]; (-1, 1) when one side has no observations.
    """
    if not one[1] or not other[1]:
        return (-1.0, 1.0)
    first, second = one[0] / one[1], other[0] / other[1]
    (low1, high1), (low2, high2) = wilson_interval(*one), wilson_interval(*other)
    down = float(np.hypot(first - low1, high2 - second))
    up = float(np.hypot(high1 - first, second - low2))
    return (max(-1.0, first - second - down), min(1.0, first - second + up))


def sum_interval(count: int, total: float, squares: float) -> Interval | None:
    """Student's interval of a mean, from its running sums; None under 8 observations.

    Args:
        count: Observations.
        total: Their sum.
        squares: The sum of their squares.
    """
    if count < 8:
        return None
    mean = total / count
    spread = max(squares / count - mean * mean, 0.0) * count / (count - 1)
    half = float(t.ppf((1 + LEVEL) / 2, count - 1)) * float(np.sqrt(spread / count))
    return (mean - half, mean + half)


def mean_interval(values: Sequence[float]) -> Interval | None:
    """Student's interval of the mean of these values; None under 8 of them."""
    array = np.asarray(values, dtype=np.float64)
    centre = float(array.mean()) if array.size else 0.0
    found = sum_interval(array.size, 0.0, float(((array - centre) ** 2).sum()))
    return None if found is None else (centre + found[0], centre + found[1])
