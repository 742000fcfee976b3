"""The causes benchmark measures what it says, on cases made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.learning.causes import measuring
from benchmarks.learning.causes.cases import Attempt, Case, Pairs, Subject, paired
from benchmarks.learning.causes.living import lived
from benchmarks.learning.causes.measuring import Checked, area, areas, checked, resampled, scored
from benchmarks.learning.stream import Memory
from memory_core.scorer.causes import separation
from tests.memory_core.hash_embedder import HashEmbedder

RNG = np.random.default_rng(0)


def case(cause: str, error: str, group: str = "g", shape: str = "s") -> Case:
    return Case("p", f"task of {group}", error, frozenset({cause}), group, shape)


CASES = (
    case("a", "KeyError: 'a'", "1"),
    case("a", "KeyError: 'aa'", "2"),
    case("b", "KeyError: 'b'", "3"),
    case("b", "ValueError: no b", "3", "t"),
)


def pairs() -> Pairs:
    return paired(CASES, lambda one, other: True, 10, np.random.default_rng(0))


def test_pairs_are_same_where_a_cause_is_shared_and_near_where_the_shape_is() -> None:
    found = pairs()
    kinds = zip(found.same.tolist(), found.near.tolist(), strict=True)
    told = {
        tuple(sorted(ends)): kind for ends, kind in zip(found.ends.tolist(), kinds, strict=True)
    }
    assert told[0, 1] == (True, True)
    assert told[2, 3] == (True, False)
    assert told[0, 2] == (False, True)
    assert len(told) == 6


def test_pairs_are_drawn_from_what_is_allowed_and_bounded_by_kind() -> None:
    found = paired(CASES, lambda one, other: one.group != other.group, 2, RNG)
    assert [int(found.same.sum()), int((~found.same).sum())] == [1, 2]


def test_the_area_of_even_weights_is_the_separation() -> None:
    scores, same = RNG.integers(0, 9, 200).astype(float), RNG.random(200) < 0.3
    assert area(scores, same, np.ones(200)) == pytest.approx(separation(scores, same))


def test_a_weight_counts_like_so_many_pairs() -> None:
    scores, same = RNG.random(30), RNG.random(30) < 0.5
    times = RNG.integers(1, 4, 30)
    many = separation(np.repeat(scores, times), np.repeat(same, times))
    assert area(scores, same, times.astype(float)) == pytest.approx(many)


def test_one_kind_alone_has_no_area() -> None:
    assert np.isnan(area(np.ones(3), np.ones(3, dtype=bool), np.ones(3)))


def test_groups_are_resampled_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "RESAMPLES", 20)
    times = resampled(CASES)
    assert times.shape == (21, 4)
    assert (times[0] == 1).all()
    assert (times[:, 2] == times[:, 3]).all()
    assert (times[1:, :3].sum(axis=1) == 3).all()


def test_similarities_see_what_they_are_named_after(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain rule calls the same fingerprint 1 and another class -1."""
    monkeypatch.setattr(measuring, "RESAMPLES", 5)
    found = pairs()
    scores = scored(found, HashEmbedder(64), None)
    by_ends = {tuple(sorted(ends)): i for i, ends in enumerate(found.ends.tolist())}
    assert scores[measuring.TODAY][by_ends[0, 1]] == 1.0
    assert scores[measuring.TODAY][by_ends[2, 3]] == -1.0
    assert scores[measuring.RAW][by_ends[0, 1]] < 0.999
    assert np.array_equal(scores[measuring.LEARNED], scores[measuring.TODAY])
    assert areas(found, scores, np.ones(6, dtype=bool)).shape == (6, 4)


def test_precision_counts_answers_and_recall_what_could_be_known() -> None:
    answers = {CASES[0]: 1.0, CASES[1]: 0.0, CASES[2]: None, CASES[3]: 0.0}
    found = checked(CASES, lambda one: one != CASES[3], lambda one: answers[one])
    assert isinstance(found, Checked)
    rates = found.rates(np.ones((1, 4)))[0]
    assert rates.tolist() == pytest.approx([1 / 3, 1 / 3])


def test_a_life_is_reported_and_asked_about(embedder: HashEmbedder) -> None:
    """The failure that a warning tells of is the one that was reported."""
    subject = Subject(
        name="toy",
        seed=0,
        memories=(Memory("m", "Strip it", "Strip the key.", project="p"),),
        life=(
            Attempt("1", "p", CASES[0].task, first=CASES[0]),
            Attempt("2", "p", CASES[3].task, tried=(("m", CASES[3]), ("m", None))),
        ),
        pairs=pairs(),
        questions=CASES,
    )
    with lived(subject, embedder, "learned") as life:
        assert life.told(CASES[0]) == CASES[0]
        assert life.told(case("c", "panic: nobody knows")) is None
        assert life.nearest(case("b", "ValueError: no b at all")) == CASES[3]
        assert [life.knows(one) for one in (CASES[1], CASES[2], case("c", ""))] == [
            True,
            True,
            False,
        ]
