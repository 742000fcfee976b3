"""What reports teach of relevance: nothing without one, more with each, the start where worse."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from memory_core.scorer.episode import Episode
from memory_core.scorer.learned_relevance import Learned, LearnedRelevance
from memory_core.scorer.relevance import BY_MEANING

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
    assert Learned().relevance(start(), NORTH) is not None
    assert Learned().relevance(start(), NORTH).tolist() == start().tolist()
    assert LearnedRelevance().served.relevance(start(), NORTH).tolist() == start().tolist()


def test_tasks_like_those_that_found_nothing_are_less_relevant() -> None:
    served = taught(40).served
    assert served.relevance(start(), NORTH)[0] > start()[0] > served.relevance(start(), EAST)[0]
    assert served.relevance(start(), EAST)[0] < 0.14


def test_a_bare_failure_says_less_than_nothing_used() -> None:
    bare, told = LearnedRelevance(), LearnedRelevance()
    for number in range(8):
        bare.take(episode(number, EAST, reward=0.0))
        told.take(episode(number, EAST, reward=0.0, reports_use=True))
    one, other = (learned.served.relevance(start(), EAST)[0] for learned in (bare, told))
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
    assert learned.served.relevance(start(), EAST).tolist() == start().tolist()


def test_a_recall_of_an_earlier_version_teaches_nothing() -> None:
    learned = LearnedRelevance()
    learned.take(replace(episode(0, EAST), signs=np.zeros((0, 0))))
    assert learned.served.relevance(start(), EAST).tolist() == start().tolist()


def test_the_same_log_gives_the_same_bits() -> None:
    first, second = taught(60), taught(60)
    assert first.served.fit.tolist() == second.served.fit.tolist()
    assert first.served.relevance(start(), EAST).tolist() == (
        second.served.relevance(start(), EAST).tolist()
    )


def test_successes_alone_hardly_raise_what_nothing_is_known_of() -> None:
    """Who always names what was used teaches nothing else of an unlike prompt."""
    learned = LearnedRelevance()
    for number in range(500):
        learned.take(episode(number, NORTH, used=(0,), reports_use=True))
    unlike = (0.2 * NORTH + np.sqrt(0.96) * EAST).astype(np.float32)
    before = np.array([0.02, 0.1, 0.3])
    assert (learned.served.relevance(before, unlike) <= before + 0.03).all()
    assert (learned.served.relevance(before, NORTH) > before + 0.1).all()
