"""Terms in memory: BM25 as it is written, with the statistics of what is searched."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.store.postings import K1, B, TermTable, rarity_of

TERM = st.sampled_from("abcdefgh")
ROWS = st.lists(st.lists(TERM, max_size=12), min_size=1, max_size=12)


def table_of(rows: list[list[str]]) -> TermTable:
    table = TermTable()
    table.append(rows[:1])
    table.append(rows[1:])
    return table


@given(ROWS, st.lists(TERM, max_size=6), st.data())
def test_scores_are_those_of_the_rows_that_are_searched_alone(
    rows: list[list[str]], query: list[str], data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    mask = np.array(kept)
    scores, total = table_of(rows).scores(query, mask)
    searched = [row for row, keep in zip(rows, kept, strict=True) if keep]
    mean = max(sum(map(len, searched)) / max(len(searched), 1), 1.0)
    held = Counter(term for row in searched for term in set(row))
    rarity = {term: rarity_of(held[term], len(searched)) for term in set(query) if held[term]}
    assert total == pytest.approx(sum(rarity.values()) or 1.0)
    for row, keep, score in zip(rows, kept, scores.tolist(), strict=True):
        counts = Counter(row)
        damped = K1 * (1 - B + B * len(row) / mean)
        expected = sum(
            weight * (K1 + 1) * counts[term] / (counts[term] + damped)
            for term, weight in rarity.items()
            if counts[term]
        )
        assert score == pytest.approx(expected if keep else 0.0)
    assert table_of(rows).frequencies(query, mask) == {
        term: held[term] for term in set(query) if held[term]
    }


def test_rare_terms_say_more_and_all_say_something() -> None:
    said = [rarity_of(count, 100) for count in range(101)]
    assert said == sorted(said, reverse=True)
    assert said[-1] > 0
    assert math.isclose(rarity_of(1, 1), math.log(1 + 0.5 / 1.5))


def test_rows_that_come_while_others_are_searched_are_not_seen() -> None:
    table = table_of([["a"], ["a", "b"]])
    mask = np.ones(1, dtype=np.bool_)
    assert table.scores(["a", "b"], mask)[0].tolist() == [pytest.approx(rarity_of(1, 1))]
    assert table.frequencies(["b"], mask) == {}


@given(
    ROWS, st.lists(st.dictionaries(TERM, st.floats(0.0, 1.0), max_size=6), max_size=4), st.data()
)
def test_the_most_that_one_row_holds_is_that_of_the_best_row_that_is_searched(
    rows: list[list[str]], asked: list[dict[str, float]], data: st.DataObject
) -> None:
    kept = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    searched = [set(row) for row, keep in zip(rows, kept, strict=True) if keep]
    expected = [
        max((sum(one[term] for term in one if term in row) for row in searched), default=0.0)
        for one in asked
    ]
    assert table_of(rows).most_held(asked, np.array(kept)) == pytest.approx(expected)
