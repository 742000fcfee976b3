"""What a shown list is worth, on known lists."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.learning.measures import first_hit, ndcg, recall


def test_recall_and_ndcg_of_known_lists() -> None:
    hits = [False, True, True, False]
    assert recall(hits, 4, 2) == 0.25
    assert recall(hits, 2, 20) == 1.0
    assert ndcg([True, True], 2, 10) == 1.0
    assert ndcg(hits, 2, 10) == pytest.approx(
        (1 / np.log2(3) + 1 / np.log2(4)) / (1 + 1 / np.log2(3))
    )
    assert ndcg([False], 1, 10) == 0.0


def test_the_first_hit_counts_by_its_place() -> None:
    assert first_hit([True, True]) == {"shown": 1.0, "nDCG": 1.0}
    assert first_hit([False, False, True]) == {"shown": 1.0, "nDCG": 0.5}
    assert first_hit([False]) == {"shown": 0.0, "nDCG": 0.0}
