"""What reports teach of relevance: nothing without one, more with each, the start where worse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from memory_core.scorer.episode import Episode
from memory_core.scorer.learned_relevance import LIKE, Learned, LearnedRelevance
from memory_core.scorer.panel import Panel
from memory_core.scorer.relevance import BY_MEANING, Scale

SIGNS = np.array([[0.4, 0.05, 0.3, 0.4, 0.0, 3.0]])
ITEM = ("item_1",)
NORTH, EAST = np.eye(4, dtype=np.float32)[:2]


def episode(number: int, query: np.ndarray, **more: Any) -> Episode:
    """One report of one served item."""
    given: dict[str, Any] = {
        "owner": f"rec_{number}",
        "outcome_id": f"out_{number}",
        "project": "p",
        "session": "",
        "at": float(number),
        "query": query,
        "ids": ITEM,
        "experts": np.zeros((1, 11)),
        "mass": np.zeros(1),
        "keys": np.zeros((1, 4), np.float32),
        "pitfall": np.zeros(1),
        "attention": np.ones(1),
        "labels": np.array([np.nan]),
        "reward": 1.0,
        "strength": 1.0,
        "scored": True,
        "held_out": number % 10 == 9,
        "signs": SIGNS,
    }
    return Episode(**{**given, **more})


def start() -> np.ndarray:
    return BY_MEANING.relevance(SIGNS)


def between(cosine: float) -> np.ndarray:
    """A task at this cosine to the north's."""
    return np.asarray(cosine * NORTH + np.sqrt(1 - cosine**2) * EAST, dtype=np.float32)


def relevance(
    learned: Learned,
    query: np.ndarray,
    *ids: str,
    begin: np.ndarray | None = None,
    scale: Scale | None = None,
    earlier: dict[str, int] | None = None,
) -> np.ndarray:
    """The relevance of items for a task, of items that nothing is known of by default."""
    begin = start() if begin is None else begin
    ids = ids or tuple(f"unknown_{n}" for n in range(len(begin)))
    none = np.zeros(len(ids))
    keys = np.zeros((len(ids), 4), np.float32)
    panel = Panel(ids, query, keys, none, none, none, none, earlier=earlier or {})
    return learned.relevance(begin, panel, scale or Scale())


def taught(count: int, *, swapped: bool = False) -> LearnedRelevance:
    """Tasks to the north found what they needed, those to the east nothing."""
    learned = LearnedRelevance()
    for number in range(count):
        helped = (number % 2 == 0) != (swapped and number % 10 == 9)
        used = (0,) if helped else ()
        query = NORTH if number % 2 == 0 else EAST
        learned.take(episode(number, query, reward=float(helped), used=used, reports_use=True))
    return learned


def test_without_a_report_it_is_exactly_the_start() -> None:
    assert relevance(Learned(), NORTH).tolist() == start().tolist()
    assert relevance(LearnedRelevance().served, NORTH).tolist() == start().tolist()


def test_tasks_like_those_that_found_nothing_are_less_relevant() -> None:
    served = taught(40).served
    assert relevance(served, NORTH)[0] > start()[0] > relevance(served, EAST)[0]
    assert relevance(served, EAST)[0] < 0.14


def test_a_bare_failure_says_less_than_nothing_used() -> None:
    bare, told = LearnedRelevance(), LearnedRelevance()
    for number in range(8):
        bare.take(episode(number, EAST, reward=0.0))
        told.take(episode(number, EAST, reward=0.0, reports_use=True))
    one, other = (relevance(learned.served, EAST)[0] for learned in (bare, told))
    assert other < one < start()[0]


def test_a_correction_takes_the_place_of_what_it_corrects() -> None:
    learned, plain = LearnedRelevance(), LearnedRelevance()
    learned.take(episode(0, EAST, reward=0.0, reports_use=True))
    learned.take(episode(0, EAST, used=(0,), reports_use=True, correction=True))
    plain.take(episode(0, EAST, used=(0,), reports_use=True))
    assert learned.served.said.tolist() == plain.served.said.tolist() == [1.0]


def test_where_the_held_out_reports_say_worse_the_start_serves() -> None:
    learned = taught(200, swapped=True)
    assert not learned.proven
    assert relevance(learned.served, EAST).tolist() == start().tolist()


def test_a_recall_of_an_earlier_version_teaches_nothing() -> None:
    learned = LearnedRelevance()
    learned.take(replace(episode(0, EAST), signs=np.zeros((0, 0))))
    assert relevance(learned.served, EAST).tolist() == start().tolist()


def test_the_same_log_gives_the_same_bits() -> None:
    first, second = taught(60), taught(60)
    assert first.served.fit.tolist() == second.served.fit.tolist()
    assert relevance(first.served, EAST).tolist() == (relevance(second.served, EAST).tolist())


def test_successes_alone_hardly_raise_what_nothing_is_known_of() -> None:
    """Who always names what was used teaches nothing else of an unlike prompt."""
    learned = LearnedRelevance()
    for number in range(500):
        learned.take(episode(number, NORTH, used=(0,), reports_use=True))
    unlike = between(0.2)
    before = np.array([0.02, 0.1, 0.3])
    assert (relevance(learned.served, unlike, begin=before) <= before + 0.03).all()
    served = relevance(learned.served, NORTH, begin=before)
    assert (served[1:] > before[1:] + 0.1).all()
    assert served[0] < 0.04


LOW = np.array([0.06])


def won(query: np.ndarray = NORTH, **more: Any) -> Learned:
    """One report in which the item helped, as its user tells it."""
    learned = LearnedRelevance()
    learned.take(episode(0, query, used=(0,), reports_use=True, **more))
    return learned.served


def test_what_helped_with_this_task_in_other_words_is_about_it() -> None:
    """Advice is not worded as its tasks are: once it has helped it passes the bar, alone."""
    query = between(0.7)
    assert relevance(won(), query, *ITEM, begin=LOW)[0] > 0.3
    assert relevance(won(), query, "item_2", begin=LOW)[0] < 0.1
    assert (
        relevance(won(), query, *ITEM, begin=LOW)[0]
        > relevance(won(), between(0.55), *ITEM, begin=LOW)[0]
    )


def test_wins_elsewhere_never_make_an_item_one_about_this_task() -> None:
    learned, query = LearnedRelevance(), between(LIKE - 0.01)
    for number in range(500):
        learned.take(episode(number, NORTH, used=(0,), reports_use=True))
    unknown = relevance(learned.served, query, "item_2", begin=LOW)
    assert relevance(learned.served, query, *ITEM, begin=LOW).tolist() == unknown.tolist()


def test_what_failed_in_a_like_task_is_not_lifted_nor_what_was_passed_over() -> None:
    query = between(0.7)
    two = {"labels": np.full(2, np.nan), "signs": np.tile(SIGNS, (2, 1))}
    for learned in (
        won(reward=0.0),
        won(labels=np.array([-1.0])),
        won(ids=("item_2", "item_1"), **two),
    ):
        unknown = relevance(learned, query, "item_3", begin=LOW)
        assert relevance(learned, query, *ITEM, begin=LOW).tolist() == unknown.tolist()


def test_a_bare_success_lifts_its_first_item_by_less() -> None:
    learned = LearnedRelevance()
    learned.take(episode(0, NORTH))
    query = between(0.7)
    named, bare = (relevance(one, query, *ITEM, begin=LOW)[0] for one in (won(), learned.served))
    assert LOW[0] + 0.05 < bare < named


def test_a_held_out_win_counts_once_it_is_predicted() -> None:
    assert relevance(won(held_out=True), between(0.7), *ITEM, begin=LOW)[0] > 0.3


def test_an_item_worded_anew_keeps_what_it_helped_with() -> None:
    query = between(0.7)
    told = relevance(won(), query, "item_9", begin=LOW, earlier={"item_1": 0})
    assert told.tolist() == relevance(won(), query, *ITEM, begin=LOW).tolist()


def test_a_model_whose_texts_are_all_alike_has_its_own_scale() -> None:
    """Cosine .7 is what unrelated texts have with it."""
    near = relevance(won(), between(0.7), *ITEM, begin=LOW, scale=Scale(0.7))
    assert near[0] < 0.1


def test_a_win_that_is_corrected_lifts_no_more() -> None:
    learned = LearnedRelevance()
    learned.take(episode(0, NORTH, used=(0,), reports_use=True))
    learned.take(episode(0, NORTH, used=(0,), reports_use=True, reward=0.0, correction=True))
    assert relevance(learned.served, between(0.7), *ITEM, begin=LOW)[0] < 0.1


def test_a_report_by_task_alone_says_what_helped() -> None:
    """Nothing was served, so nothing is fitted; what is not named says nothing."""
    query, none = between(0.7), np.zeros((0, 0))
    learned = won(signs=none)
    assert relevance(learned, query, *ITEM, begin=LOW)[0] > 0.3
    assert learned.fit.tolist() == Learned().fit.tolist()
    for more in ({"signs": none}, {"signs": none, "held_out": True}):
        bare = LearnedRelevance()
        bare.take(episode(0, NORTH, **more))
        assert relevance(bare.served, query, *ITEM, begin=LOW).tolist() == LOW.tolist()
    assert relevance(won(signs=none, held_out=True), query, *ITEM, begin=LOW)[0] > 0.3


def test_where_like_tasks_found_nothing_as_often_a_win_says_little() -> None:
    learned, query = LearnedRelevance(), between(0.7)
    learned.take(episode(0, NORTH, used=(0,), reports_use=True))
    alone = relevance(learned.served, query, *ITEM, begin=LOW)[0]
    for number in range(1, 4):
        learned.take(episode(number, NORTH, reward=0.0, reports_use=True))
    unknown = relevance(learned.served, query, "item_2", begin=LOW)
    assert alone > 0.3
    assert relevance(learned.served, query, *ITEM, begin=LOW).tolist() == unknown.tolist()


def told(*rewards: float, query: np.ndarray = EAST, start: int = 0) -> list[Episode]:
    """Bare reports of one task, one after the other."""
    return [episode(start + n, query, reward=reward) for n, reward in enumerate(rewards)]


def after(*episodes: Episode) -> Learned:
    learned = LearnedRelevance()
    for one in episodes:
        learned.take(one)
    return learned.served


@pytest.mark.parametrize("query", [EAST, between(0.1), between(0.3)], ids=str)
def test_one_bare_failure_silences_nothing(query: np.ndarray) -> None:
    """What is silent is never reported, so one wrong report would silence it for good."""
    assert relevance(after(*told(0.0)), query).tolist() == start().tolist()


def test_a_second_bare_failure_confirms_the_first() -> None:
    once, twice, often = (relevance(after(*told(*[0.0] * n)), EAST)[0] for n in (1, 2, 6))
    assert often < twice < once == start()[0]


def test_nothing_used_speaks_at_once() -> None:
    learned = after(episode(0, EAST, reward=0.0, reports_use=True))
    assert relevance(learned, EAST)[0] < start()[0] / 2


def test_a_bare_failure_beside_successes_with_the_task_takes_nothing() -> None:
    learned = after(*told(1.0, 0.0, 1.0))
    assert relevance(learned, EAST)[0] > start()[0]


def test_bare_reports_that_contradict_each_other_silence_nothing_else() -> None:
    """Half of what is said of one task is wrong: then a few failures of another say little."""
    failed = told(0.0, 0.0, 0.0, query=NORTH, start=100)
    agreed, torn = told(*[1.0] * 20), told(*[1.0, 0.0] * 10)
    sure, unsure = (relevance(after(*one, *failed), NORTH)[0] for one in (agreed, torn))
    assert sure < start()[0]
    assert start()[0] - unsure < (start()[0] - sure) / 2


def test_what_was_silenced_comes_back_once_reports_prove_unreliable() -> None:
    failed = told(0.0, 0.0, 0.0, query=NORTH)
    silenced = relevance(after(*failed), NORTH)[0]
    later = relevance(after(*failed, *told(*[1.0, 0.0] * 10, start=100)), NORTH)[0]
    assert silenced < later <= start()[0]


def test_reports_that_say_what_was_used_are_believed_beside_contradictions() -> None:
    nothing = [episode(100 + n, NORTH, reward=0.0, reports_use=True) for n in range(3)]
    torn = relevance(after(*told(*[1.0, 0.0] * 10), *nothing), NORTH)[0]
    assert torn <= relevance(after(*nothing), NORTH)[0] + 1e-9


def test_a_corrected_bare_report_does_not_contradict_itself() -> None:
    """A report and its correction are one report of the task, not two that disagree."""
    learned, plain = LearnedRelevance(), LearnedRelevance()
    for number in range(20):
        learned.take(episode(number, EAST, reward=0.0))
        learned.take(episode(number, EAST, reward=1.0, correction=True))
        plain.take(episode(number, EAST, reward=1.0))
    assert learned.served.said.tolist() == plain.served.said.tolist()


def test_what_like_tasks_found_lifts_what_fits_best_and_its_companions_less() -> None:
    """One right item is no reason to serve what stands beside it."""
    learned = taught(60).served
    before = np.array([0.3, 0.1, 0.03])
    after = relevance(learned, NORTH, begin=before)
    lifts = np.log(after / (1 - after)) - np.log(before / (1 - before))
    assert lifts[0] > lifts[1] > lifts[2]
    assert after[0] > 0.5
    assert after[2] < 0.05
    missed = relevance(learned, EAST, begin=before)
    assert np.ptp(np.log(missed / (1 - missed)) - np.log(before / (1 - before))) < 0.3
