"""Credit of a report that names nothing goes to what was about the task."""

from __future__ import annotations

import math

import numpy as np
import pytest

from memory_core.scorer.episode import shares_of


@pytest.mark.parametrize(
    ("about", "shares"),
    [
        ([0.9, 0.8, 0.5], [1.0, 1.0, 1.0]),
        ([0.9, 0.09], [1.0, 0.2]),
        ([0.0009, 0.9], [0.002, 1.0]),
        ([0.2], [1.0]),
        ([0.9, math.nan], [1.0, 1.0]),
        ([0.0, 0.0], [1.0, 1.0]),
        ([], []),
    ],
)
def test_what_is_far_less_relevant_has_a_share_of_its_weight(
    about: list[float], shares: list[float]
) -> None:
    assert shares_of(np.array(about)).tolist() == pytest.approx(shares)
