"""Searching: the legs' bounds, exact values, determinism."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memory_core.ports import Probe, Scope
from memory_core.store import writer
from memory_core.store.catalog import one_of, scope_filter
from memory_core.store.lance_store import LanceStore
from memory_core.store.mixing import Mix
from memory_core.store.queries import QUERY_TERMS, Query, SearchHandle, query_words
from memory_core.store.schema import search_text
from memory_core.store.search import Found, cosines, fuse, similarities
from tests.memory_core.store.contract import ids
from tests.memory_core.store.fake_store import FakeStore
from tests.memory_core.store.making import EMBEDDER, P, event, item, probe, waiting

WORDS = ["alpha", "beta", "gamma", "delta", "omega", "kappa"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LanceStore]:
    made = LanceStore.open(tmp_path / "store", maintain=False)
    made.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    yield made
    made.close()


# -- words


@given(st.text(max_size=200))
def test_a_query_is_words_and_nothing_else(text: str) -> None:
    words = query_words(text).split(" ")
    assert len(words) <= 2 * QUERY_TERMS
    assert all(word.isalnum() for word in words if word)
    assert len(set(words)) == len(words)


def test_a_long_query_is_cut_to_its_first_distinct_words() -> None:
    text = " ".join(f"w{n % 100}" for n in range(100_000))
    words = query_words(text).split()
    assert words[:QUERY_TERMS] == [f"w{n}" for n in range(QUERY_TERMS)]
    assert len(words) <= 2 * QUERY_TERMS


def test_filters_quote_what_people_name_their_projects() -> None:
    assert one_of("project", ["it's", "a\\"]) == "project IN ('it''s', 'a\\')"
    scope = Scope(("a",), kinds=("fact",), states=("active", "retired"))
    assert scope_filter(scope) == (
        "project IN ('a') AND state IN ('active', 'retired') AND kind IN ('fact')"
    )


@given(text=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))
@example(text="p")
def test_any_project_name_is_only_a_name(text: str, shared_store: LanceStore) -> None:
    shared_store.search([Probe("alpha", None)], Scope((text, "p")), 1)
    rows = shared_store._writer.table.scan(["id"], one_of("project", [text]))
    assert rows.num_rows == (3 if text == "p" else 0)


@given(text=st.text(max_size=60))
def test_any_text_is_only_words(text: str, shared_store: LanceStore) -> None:
    found = shared_store.search([Probe(text, None)], P, 2)
    assert len(found) <= 2


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanceStore]:
    made = LanceStore.open(tmp_path_factory.mktemp("shared") / "store", maintain=False)
    made.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    made.add_items([item(n, f"alpha {n}") for n in range(3)])
    made._writer.drain()
    yield made
    made.close()


# -- values


def test_the_mix_of_cosine_words_and_names() -> None:
    found = [
        Found("a", similarity=0.9, dense=True),
        Found("b", share=0.5, similarity=0.5, dense=True),
        Found("c", share=1.0, dense=False),
        Found("d", similarity=0.9, dense=True),
        Found("e", similarity=0.1, dense=True, named=True),
    ]
    best = fuse(found, 4, Mix(words=0.5, names=2.0))
    assert [f.id for f in best] == ["e", "c", "a", "d"]
    assert [f.fused for f in best] == [2.1, 1.4, 0.9, 0.9]


def test_equal_fused_scores_go_by_similarity_then_id() -> None:
    same = [Found(i, similarity=0.0, dense=False) for i in "cab"]
    assert [f.id for f in fuse([*same, Found("z", similarity=0.1)], 9)] == ["z", "a", "b", "c"]


def test_similarity_is_the_mean_of_each_probe_s_better_key() -> None:
    nan = math.nan
    items = [[(0.5, nan), (0.1, 0.3)], [(nan, nan), (0.2, nan)], [(nan, nan), (nan, nan)]]
    found = similarities(np.array(items).transpose(1, 2, 0))
    assert found[:2].tolist() == pytest.approx([0.4, 0.2])
    assert math.isnan(found[2])
    assert np.isnan(similarities(np.zeros((0, 2, 1)))).all()


@given(st.integers(1, 60), st.integers(0, 59))
def test_a_cosine_does_not_depend_on_its_neighbours(rows: int, row: int) -> None:
    chance = np.random.default_rng(rows)
    matrix = chance.standard_normal((rows, 384)).astype(np.float32)
    vector = chance.standard_normal(384).astype(np.float32)
    row %= rows
    alone = cosines(matrix[row : row + 1], vector)[0]
    assert cosines(matrix, vector)[row] == alone


# -- legs


def corpus(count: int) -> list[str]:
    chance = np.random.default_rng(7)
    return [" ".join(chance.choice(WORDS, size=4)) + f" own{n}" for n in range(count)]


@pytest.mark.parametrize("in_memory", [True, False])
def test_values_and_membership_are_those_of_the_oracle(
    in_memory: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not in_memory:
        monkeypatch.setattr(writer, "EXACT_ROWS", 0)
    real = LanceStore.open(tmp_path / "store", maintain=False)
    real.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    fake = FakeStore(EMBEDDER.name, EMBEDDER.dimension)
    for store in (real, fake):
        for n, text in enumerate(corpus(80)):
            task, kind = f"task {text}" if n % 3 else "", "fact" if n % 5 else "pitfall"
            store.add_items([item(n, text, task=task, kind=kind)])
        store.add_items([waiting(90, "alpha own90"), item(91, "alpha", project="q")])
        store.add_event(event(1, "retire", 7))
    windows = ((EMBEDDER.embed_query("kappa own5"), 0.7), (EMBEDDER.embed_query("beta"), 0.5))
    asked = [
        probe("alpha gamma own12"),
        Probe("delta kappa", EMBEDDER.embed_query("delta kappa"), windows),
        Probe("own3", None),
    ]
    for scope in (P, Scope(("p", "q")), Scope(("p",), kinds=("pitfall",))):
        found = real.search(asked, scope, 10)
        everything = {c.stored.item.id: c for c in fake.search(asked, scope, 1000)}
        assert len(found) == 10
        for candidate in found:
            oracle = everything[candidate.stored.item.id]
            assert candidate.similarity == pytest.approx(oracle.similarity, abs=1e-6)
            assert np.allclose(candidate.cosines, oracle.cosines, atol=1e-6, equal_nan=True)
            assert (candidate.keyword > 0) <= (oracle.keyword > 0)
    real.close()


def test_the_dense_leg_finds_by_either_key(store: LanceStore) -> None:
    store.add_items([item(n, text) for n, text in enumerate(corpus(50))])
    store.add_items([item(60, "zeta", task="eta theta")])
    by_task = store.search([Probe("", EMBEDDER.embed_query("eta theta"))], P, 3)
    assert by_task[0].stored.item.id == "item_0060"
    by_content = store.search([Probe("", EMBEDDER.embed_query("title 60\nzeta"))], P, 3)
    assert by_content[0].stored.item.id == "item_0060"


def test_several_probes_add_their_keyword_scores(store: LanceStore) -> None:
    store.add_items([item(n, text) for n, text in enumerate(corpus(30))])
    one, two = Probe("own3 alpha", None), Probe("own3", None)
    apart = [{c.stored.item.id: c.keyword for c in store.search([p], P, 40)} for p in (one, two)]
    together = {c.stored.item.id: c.keyword for c in store.search([one, two], P, 40)}
    for item_id, score in together.items():
        assert score == pytest.approx(sum(part.get(item_id, 0.0) for part in apart), rel=1e-6)


def test_each_passage_of_a_long_text_is_searched_for_by_itself(store: LanceStore) -> None:
    store.add_items([item(1, "comma breaks column"), item(2, "lunch menu train poster")])
    store.add_items([item(n, f"filler{n}") for n in range(10, 30)])
    question, talk = "comma breaks column", "lunch filler10 filler11 filler12 filler13"

    def keywords(*said: tuple[str, float]) -> dict[str, float]:
        probe = Probe("\n".join(text for text, _ in said), None, said=said)
        return {c.stored.item.id: c.keyword for c in store.search([probe], P, 40)}

    bare = keywords((question, 1.0))["item_0001"]
    beside = keywords((question, 1.0), (talk, 0.9))
    assert beside["item_0001"] == pytest.approx(bare)
    assert 0.0 < beside["item_0002"] < bare
    assert 0.0 < keywords((question, 1.0), ("lunch", 0.9))["item_0002"] < bare


def test_only_what_is_clearly_asked_names_an_item(store: LanceStore) -> None:
    store.add_items([item(1, "use parse_price here"), item(2, "something else of use")])
    store.add_items([item(n, f"filler{n}") for n in range(10, 30)])

    def named(*said: tuple[str, float]) -> list[str]:
        probe = Probe("\n".join(text for text, _ in said), None, said=said)
        return [c.stored.item.id for c in store.search([probe], P, 40) if c.named]

    assert named(("why does parse_price fail", 1.0)) == ["item_0001"]
    assert named(("something else", 1.0), ("parse_price was moved", 0.9)) == []


def test_word_forms_match_and_stop_words_do_not(store: LanceStore) -> None:
    store.add_items([item(1, "parsing the timestamps"), item(2, "something else")])
    store.add_items([item(n, f"filler{n}") for n in range(10, 30)])
    for text in ("parsed timestamp", "Parse, TIMESTAMPS!"):
        assert ids(store.search([Probe(text, None)], P, 5)) == ["item_0001"]
    assert store.search([Probe("the of and", None)], P, 5) == []


def test_equal_texts_at_the_cut_go_by_id(store: LanceStore) -> None:
    store.add_items([item(n, "alpha", title="same") for n in reversed(range(40))])
    for asked in (Probe("alpha", None), Probe("", EMBEDDER.embed_query("same\nalpha"))):
        assert ids(store.search([asked], P, 8)) == [f"item_{n:04d}" for n in range(8)]


def test_no_probe_at_all_gives_a_small_scope_in_id_order(store: LanceStore) -> None:
    store.add_items([item(2), item(1)])
    assert ids(store.search([], P, 5)) == ["item_0001", "item_0002"]
    assert store.search([], P, 1) == []


def test_an_empty_store_answers_with_nothing(tmp_path: Path) -> None:
    store = LanceStore.open(tmp_path / "store", maintain=False)
    assert store.search([Probe("alpha", None)], P, 5) == []
    store.add_items([waiting(1, "alpha")])
    assert ids(store.search([Probe("alpha", None)], P, 5)) == ["item_0001"]
    store.close()


def test_the_answer_does_not_depend_on_how_the_content_came(tmp_path: Path) -> None:
    """One by one with restarts and compactions between, or all at once: the same candidates."""
    texts = corpus(40)
    asked = [probe("alpha beta own7"), probe("omega")]
    answers = []
    for way in ("at once", "bit by bit"):
        store = LanceStore.open(tmp_path / way, maintain=False)
        store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
        if way == "at once":
            store.add_items([item(n, text) for n, text in enumerate(texts)])
            store.add_event(event(1, "retire", 9))
        else:
            for n, text in enumerate(texts):
                store.add_items([item(n, text)])
                if n == 20:
                    store.add_event(event(1, "retire", 9))
                    store.compact()
                if n == 30:
                    store.close()
                    store = LanceStore.open(tmp_path / way, maintain=False)
        answers.append(store.search(asked, P, 10))
        store.close()
    assert ids(answers[0]) == ids(answers[1])
    for one, two in zip(*answers, strict=True):
        assert (one.similarity, one.keyword, one.fused) == (two.similarity, two.keyword, two.fused)


# -- under clean-up


def test_a_search_whose_files_were_cleaned_away_is_made_once_more(
    store: LanceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time by a new handle; what goes on failing is told."""
    store.add_items([item(1, "alpha"), item(2, "beta")])
    store._writer.drain()
    table = store._writer.table
    table.matching("alpha", 5, "")
    run, asked, gone = SearchHandle.run, list[SearchHandle](), [1]

    def cleaned(handle: SearchHandle, query: Query) -> Any:
        asked.append(handle)
        if gone[0]:
            gone[0] -= 1
            raise OSError("LanceError(IO): Object at location data/x.lance not found")
        return run(handle, query)

    monkeypatch.setattr(SearchHandle, "run", cleaned)
    assert [found for found, _ in table.matching("alpha", 5, "")] == [item(1).item.id]
    assert len(set(map(id, asked))) == len(asked) == 2
    gone[0] = 2
    with pytest.raises(OSError, match="not found"):
        table.matching("alpha", 5, "")
    assert len(asked) == 4


def test_a_search_reads_the_generation_that_is_written(store: LanceStore) -> None:
    store.add_items([item(1, "alpha")])
    store._writer.drain()
    table = store._writer.table
    assert table.matching("alpha", 5, "")
    table.switch(2, table.dimension)
    table.create()
    table.build_text_index()
    assert table.matching("alpha", 5, "") == []
    table.switch(1, table.dimension)
    assert table.matching("alpha", 5, "")


# -- words


def test_a_lesson_is_found_by_its_own_word_in_scripts_without_blanks(store: LanceStore) -> None:
    texts = [
        "\u6570\u636e\u5e93\u8fde\u63a5\u6c60\u8017\u5c3d\u65f6\u91cd\u542f\u670d\u52a1",
        "\u4e0a\u4f20\u6587\u4ef6\u524d\u5148\u68c0\u67e5\u5927\u5c0f",
        "\u8a2d\u5b9a\u30d5\u30a1\u30a4\u30eb\u3092\u8aad\u307f\u8fbc\u3080\u524d\u306b\u691c\u8a3c\u3059\u308b",
        "\ub370\uc774\ud130\ubca0\uc774\uc2a4\ub97c \ub2e4\uc2dc \uc5f0\uacb0\ud55c\ub2e4",
    ]
    store.add_items([item(n, text) for n, text in enumerate(texts)])
    for n, word in enumerate(
        ("\u8fde\u63a5\u6c60", "\u6587\u4ef6", "\u30d5\u30a1\u30a4\u30eb", "\ub370\uc774\ud130")
    ):
        found = store.search([Probe(word, None)], P, 3)
        assert [c.stored.item.id for c in found][:1] == [f"item_{n:04}"]


def test_the_only_holder_of_a_name_stands_before_what_is_more_alike(store: LanceStore) -> None:
    task = "the nightly import fails with ORA-00942 again and nobody knows why"
    like = [
        item(n, f"the nightly import fails with ORA-{n:05} again, nobody knows") for n in range(60)
    ]
    holder = item(60, "Check the grants on ORA 00942")
    store.add_items([*like, holder])
    found = store.search([probe(task)], P, 50)
    assert found[0].stored.item.id == holder.item.id
    assert found[0].named
    assert sum(c.named for c in found) == 1


def test_a_name_that_many_hold_decides_nothing(store: LanceStore) -> None:
    store.add_items([item(n, f"call parse_row on line{n}") for n in range(5)])
    assert not any(c.named for c in store.search([probe("parseRow fails")], P, 5))


def test_words_of_other_projects_change_no_score(store: LanceStore) -> None:
    store.add_items([item(n, f"alpha beta{n}") for n in range(4)])
    before = [(c.stored.item.id, c.keyword) for c in store.search([probe("alpha beta2")], P, 4)]
    store.add_items([item(10 + n, "beta2 alpha", project="q") for n in range(9)])
    assert [
        (c.stored.item.id, c.keyword) for c in store.search([probe("alpha beta2")], P, 4)
    ] == before


def test_a_store_of_an_earlier_lessonbank_is_found_by_the_same_terms(tmp_path: Path) -> None:
    given = [item(0, "call parseResponse twice"), item(1, "\u8fde\u63a5\u6c60\u8017\u5c3d")]
    with_terms = LanceStore.open(tmp_path / "new", maintain=False)
    with_terms.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
    with_terms.add_items(given)
    asked = [[probe("parse_response")], [probe("\u8fde\u63a5")]]
    expected = [[(c.stored.item.id, c.keyword) for c in with_terms.search(p, P, 2)] for p in asked]
    table = with_terms._writer.table.open()
    for stored in given:
        text = search_text(stored.item)
        table.update(where=f"id = '{stored.item.id}'", values={"search_text": text})
    with_terms.close()
    again = LanceStore.open(tmp_path / "new", maintain=False)
    found = [[(c.stored.item.id, c.keyword) for c in again.search(p, P, 2)] for p in asked]
    again.close()
    assert found == expected
    assert all(rows[0][1] > 0 for rows in found)
