"""Slates in arrays follow the product's search: the same legs, the same fusion."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.learning.slates import Bm25, Slates, reciprocal_ranks
from benchmarks.learning.stream import Memory, Task
from memory_core.store.search import Found, fuse
from tests.memory_core.hash_embedder import HashEmbedder


def memories() -> list[Memory]:
    return [
        Memory("a", "Byte order mark", "open the file as utf-8-sig", task="read a csv"),
        Memory("b", "Locks", "set a short lock timeout", task="the update waits"),
        Memory("c", "Zones", "store the zone's name", kind="pitfall"),
        Memory("d", "Elsewhere", "read a csv with care", project="other"),
    ]


def slates(limit: int = 50) -> Slates:
    return Slates(memories(), HashEmbedder(), limit)


def test_a_rare_word_counts_more_than_a_frequent_one() -> None:
    bm25 = Bm25(["lock the table", "open the table", "count the table rows"])
    assert bm25.scores("lock")[0] > bm25.scores("table")[0] > 0
    assert bm25.scores("lock").tolist()[1:] == [0.0, 0.0]


def test_bm25_is_the_formula() -> None:
    bm25 = Bm25(["lock lock table", "open table"])
    rarity = math.log(1 + (2 - 1 + 0.5) / (1 + 0.5))
    damped = 1.2 * (1 - 0.75 + 0.75 * 3 / 2.5)
    assert bm25.scores("lock")[0] == pytest.approx(rarity * 2 * 2.2 / (2 + damped))


def test_unknown_words_match_nothing() -> None:
    assert Bm25(["lock the table"]).scores("zebra").tolist() == [0.0]


def test_the_order_is_the_product_s_own() -> None:
    task = "read a csv file with a lock"
    panel = slates().of(Task("t", task)).panel
    both = [f"{m.title}\n{m.content}\n{m.task}" for m in memories()]
    total = Bm25(both).total(task)
    found = [
        Found(item, keyword=k, share=k / total, similarity=s, dense=True)
        for item, k, s in zip(panel.ids, panel.keyword.tolist(), panel.dense.tolist(), strict=True)
    ]
    theirs = fuse(found, len(found))
    assert [each.id for each in theirs] == list(panel.ids)
    assert [each.fused for each in theirs] == pytest.approx(panel.fused.tolist())


def test_ranks_are_fused_by_their_reciprocals() -> None:
    fused = reciprocal_ranks(np.array([0.9, 0.5, 0.1]), np.array([0.0, 1.0, 2.0]))
    assert fused.tolist() == pytest.approx([1 / 61, 1 / 62 + 1 / 62, 1 / 63 + 1 / 61])


def test_a_slate_is_in_hybrid_order_and_within_its_project() -> None:
    slate = slates().of(Task("t", "read a csv file"))
    assert set(slate.keys) == {"a", "b", "c"}
    assert slate.keys[0] == "a"
    assert slate.panel.ids == slate.keys
    assert np.all(np.diff(slate.panel.fused) <= 0)
    assert slate.panel.pitfall[slate.keys.index("c")] == 1.0


def test_the_better_of_content_and_task_is_an_item_s_similarity() -> None:
    slate = slates().of(Task("t", "read a csv"))
    assert slate.panel.dense[slate.keys.index("a")] == pytest.approx(1.0, abs=1e-5)


def test_no_more_candidates_than_the_limit() -> None:
    assert slates(limit=2).of(Task("t", "read a csv")).panel.size == 2


def test_the_same_task_gives_the_same_slate() -> None:
    made = slates()
    assert made.of(Task("t", "read a csv")) is made.of(Task("other", "read a csv"))


def test_an_error_is_searched_for_and_context_is_not() -> None:
    made = slates()
    with_error = made.of(Task("t", "the update", error="ValueError: zone's name"))
    with_context = made.of(Task("t", "the update", context="zone's name"))
    plain = made.of(Task("t", "the update"))
    assert with_error.panel.keyword[with_error.keys.index("c")] > 0
    assert with_context.panel.keyword.tolist() == plain.panel.keyword.tolist()
    assert not np.allclose(with_context.panel.query, plain.panel.query)
