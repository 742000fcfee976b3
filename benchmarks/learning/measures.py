"""What a shown list is worth, beyond its first item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def recall(hits: Sequence[bool], relevant: int, k: int) -> float:
    """The share of what is relevant that stands among the first k.

    Args:
        hits: Whether the item at each place, best first, is relevant.
        relevant: How much there is, at least 1.
        k: Places that count.
    """
    return sum(hits[:k]) / relevant


def ndcg(hits: Sequence[bool], relevant: int, k: int) -> float:
    """Normalised discounted cumulative gain with gains of 0 or 1 (Jarvelin and Kekalainen 2002).

    Args:
        hits: Whether the item at each place, best first, is relevant.
        relevant: How much there is, at least 1.
        k: Places that count.

    Example:
        >>> ndcg([False, True], 1, 2) == float(1 / np.log2(3))
        True
    """
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    gained = discounts[: len(hits[:k])][np.array(hits[:k], dtype=bool)].sum()
    return float(gained / discounts[: min(relevant, k)].sum())


def first_hit(hits: Sequence[bool]) -> dict[str, float]:
    """Measures where one right answer is enough: is it shown, and how high.

    The nDCG is that of the first right item alone: 1 / log2(1 + its place).
    """
    place = list(hits).index(True) if True in hits else -1
    return {
        "shown": float(place >= 0),
        "nDCG": float(1.0 / np.log2(place + 2)) if place >= 0 else 0.0,
    }
