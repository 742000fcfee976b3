"""What every `Store` promises: run over the real one and over the fake.

A subclass gives the fixture `store` (bound to `making.EMBEDDER`, empty) and may
override `again`, which closes a store and gives it back as the next process sees it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from memory_core.errors import StoreMismatch, StoreUnavailable
from memory_core.model import Event
from memory_core.ports import Probe, Scope, Store, StoredItem, StoredOutcome, StoredRecall
from tests.memory_core.hash_embedder import HashEmbedder
from tests.memory_core.store.making import (
    EMBEDDER,
    EVERYTHING,
    P,
    event,
    item,
    outcome,
    probe,
    recall,
    same,
    vector,
    waiting,
)


def ids(candidates: object) -> list[str]:
    return [c.stored.item.id for c in candidates]  # type: ignore[attr-defined]


class StoreContract:
    """The promises, one test each."""

    @pytest.fixture
    def store(self) -> Store | Iterator[Store]:
        raise NotImplementedError

    def again(self, store: Store) -> Store:
        """Give the store as it is after a restart."""
        return store

    def catch_up(self, store: Store) -> None:
        """Let an index that lags behind hold what was added."""

    def now_and_later(self, store: Store) -> Iterator[Store]:
        """Give the store as it is, then as it is after a restart."""
        yield store
        yield self.again(store)

    # -- items

    def test_an_item_comes_back_as_it_was_added(self, store: Store) -> None:
        given = item(1, "body", task="a task", tags=("x", "y"), derived_from=("r1",), trust=0.25)
        store.add_items([given, item(2)])
        store = self.again(store)
        assert same(store.get_items(["item_0001"])["item_0001"], given)

    def test_texts_of_any_script_and_quote_come_back(self, store: Store) -> None:
        text = 'it\'s "quoted" \\ 100% ; -- DROP TABLE \u6f22\u5b57 \U0001f600 \n\t\x00 end'
        given = item(1, text, project=text, source=text, tags=(text,), task=text)
        store.add_items([given])
        store = self.again(store)
        assert same(store.get_items([given.item.id])[given.item.id], given)
        assert ids(store.search([probe("quoted")], Scope((text,)), 5)) == [given.item.id]

    def test_ids_that_nobody_has_are_left_out(self, store: Store) -> None:
        store.add_items([item(1)])
        assert list(store.get_items(["nobody", "item_0001", "item_0001"])) == ["item_0001"]
        assert store.get_items([]) == {}

    def test_an_id_that_exists_is_left_as_it_is(self, store: Store) -> None:
        store.add_items([item(1, "first"), item(1, "in the same call")])
        store.add_items([item(1, "second"), item(2)])
        store = self.again(store)
        assert [s.item.content for s in store.scan_items(P)] == ["first", "content number2"]

    def test_a_vector_of_another_dimension_is_refused_and_nothing_stored(
        self, store: Store
    ) -> None:
        wrong = StoredItem(item(2).item, "active", np.ones(3, dtype=np.float32), None)
        with pytest.raises(ValueError, match="dimension"):
            store.add_items([item(1), wrong])
        assert list(store.scan_items(EVERYTHING)) == []

    def test_vectors_of_another_model_are_refused(self, store: Store) -> None:
        with pytest.raises(ValueError, match="item_0001"):
            store.add_items([item(1, embedder="another")])

    def test_the_active_item_with_a_hash_is_found_in_its_project(self, store: Store) -> None:
        store.add_items([item(1, content_hash="h"), item(2, content_hash="h", project="q")])
        found = store.find_hash("q", "h")
        assert found is not None
        assert found.item.id == "item_0002"
        store.add_event(event(1, "retire", 2))
        store = self.again(store)
        assert store.find_hash("q", "h") is None
        assert store.find_hash("p", "other") is None
        assert store.find_hash("nowhere", "h") is None

    def test_a_scan_gives_what_is_in_scope_oldest_first(self, store: Store) -> None:
        store.add_items(
            [
                item(3, created_at=3.0),
                item(1, created_at=1.0, kind="pitfall"),
                item(2, created_at=2.0, project="q"),
                item(4, created_at=2.0, state="archived"),
            ]
        )
        store = self.again(store)

        def scan(scope: Scope) -> list[str]:
            return [stored.item.id for stored in store.scan_items(scope)]

        assert scan(P) == ["item_0001", "item_0003"]
        assert scan(Scope(("p", "q"))) == ["item_0001", "item_0002", "item_0003"]
        assert scan(Scope(("p",), kinds=("pitfall",))) == ["item_0001"]
        assert scan(Scope(("p",), states=("archived",))) == ["item_0004"]
        assert scan(Scope(())) == []

    def test_items_are_counted_by_project_kind_and_state(self, store: Store) -> None:
        store.add_items([item(1), item(2), item(3, kind="fact", project="q")])
        store.add_event(event(1, "archive", 2))
        store = self.again(store)
        assert dict(store.count_items()) == {
            ("p", "strategy", "active"): 1,
            ("p", "strategy", "archived"): 1,
            ("q", "fact", "active"): 1,
        }

    # -- states

    def test_events_flip_states_and_stay_in_order(self, store: Store) -> None:
        store.add_items([item(n) for n in range(5)])
        given = [
            event(0, "retire", 0),
            event(1, "archive", 1),
            event(2, "supersede", 2),
            event(3, "retire", 3),
            event(4, "restore", 3),
            event(5, "reembed", 4),
            event(6, "retire", 99),
        ]
        for each in given:
            store.add_event(each)
        store.add_event(given[0])
        for seen in self.now_and_later(store):
            assert list(seen.events()) == given
            states = {s.item.id: s.state for s in seen.scan_items(EVERYTHING)}
            assert list(states.values()) == ["retired", "archived", "retired", "active", "active"]
            assert seen.get_items(["item_0000"])["item_0000"].state == "retired"

    def test_an_event_before_its_item_does_not_flip_it(self, store: Store) -> None:
        store.add_event(event(1, "retire", 1))
        store.add_items([item(1)])
        for seen in self.now_and_later(store):
            assert seen.get_items(["item_0001"])["item_0001"].state == "active"

    def test_a_retired_item_is_no_candidate_and_a_restored_one_is_again(self, store: Store) -> None:
        store.add_items([item(1, "alpha"), item(2, "alpha beta")])
        store.add_event(event(1, "retire", 1))
        assert ids(store.search([probe("alpha")], P, 5)) == ["item_0002"]
        store = self.again(store)
        assert ids(store.search([probe("alpha")], P, 5)) == ["item_0002"]
        store.add_event(event(2, "restore", 1))
        assert set(ids(store.search([probe("alpha")], P, 5))) == {"item_0001", "item_0002"}

    # -- search

    def test_the_item_that_says_it_comes_first(self, store: Store) -> None:
        store.add_items([item(1, "parse dates with a zone"), item(2, "read a csv file")])
        store.add_items([item(n, f"something else {n}") for n in range(3, 30)])
        best = store.search([probe("csv file")], P, 3)
        assert best[0].stored.item.id == "item_0002"
        assert best[0].keyword > 0
        assert len(best) == 3

    def test_an_item_that_was_just_added_is_found_by_its_words_and_its_vector(
        self, store: Store
    ) -> None:
        store.add_items([item(n, f"filler {n}") for n in range(40)])
        store.add_items([item(77, "zebra crossing")])
        by_words = store.search([Probe("zebra", None)], P, 5)
        assert ids(by_words) == ["item_0077"]
        assert by_words[0].keyword > 0
        stored = item(77, "zebra crossing")
        by_vector = store.search([Probe("", stored.vector)], P, 5)
        assert by_vector[0].stored.item.id == "item_0077"
        assert by_vector[0].keyword == 0

    def test_when_few_are_in_scope_all_are_candidates(self, store: Store) -> None:
        store.add_items(
            [item(1, "alpha"), item(2, "beta"), waiting(3, "gamma"), item(4, kind="fact")]
        )
        found = store.search([probe("alpha")], P, 4)
        assert set(ids(found)) == {"item_0001", "item_0002", "item_0003", "item_0004"}
        assert ids(store.search([probe("alpha")], Scope(("p",), kinds=("fact",)), 4)) == [
            "item_0004"
        ]
        assert store.search([probe("alpha")], Scope(("nowhere",)), 4) == []
        assert store.search([probe("alpha")], P, 0) == []

    def test_cosines_are_of_both_keys_and_similarity_is_the_better_one(self, store: Store) -> None:
        store.add_items([item(1, "alpha beta", task="gamma"), item(2, "delta")])
        asked = [probe("gamma"), probe("alpha")]
        found = {c.stored.item.id: c for c in store.search(asked, P, 5)}
        one, two = found["item_0001"], found["item_0002"]
        text = vector("title 1\nalpha beta")
        for pair, each in zip(one.cosines, asked, strict=True):
            assert each.vector is not None
            assert pair[0] == pytest.approx(float(text @ each.vector), abs=1e-6)
            assert pair[1] == pytest.approx(float(vector("gamma") @ each.vector), abs=1e-6)
        assert all(math.isnan(pair[1]) for pair in two.cosines)
        assert one.similarity == pytest.approx(sum(max(p) for p in one.cosines) / 2, abs=1e-6)
        assert two.similarity == pytest.approx(sum(p[0] for p in two.cosines) / 2, abs=1e-6)

    def test_a_probe_of_several_windows_counts_the_best_of_them_by_weight(
        self, store: Store
    ) -> None:
        store.add_items([item(n, f"filler {n}", task=f"task {n}") for n in range(30)])
        store.add_items([item(40, "alpha beta", task="gamma"), item(41, "delta delta")])
        asked = Probe("", vector("title 41\ndelta delta"), ((vector("gamma"), 0.5),))
        found = {c.stored.item.id: c for c in store.search([asked], P, 5)}
        by_text, by_task = found["item_0041"], found["item_0040"]
        assert by_text.similarity == pytest.approx(1.0, abs=1e-6)
        assert asked.vector is not None
        best = max(float(vector("gamma") @ asked.vector), 0.5)
        assert by_task.cosines[0][1] == pytest.approx(best, abs=1e-6)
        swapped = Probe("", vector("gamma"), ((vector("title 41\ndelta delta"), 1.0),))
        assert set(ids(store.search([swapped], P, 2))) == {"item_0040", "item_0041"}

    def test_a_window_of_another_dimension_is_refused(self, store: Store) -> None:
        store.add_items([item(1)])
        odd = ((np.ones(3, dtype=np.float32), 1.0),)
        with pytest.raises(ValueError, match="dimension"):
            store.search([Probe("x", vector("x"), odd)], P, 3)

    def test_a_long_item_is_as_near_as_its_nearest_part(self, store: Store) -> None:
        store.add_items([item(n, f"filler {n}") for n in range(30)])
        store.add_items([item(40, "a long text"), item(41, "omega", task="gamma")])
        parts = np.stack([vector("delta kappa"), vector("alpha beta")])
        assert store.add_parts("item_0040", parts)
        assert store.add_parts("item_0040", parts), "once more is no harm"
        assert not store.add_parts("nobody", parts)
        found = store.search([Probe("", vector("alpha beta"))], P, 3)
        assert ids(found)[0] == "item_0040"
        assert found[0].similarity == pytest.approx(0.9, abs=1e-6)
        assert math.isnan(found[0].cosines[0][1])
        store.add_event(event(1, "retire", 40))
        assert "item_0040" not in ids(store.search([Probe("", vector("alpha beta"))], P, 40))
        with pytest.raises(ValueError, match="dimension"):
            store.add_parts("item_0041", np.ones((2, 3), dtype=np.float32))

    def test_what_is_likelier_by_cosine_and_by_words_stands_higher(self, store: Store) -> None:
        store.add_items([item(n, f"alpha {'beta ' * (n % 3)} word{n}") for n in range(9)])
        store.add_items([waiting(10, "alpha"), item(11, "nothing like it")])
        found = store.search([probe("alpha beta word4")], P, 50)
        known = [c for c in found if c.stored.vector is not None]
        for one, other in itertools.permutations(known, 2):
            if one.similarity >= other.similarity and one.keyword >= other.keyword:
                assert one.fused >= other.fused or other.named
        assert ids(found)[0] == "item_0004"
        order = sorted(found, key=lambda c: (-c.fused, -c.similarity, c.stored.item.id))
        assert ids(found) == ids(order)

    def test_without_vectors_only_words_answer(self, store: Store) -> None:
        store.add_items([item(n, f"common rare{'abcdefghijklmnopqrst'[n]}") for n in range(20)])
        found = store.search([Probe("rareh rarej", None)], P, 10)
        assert set(ids(found)) == {"item_0007", "item_0009"}
        assert all(c.similarity == 0.0 and c.keyword > 0 for c in found)
        assert all(math.isnan(x) for c in found for pair in c.cosines for x in pair)

    def test_an_item_that_waits_for_a_model_is_found_by_its_words(self, store: Store) -> None:
        store.add_items([item(n, f"filler {n}") for n in range(30)])
        store.add_items([waiting(50, "zebra")])
        found = {c.stored.item.id: c for c in store.search([probe("zebra")], P, 5)}
        assert found["item_0050"].keyword > 0
        assert found["item_0050"].similarity == 0.0

    def test_no_text_is_too_odd_to_search_for(self, store: Store) -> None:
        store.add_items([item(n) for n in range(5)])
        odd = [
            '"',
            "'",
            "(",
            "AND OR NOT",
            "a:b^2~*?",
            "\\",
            "\x00",
            "\ud800",
            "",
            "   ",
            "-+!{}[]",
        ]
        for text in [*odd, "word " * 50_000, "x" * 100_000]:
            assert isinstance(store.search([Probe(text, vector("title"))], P, 3), list)

    def test_a_probe_of_another_dimension_is_refused(self, store: Store) -> None:
        store.add_items([item(1)])
        with pytest.raises(ValueError, match="dimension"):
            store.search([Probe("x", np.ones(3, dtype=np.float32))], P, 3)

    def test_the_same_content_gives_the_same_answer_after_a_restart(self, store: Store) -> None:
        store.add_items(
            [item(n, f"alpha beta{n % 4} gamma{n % 7}", task=f"t{n}") for n in range(40)]
        )
        store.add_event(event(1, "retire", 3))
        self.catch_up(store)
        asked = [probe("alpha beta1 gamma2"), probe("gamma3")]
        before = store.search(asked, P, 10)
        after = self.again(store).search(asked, P, 10)
        assert ids(before) == ids(after)
        for one, two in zip(before, after, strict=True):
            assert (one.similarity, one.keyword, one.fused) == (
                two.similarity,
                two.keyword,
                two.fused,
            )

    # -- log

    def test_recalls_come_back_whole_by_id_and_in_order(self, store: Store) -> None:
        given = [recall(n, candidates=n, with_vector=n != 1) for n in range(4)]
        for number, each in enumerate(given):
            store.add_recall(each, durable=number % 2 == 0)
        store.add_recall(given[0])
        for seen in self.now_and_later(store):
            assert all(same(a, b) for a, b in zip(given, seen.recalls(), strict=True))
            found = seen.get_recall("recall_0003")
            assert found is not None
            assert same(found, given[3])
            assert seen.get_recall("nobody") is None

    def test_outcomes_come_back_whole_by_id_and_in_order(self, store: Store) -> None:
        given = [outcome(n, failed=n == 2) for n in (3, 2, 1, 0)]
        for each in given:
            store.add_outcome(each)
        store.add_outcome(given[1])
        for seen in self.now_and_later(store):
            assert all(same(a, b) for a, b in zip(given, seen.outcomes(), strict=True))
            found = seen.get_outcome(given[1].record.id)
            assert found is not None
            assert same(found, given[1])
            assert seen.get_outcome("nobody") is None

    def test_a_log_that_is_being_read_does_not_see_what_comes_later(self, store: Store) -> None:
        store.add_outcome(outcome(0))
        reading = store.outcomes()
        first = next(reading)
        store.add_outcome(outcome(1))
        assert first.record.id == "out_0000"
        assert list(reading) == []

    def test_the_log_gives_several_kinds_of_records_in_one_order(self, store: Store) -> None:
        store.add_items([item(1)])
        store.add_recall(recall(1))
        store.add_event(event(1, "retire", 1))
        store.add_outcome(outcome(1))
        store.compact()
        store.add_recall(recall(2), durable=True)
        for seen in self.now_and_later(store):
            places, ids = zip(*self.ids_of(seen.log("events", "recalls", "outcomes")), strict=True)
            assert ids == (recall(1).record.id, "event_0001", "out_0001", recall(2).record.id)
            assert places == tuple(sorted(set(places)))
            alone = self.ids_of(seen.log("recalls"))
            assert alone == [(places[0], ids[0]), (places[3], ids[3])]

    @staticmethod
    def ids_of(
        log: Iterable[tuple[int, StoredRecall | StoredOutcome | Event]],
    ) -> list[tuple[int, str]]:
        return [(n, one.id if isinstance(one, Event) else one.record.id) for n, one in log]

    # -- keeping

    def test_the_newest_recalls_are_listed_by_project_session_time_and_place(
        self, store: Store
    ) -> None:
        for n in range(6):
            given = recall(n)
            record = replace(given.record, session=f"s{n % 2}", at=100.0 + n)
            store.add_recall(StoredRecall(record, given.vector))
            if n == 3:
                store.compact()
        project = recall(0).record.project
        ids_ = [recall(n).record.id for n in range(6)]

        def listed(**more: Any) -> list[str]:
            limit = more.pop("limit", 10)
            found = store.newest_recalls([more.pop("project", project)], limit=limit, **more)
            return [record.id for record in found]

        assert listed() == ids_[::-1]
        assert listed(limit=3) == ids_[:2:-1]
        assert listed(session="s1") == [ids_[5], ids_[3], ids_[1]]
        assert listed(since=102.0, before=ids_[5]) == [ids_[4], ids_[3], ids_[2]]
        assert listed(project="o'ther") == listed(before="rec_unknown") == []
        assert sorted(store.recall_ids()) == sorted(ids_)

    def test_compaction_changes_nothing_that_is_seen(self, store: Store) -> None:
        for n in range(12):
            store.add_items([item(n, f"alpha beta{n % 3} {'gamma ' * (n % 4)}", task=f"t{n}")])
        store.add_event(event(1, "retire", 3))
        store.add_recall(recall(1))
        store.add_outcome(outcome(1))
        self.catch_up(store)
        asked = [probe("alpha beta1 gamma")]
        before = store.search(asked, P, 5)
        store.compact()
        after = store.search(asked, P, 5)
        assert ids(before) == ids(after)
        assert [c.keyword for c in before] == [c.keyword for c in after]
        assert [c.fused for c in before] == [c.fused for c in after]
        assert [s.item.id for s in store.scan_items(EVERYTHING)] == [
            f"item_{n:04d}" for n in range(12)
        ]
        assert len(list(store.recalls())) == len(list(store.outcomes())) == 1

    def test_the_model_of_an_empty_store_can_change_and_of_a_filled_one_not(
        self, store: Store
    ) -> None:
        store.bind_embedder("other", 4)
        assert (store.embedder_name, store.dimension) == ("other", 4)
        store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
        store.add_items([item(1)])
        store.bind_embedder(EMBEDDER.name, EMBEDDER.dimension)
        with pytest.raises(StoreMismatch, match="reembed"):
            store.bind_embedder("other", 4)
        assert store.embedder_name == EMBEDDER.name

    def test_items_that_wait_for_a_model_get_their_vectors(self, store: Store) -> None:
        store.add_items([waiting(n, f"text {n}", task="t" if n % 2 else "") for n in range(5)])
        store.add_items([item(7)])
        store.add_event(event(1, "retire", 2))
        assert store.count_waiting() == 5
        store.embed_waiting(EMBEDDER)
        for seen in self.now_and_later(store):
            assert seen.count_waiting() == 0
            found = seen.get_items(["item_0002", "item_0003"])
            assert same(found["item_0003"], item(3, "text 3", task="t"))
            assert same(found["item_0002"], item(2, "text 2", state="retired"))
            assert ids(seen.search([Probe("", vector("title 3\ntext 3"))], P, 1)) == ["item_0003"]

    def test_reembedding_rewrites_all_vectors_and_loses_nothing(self, store: Store) -> None:
        store.add_items([item(n, f"text {n}", task="t" if n % 2 else "") for n in range(6)])
        store.add_items([waiting(6, "text 6")])
        store.add_event(event(1, "archive", 2))
        store.add_recall(recall(1))
        store.add_outcome(outcome(1, failed=True))
        store.add_outcome(outcome(2))
        other = HashEmbedder(24, "other")
        seen_progress: list[tuple[int, int]] = []
        assert store.reembed(other, lambda done, total: seen_progress.append((done, total))) == (
            7,
            0,
        )
        assert seen_progress[-1][0] == seen_progress[-1][1] > 0
        for seen in self.now_and_later(store):
            assert (seen.embedder_name, seen.dimension) == ("other", 24)
            items = list(seen.scan_items(EVERYTHING))
            assert [s.item.content for s in items] == [f"text {n}" for n in range(7)]
            for stored in items:
                assert stored.item.embedder == "other"
                assert stored.vector is not None
                assert (stored.vector == other.embed_query(stored.item.text)).all()
                assert (stored.task_vector is not None) == bool(stored.item.task)
            assert items[2].state == "archived"
            assert ids(seen.search([Probe("", items[3].vector)], P, 1)) == ["item_0003"]
            assert [r.vector.shape for r in seen.recalls() if r.vector is not None] == [(24,)]
            signatures = [o.signature for o in seen.outcomes()]
            assert signatures[0] is not None
            assert signatures[1] is None
            assert seen.reembed(other) == (0, 7)

    def test_a_closed_store_says_so_and_closing_again_is_safe(self, store: Store) -> None:
        store.add_items([item(1)])
        store.close()
        store.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            store.get_items(["item_0001"])
        with pytest.raises(StoreUnavailable, match="closed"):
            store.add_items([item(2)])
