"""Every rival keeps the contract, learns in its own way, and is a function of its seed."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.learning.baselines import rivals
from benchmarks.learning.baselines.base import Baseline, cosine, credits
from benchmarks.learning.baselines.counters import Ace, Laplace, MemRl, Thompson
from benchmarks.learning.baselines.linear import LinUcb
from benchmarks.learning.baselines.networks import Memento, Rmm
from benchmarks.learning.offline import held_out_order
from benchmarks.learning.stream import Feedback, Rival
from tests.benchmarks.learning.worlds import DIMENSION, flag, labelled, slate

NAMES = [rival.name for rival in rivals(DIMENSION, 0)]
FIXED = ("hybrid", "hybrid (RRF)", "cosine", "BM25")
LEARNING = [name for name in NAMES if name not in FIXED]


def made(name: str, seed: int = 0) -> Rival:
    return rivals(DIMENSION, seed)[NAMES.index(name)]


def test_rivals_have_names_of_their_own() -> None:
    assert len(set(NAMES)) == len(NAMES) == 13


@pytest.mark.parametrize("name", NAMES)
def test_every_rival_gives_each_row_once(name: str) -> None:
    rival, shown = made(name), slate(40)
    rival.learn(shown, flag((0, 1, 2), success=False))
    assert sorted(rival.order(shown).tolist()) == list(range(40))
    assert sorted(held_out_order(rival, shown)) == list(range(40))


@pytest.mark.parametrize("name", NAMES)
def test_before_the_first_report_every_rival_is_a_similarity(name: str) -> None:
    assert held_out_order(made(name), slate()) == (0, 1, 2, 3, 4, 5)


@pytest.mark.parametrize("name", LEARNING)
def test_what_is_labelled_harmful_again_and_again_falls_behind_what_helps(name: str) -> None:
    rival, shown = made(name), slate()
    for _ in range(60):
        rival.learn(shown, labelled((0, 1), [-1.0, 1.0], success=True))
    order = held_out_order(rival, shown)
    assert order.index(1) < order.index(0)


@pytest.mark.parametrize("name", LEARNING)
def test_a_first_item_that_fails_and_a_second_set_that_works_change_places(name: str) -> None:
    rival, shown = made(name), slate()
    for _ in range(60):
        rival.learn(shown, flag((0, 2), success=False))
        rival.learn(shown, flag((1, 3), success=True))
    order = held_out_order(rival, shown)
    assert order.index(1) < order.index(0)


@pytest.mark.parametrize("name", LEARNING)
def test_the_same_seed_gives_the_same_orders(name: str) -> None:
    def run() -> list[list[int]]:
        rival = made(name, seed=7)
        orders = []
        for number in range(12):
            shown = slate(20, seed=number % 3)
            order = rival.order(shown).tolist()
            rival.learn(shown, flag(tuple(order[:3]), success=number % 2 == 0))
            orders.append(order)
        return orders

    assert run() == run()


@pytest.mark.parametrize("name", FIXED)
def test_a_similarity_never_learns(name: str) -> None:
    rival, shown = made(name), slate()
    before = rival.order(shown).tolist()
    for _ in range(20):
        rival.learn(shown, flag((0, 1, 2), success=False))
    assert rival.order(shown).tolist() == before


def test_a_bare_flag_is_shared_by_position() -> None:
    told = credits(flag((4, 2, 0), success=True))
    assert [credit.row for credit in told] == [4, 2, 0]
    assert [credit.value for credit in told] == [1.0, 1.0, 1.0]
    assert [credit.weight for credit in told] == pytest.approx([1.0, 0.25 / 0.6, 0.25])


def test_only_what_was_used_is_credited() -> None:
    used = np.array([False, True, False])
    told = credits(Feedback((4, 2, 0), 0.0, used, np.full(3, np.nan)))
    assert told == [(2, -1.0, 1.0)]


def test_labels_outrank_the_outcome() -> None:
    told = credits(labelled((4, 2, 0), [np.nan, -1.0, 1.0], success=True))
    assert told == [(2, -1.0, 1.0), (0, 1.0, 1.0)]


def test_memrl_moves_its_value_by_its_rate() -> None:
    rival, shown = MemRl(rate=0.5), slate()
    rival.learn(shown, labelled((0,), [1.0], success=True))
    rival.learn(shown, labelled((0,), [-1.0], success=False))
    assert rival.record(shown.panel)[0] == pytest.approx(0.5 + 0.5 * (-1.0 - 0.5))


def test_ace_is_the_damped_difference_of_its_counters() -> None:
    rival, shown = Ace(), slate()
    for label in (1.0, 1.0, -1.0):
        rival.learn(shown, labelled((0,), [label], success=True))
    assert rival.record(shown.panel)[0] == pytest.approx(1 / 4)


def test_laplace_is_the_smoothed_rate() -> None:
    rival, shown = Laplace(), slate()
    for label in (1.0, 1.0, -1.0):
        rival.learn(shown, labelled((0,), [label], success=True))
    assert rival.record(shown.panel)[0] == pytest.approx(2 * 3 / 5 - 1)
    assert rival.record(shown.panel)[1] == 0.0


def test_thompson_tries_and_its_best_does_not() -> None:
    rival, shown = Thompson(0), slate(30)
    tried = {tuple(rival.order(shown).tolist()) for _ in range(8)}
    best = {tuple(rival.best(shown).tolist()) for _ in range(8)}
    assert len(tried) > 1
    assert len(best) == 1


def test_linucb_tries_what_it_does_not_know() -> None:
    rival, shown = LinUcb(), slate(6)
    bold = LinUcb(optimism=30.0)
    for one in (rival, bold):
        for _ in range(10):
            one.learn(shown, labelled((0,), [1.0], success=True))
    assert rival.best(shown)[0] == 0
    assert bold.order(shown)[0] != 0


def test_a_variant_over_cosine_says_so() -> None:
    assert Ace(cosine).name == "ACE counters over cosine"
    assert Ace().name == "ACE counters"


def test_candidates_behind_the_pool_stay_where_they_were() -> None:
    rival, shown = Memento(DIMENSION, 0, pool=3), slate()
    for _ in range(20):
        rival.learn(shown, flag((0, 1, 2), success=False))
    assert rival.order(shown).tolist()[3:] == [3, 4, 5]
    assert np.isneginf(rival.record(shown.panel)[3:]).all() or rival.record(shown.panel).size == 6


def test_a_residual_hears_nothing_of_items_outside_its_pool() -> None:
    rival, shown = Rmm(DIMENSION, 0, pool=2), slate()
    before = rival.scores(shown.panel, explore=False)
    rival.learn(shown, flag((4, 5), success=True))
    assert rival.scores(shown.panel, explore=False).tolist() == before.tolist()


def test_a_network_without_replay_sees_only_the_new_report() -> None:
    forgetful = Memento(DIMENSION, 0, batch=1)
    replaying = Memento(DIMENSION, 0)
    old, new = slate(seed=1), slate(seed=2)
    for rival in (forgetful, replaying):
        for _ in range(20):
            rival.learn(old, labelled((0, 1), [-1.0, 1.0], success=True))
    held = [rival.scores(old.panel, explore=False) for rival in (forgetful, replaying)]
    for rival in (forgetful, replaying):
        for _ in range(20):
            rival.learn(new, labelled((0, 1), [1.0, -1.0], success=True))
    after = [rival.scores(old.panel, explore=False) for rival in (forgetful, replaying)]
    gaps = [(now[1] - now[0]) - (then[1] - then[0]) for now, then in zip(after, held, strict=True)]
    assert gaps[0] < gaps[1]


def test_a_baseline_says_what_it_must_implement() -> None:
    with pytest.raises(NotImplementedError):
        Baseline().scores(slate().panel, explore=False)
