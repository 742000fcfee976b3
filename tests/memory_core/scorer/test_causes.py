"""What outcomes teach about causes, on failures made of chosen vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memory_core.scorer.causes import LARGEST, PLAIN, Standing, learn, separation
from memory_core.scorer.failure_pairs import (
    FEATURES,
    HINT,
    MOST_PAIRS,
    NEUTRAL,
    Occurrence,
    Pairs,
    Table,
    Views,
    features_between,
    features_of_pairs,
    rarity_of,
    related,
)

SIZE = 48
NONE: frozenset[str] = frozenset()


def axis(*places: int, size: int = SIZE) -> np.ndarray:
    vector = np.zeros(size, np.float32)
    vector[list(places)] = 1.0
    return vector / np.float32(np.sqrt(len(places)))


def views(said: int, name: int, place: int, task: int = 0) -> Views:
    """An error of kind `said` about `name`, which happened at `place` in `task`."""
    return Views(
        said=axis(said),
        task=axis(40 + task % 8),
        literals=axis(name),
        words=axis(said, 20 + place % 20),
        error_class=f"Kind{said}",
        fingerprint=f"sig{said}",
    )


def occurrence(seen: Views, *resolved: str, **more: object) -> Occurrence:
    made = Occurrence("shop", "", seen, frozenset(resolved), NONE, NONE)
    return replace(made, **more)  # type: ignore[arg-type]


def by_name(count: int = 64, seed: int = 0) -> list[Occurrence]:
    """One kind of error; its name is the cause: what resolves it goes by the name alone."""
    chance = np.random.default_rng(seed)
    drawn = [(int(chance.integers(6)), int(chance.integers(99))) for _ in range(count)]
    return [occurrence(views(1, 4 + n, place, place), f"fix {n}") for n, place in drawn]


def kind(said: int, name: int, place: int) -> Views:
    """An error whose kinds read almost alike: a cosine of .8 between any two."""
    seen = views(said, name, place, place)
    like = (2.0 * axis(39) + axis(said)) / np.sqrt(np.float32(5.0))
    return replace(seen, said=like.astype(np.float32), error_class="E", fingerprint="")


def by_kind(count: int = 64, seed: int = 0) -> list[Occurrence]:
    """Many names, places and tasks; the kind of error is the cause."""
    chance = np.random.default_rng(seed)
    drawn = [[int(n) for n in chance.integers((4, 30, 99), size=3)] for _ in range(count)]
    return [occurrence(kind(said, 8 + n, place), f"fix {said}") for said, n, place in drawn]


def logits(occurrences: Sequence[Occurrence], one: Views, *others: Views) -> list[float]:
    metric = learn(occurrences).metric
    found: list[float] = metric.between(metric.table([one]), metric.table(others))[0].tolist()
    return found


# -- what outcomes say -------------------------------------------------------------


def pairs_of(*occurrences: Occurrence) -> list[tuple[bool, float]]:
    found = related(occurrences)
    return list(zip(found.same.tolist(), found.weights.tolist(), strict=True))


SEEN = views(1, 5, 0)


def test_what_one_item_resolved_is_the_same() -> None:
    assert pairs_of(occurrence(SEEN, "a", "b"), occurrence(SEEN, "b")) == [(True, 1.0)]


def test_what_different_items_resolved_is_a_hint_of_a_difference() -> None:
    assert pairs_of(occurrence(SEEN, "a"), occurrence(SEEN, "b")) == [(False, HINT)]


@pytest.mark.parametrize("told", ["failed", "culprits"])
def test_an_item_that_resolved_one_and_failed_on_the_other_tells_them_apart(told: str) -> None:
    other = occurrence(SEEN, "b", **{told: frozenset({"a"})})
    assert pairs_of(occurrence(SEEN, "a", "b"), other) == [(False, 1.0)]


def test_different_things_done_are_a_hint_though_one_item_resolved_both() -> None:
    one = occurrence(SEEN, "a", culprits=frozenset({"x"}))
    other = occurrence(SEEN, "a", culprits=frozenset({"y"}))
    assert pairs_of(one, other) == [(False, HINT)]
    assert pairs_of(one, one) == [(True, 1.0)]


def test_two_steps_of_one_attempt_are_not_said_to_be_the_same() -> None:
    one = occurrence(SEEN, "a", group="g")
    assert pairs_of(one, one) == []
    assert pairs_of(one, replace(one, group="h")) == [(True, 1.0)]


def test_nothing_is_said_across_projects_or_by_reports_without_weight() -> None:
    one = occurrence(SEEN, "a")
    assert pairs_of(one, replace(one, project="other")) == []
    assert pairs_of(one, replace(one, weight=0.0)) == []
    assert pairs_of(one, replace(one, weight=float("nan"))) == []
    assert pairs_of(one, replace(one, weight=0.25)) == [(True, 0.25)]


def test_failures_that_nobody_resolved_say_nothing() -> None:
    assert pairs_of(occurrence(SEEN), occurrence(SEEN), occurrence(SEEN)) == []


def test_pairs_are_bounded_and_stand_for_all() -> None:
    occurrences = [occurrence(SEEN, f"fix {n % 2}") for n in range(300)]
    found = related(occurrences)
    assert [int(found.same.sum()), int((~found.same).sum())] == [MOST_PAIRS, MOST_PAIRS]
    assert found.weights[found.same].sum() == pytest.approx(2 * 150 * 149 / 2)
    assert found.weights[~found.same].sum() == pytest.approx(HINT * 150 * 150)


# -- features ----------------------------------------------------------------------


def test_a_pair_has_the_same_features_either_way_and_either_door() -> None:
    seen = [views(1, 5, 0), views(2, 5, 3, 1), replace(views(1, 7, 9), task=np.zeros(SIZE, "f4"))]
    table = Table(seen, rarity_of(seen))
    grid = features_between(table, table)
    assert np.allclose(grid, grid.transpose(1, 0, 2))
    rows, columns = np.array([0, 0, 1]), np.array([1, 2, 2])
    pairs = Pairs(rows, columns, np.array([True, True, False]), np.ones(3))
    assert np.allclose(features_of_pairs(table, pairs), grid[rows, columns], atol=1e-6)


def test_what_a_failure_does_not_have_is_neutral() -> None:
    blank = replace(SEEN, task=np.zeros(SIZE, np.float32), literals=np.zeros(SIZE, np.float32))
    found = features_between(Table([blank]), Table([SEEN]))[0, 0]
    told = dict(zip(FEATURES, found.tolist(), strict=True))
    assert (told["task"], told["literals"], told["said"]) == (NEUTRAL, NEUTRAL, 1.0)


def test_a_rare_word_says_more_than_one_that_all_have() -> None:
    common = [replace(SEEN, literals=axis(3, 4 + n)) for n in range(20)]
    rarity = rarity_of(common)
    plain, weighed = (features_between(t, t) for t in (Table(common), Table(common, rarity)))
    literals = FEATURES.index("literals")
    assert plain[0, 1, literals] == pytest.approx(0.5)
    assert weighed[0, 1, literals] < 0.1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("view", ["said", "task", "literals", "words"])
def test_a_view_that_is_not_finite_never_reaches_a_match(view: str, bad: float) -> None:
    broken = getattr(SEEN, view).copy()
    broken[:3] = bad
    sick = replace(SEEN, **{view: broken})
    taught = [replace(o, views=sick) if n % 5 == 0 else o for n, o in enumerate(by_name())]
    assert np.isfinite(learn(taught).metric.weights).all()
    assert np.isfinite(logits(taught, sick, SEEN, sick)).all()


# -- learning ----------------------------------------------------------------------


@pytest.mark.parametrize("occurrences", [[], by_name(1), [occurrence(SEEN) for _ in range(40)]])
def test_without_outcomes_nothing_is_learned_and_nothing_proven(
    occurrences: list[Occurrence],
) -> None:
    learned = learn(occurrences)
    assert np.array_equal(learned.metric.weights, PLAIN.weights)
    assert learned.standing == Standing(0, 0, 0)
    assert not learned.proven


def test_the_same_outcomes_give_the_same_bits() -> None:
    one, other = learn(by_name()), learn(by_name())
    assert one.metric.weights.tobytes() == other.metric.weights.tobytes()
    assert one.standing == other.standing


def test_where_the_name_is_the_cause_near_identical_text_is_told_apart() -> None:
    """Same text but for the name: other causes, though task and words are alike."""
    learned = learn(by_name())
    assert learned.proven
    same, other = logits(by_name(), views(1, 5, 0, 0), views(1, 5, 77, 3), views(1, 6, 0, 0))
    assert same > 0 > other


def test_where_the_kind_is_the_cause_names_and_places_are_noise() -> None:
    """Other names, places and tasks: the same cause; another kind with the same name is none."""
    assert learn(by_kind()).proven
    found = logits(by_kind(256), kind(1, 9, 0), kind(1, 30, 55), kind(2, 9, 0))
    assert found[0] > 0 > found[1]


def test_labels_that_say_nothing_are_not_proven() -> None:
    """Resolved at random: no order of pairs is better than another."""
    chance = np.random.default_rng(3)
    noise = [replace(o, resolved=frozenset({f"fix {chance.integers(6)}"})) for o in by_name(120)]
    assert not learn(noise).proven


def test_a_held_out_failure_is_judged_and_never_trained_on() -> None:
    taught = by_name()
    held = [replace(o, held_out=n % 8 == 0) for n, o in enumerate(taught)]
    lied = [replace(o, resolved=frozenset({"lie"})) if o.held_out else o for o in held]
    assert np.array_equal(learn(held).metric.weights, learn(lied).metric.weights)
    assert learn(held).standing != learn(lied).standing


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.integers(0, 9),
            st.integers(0, 40),
            st.integers(0, 3),
            st.booleans(),
        ),
        min_size=2,
        max_size=60,
    )
)
def test_whatever_is_told_weights_and_logits_stay_bounded(
    told: list[tuple[int, int, int, int, bool]],
) -> None:
    occurrences = [
        occurrence(views(said, 8 + name, place, place), f"fix {fix}", held_out=held)
        for said, name, place, fix, held in told
    ]
    learned = learn(occurrences)
    assert np.abs(learned.metric.weights[:-1]).max() <= LARGEST
    assert np.isfinite(learned.metric.weights).all()
    assert 0 <= sum(learned.standing) <= len(occurrences)


def test_separation_counts_ties_half() -> None:
    same = np.array([True, True, False, False])
    assert separation(np.array([4.0, 3.0, 2.0, 1.0]), same) == 1.0
    assert separation(np.array([1.0, 1.0, 1.0, 1.0]), same) == 0.5
    assert separation(np.array([4.0, 1.0, 2.0, 1.0]), same) == 0.625
