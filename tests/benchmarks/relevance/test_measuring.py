"""What the table of relevance counts, and what is asked of its stores."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.relevance.fit import Rows, fitted
from benchmarks.relevance.measuring import (
    Heard,
    auroc,
    calibration_error,
    figures,
    reliability,
)
from benchmarks.relevance.plot import plot
from benchmarks.relevance.stores import NOTHING, Asked, Stocked, build, errors, prompts
from memory_core.scorer.relevance import SIGNS


def test_auroc_is_the_chance_to_be_higher() -> None:
    assert auroc(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 1.0
    assert auroc(np.array([0.5]), np.array([0.5])) == 0.5
    assert auroc(np.array([0.1]), np.array([0.2])) == 0.0


def test_calibration_is_nothing_where_chances_come_true() -> None:
    pairs = [(0.25, True), *[(0.25, False)] * 3]
    assert calibration_error(pairs) == pytest.approx(0.0)
    assert calibration_error([(0.95, False)]) == pytest.approx(0.95)
    assert math.isnan(calibration_error([]))


def test_reliability_has_what_was_said_and_what_came_of_each_bin() -> None:
    pairs = [(0.12, False), (0.18, True), (0.95, True)]
    said, came, many = zip(*reliability(pairs), strict=True)
    assert said == pytest.approx((0.15, 0.95))
    assert (came, many) == ((0.5, 1.0), (2, 1))


def test_our_prompts_are_two_halves_and_most_have_nothing_to_do_with_the_store() -> None:
    development, apart = prompts("dev"), prompts("test")
    both = [text for _, text in (*development, *apart)]
    assert len(both) == len(set(both)) >= 150
    assert sum(subject == NOTHING for subject, _ in (*development, *apart)) > 0.7 * len(both)


@pytest.mark.parametrize("name", ["handbook", "workshop"])
def test_half_of_a_subject_is_remembered_and_the_other_half_asked(name: str) -> None:
    stocked = build(name, Path("nowhere"), seed=0, most=30)
    keys = {memory.key for memory in stocked.memories}
    assert stocked.answerable
    assert all(one.right <= keys and one.right for one in stocked.answerable)
    assert stocked.unanswerable
    assert not any(one.right for one in stocked.unanswerable)


def test_a_row_counts_what_was_served_and_what_was_lost() -> None:
    right = frozenset({"a"})
    stocked = Stocked("small", (), (Asked("one", right), Asked("two", right)), (Asked("odd"),))
    spoke = Heard(("a", "b"), ("a",), (("a", 0.9), ("b", 0.2)), 100.0)
    quiet = Heard((), (), (("a", 0.1),), 0.0)
    row = figures(stocked, [spoke, quiet], [quiet], {"other": [quiet], "ours": [quiet]})
    assert (row.answered, row.surely, row.lost, row.precision) == (0.5, 0.5, 0.5, 0.5)
    assert row.silent == {"same domain": 1.0, "other": 1.0, "ours": 1.0}
    assert row.tokens == 0.0
    assert plot([row]).count("<circle") == len(row.reliability) == 3


def test_errors_are_two_halves_met_again_or_alike() -> None:
    halves = errors("dev"), errors("test")
    both = [*halves[0], *halves[1]]
    assert len(both) == len({one.error for one in both}) >= 60
    assert all(one.again or one.alike for one in both)
    assert sum(bool(one.alike) for one in both) >= 10
    assert all(halves)
    assert errors("all") == sorted(both, key=errors("all").index)


def table(chances: list[float], right: list[float], group: list[str]) -> Rows:
    """One candidate a prompt, near as given; every other prompt of another kind of store."""
    count = len(chances)
    signs = np.zeros((count, len(SIGNS)))
    signs[:, SIGNS.index("near")] = chances
    names = np.array(["one", "two"] * (count // 2))
    zeros, numbers = np.zeros(count), np.arange(count)
    return Rows(signs, np.array(right), zeros, numbers, names, names, np.array(group), numbers + 1)


def test_a_fit_tells_near_items_from_far_ones_and_no_sign_speaks_the_other_way() -> None:
    rows = table(
        [0.5, 0.45, 0.4, 0.42, 0.1, 0.05, 0.2, 0.15],
        [1.0] * 4 + [0.0] * 4,
        ["answerable"] * 4 + ["other"] * 4,
    )
    weights = fitted(rows)
    chance = weights.relevance(rows.signs)
    assert chance[:4].min() > 0.5 > chance[4:].max()
    held = dict(zip(SIGNS, weights.signs, strict=True))
    assert held["crowd"] <= 0
    assert min(value for name, value in held.items() if name != "crowd") >= 0
