"""Exploration in the service: off by default, bounded, logged, replayable."""

from __future__ import annotations

import math

import numpy as np
import pytest

from memory_core.model import RecallRecord
from memory_core.scorer.exploring import draw, seeded, spreads
from memory_core.scorer.facts import about_of
from memory_core.scorer.offline import logged_of
from memory_core.service.slate import LOGGED, TRIED
from tests.memory_core.service.conftest import Bench, OpenBench

TASK = "parse dates from a log"
DISTINCT = (
    "Give strptime the format string",
    "Let dateutil guess",
    "Split each line on its brackets",
    "Sort by the epoch column instead",
    "Ask pandas for to_datetime",
    "Cut the milliseconds off before",
    "Keep the offset of the time zone",
    "Read the year out of the file's name",
)
"""Advice of which none resembles another: what fails takes nothing else down with it."""


def stocked(bench: Bench, count: int = 8, advice: tuple[str, ...] = ()) -> list[str]:
    """Items about one task, from near to far, and some outcomes; their ids."""
    texts = advice or [f"Parse the dates from the log, {'other words ' * n}" for n in range(count)]
    ids = [
        bench.remember(f"Parse dates way {n}", text, task=TASK).id for n, text in enumerate(texts)
    ]
    for n in range(6):
        answer = bench.recall(TASK, session=f"s{n}")
        outcome = "success" if n % 3 else "failure"
        bench.report(outcome, recall_id=answer.recall_id, used_ids=[answer.items[0].id])
    bench.settle()
    return ids


def logged(bench: Bench, recall_id: str) -> RecallRecord:
    found = bench.service.core.store.get_recall(recall_id)
    assert found is not None
    return found.record


def many(bench: Bench, count: int = 40, **more: object) -> list[RecallRecord]:
    """What that many recalls of one task logged, each in a session of its own."""
    return [
        logged(bench, bench.recall(TASK, session=f"x{n}", **more).recall_id) for n in range(count)
    ]


def test_without_the_setting_the_order_is_the_same_each_time_and_certain(
    open_bench: OpenBench,
) -> None:
    bench = open_bench()
    stocked(bench)
    records = many(bench, 5, k=4)
    assert len({record.served_ids for record in records}) == 1
    assert {c.propensity for record in records for c in record.candidates} == {1.0}


def test_exploration_varies_the_second_position_and_below_and_never_the_first(
    open_bench: OpenBench,
) -> None:
    bench = open_bench(explore=1.0)
    stocked(bench)
    records = many(bench, k=4)
    assert {record.mode for record in records} == {"learned"}
    assert len({record.served_ids[0] for record in records}) == 1
    assert len({record.served_ids[1:] for record in records}) > 5
    assert all(record.served[0].propensity == 1.0 for record in records)
    assert any(record.served[1].propensity < 1.0 for record in records)


def test_similaritys_own_first_item_keeps_its_place(open_bench: OpenBench) -> None:
    bench = open_bench(explore=1.0)
    stocked(bench)
    for record in many(bench, 30, k=4):
        kept = [c for c in record.served if c.place == 0]
        assert all(c.propensity == 1.0 for c in kept)
        assert kept or record.candidates[0].place != 0


def test_what_was_logged_replays_the_draw(open_bench: OpenBench) -> None:
    """From the recall's id, scores, masses and pool alone."""
    bench = open_bench(explore=0.7)
    stocked(bench)
    for record in many(bench, 20, k=4):
        found = logged_of(record)
        assert found is not None
        mass = np.array(
            [c.evidence_mass for c in (*record.served, *record.candidates[len(record.served) :])]
        )
        ranks = np.lexsort((found.places, -found.scores))
        pool = [int(number) for number in ranks if number in found.pool]
        again = draw(
            found.unexplored(),
            pool,
            found.scores,
            spreads(mass, 0.7),
            seeded(record.id, "exploration"),
        )
        assert again.order == found.served
        product = math.prod(again.propensities)
        assert found.propensity == pytest.approx(product, rel=1e-9)


def test_what_is_considered_does_not_depend_on_what_was_drawn(open_bench: OpenBench) -> None:
    """Otherwise the log could not say what another order would have led to."""
    bench = open_bench(explore=1.0)
    stocked(bench, 16)
    considered = {frozenset(c.item_id for c in record.candidates) for record in many(bench, k=3)}
    assert len(considered) == 1
    assert len(next(iter(considered))) == LOGGED


def test_an_item_that_just_failed_in_the_session_is_not_drawn(open_bench: OpenBench) -> None:
    bench = open_bench(explore=1.0)
    stocked(bench, advice=DISTINCT)
    answer = bench.recall(TASK, session="mine", k=3)
    bench.report("failure", recall_id=answer.recall_id, used_ids=[answer.items[1].id])
    failed = answer.items[1].id
    for _ in range(20):
        record = logged(bench, bench.recall(TASK, session="mine", k=3).recall_id)
        assert failed not in record.served_ids
        [held] = [c for c in record.candidates if c.item_id == failed]
        assert held.propensity == 0.0


def test_an_irrelevant_item_is_not_drawn(open_bench: OpenBench) -> None:
    """Nothing under the bar gets in by chance."""
    bench = open_bench(explore=1.0, bar=0.5)
    stocked(bench, 4)
    odd = [bench.remember(f"Zebra {n}", f"quokka wombat number{n}").id for n in range(3)]
    bar = bench.service.core.settings.bar
    checked = 0
    for record in many(bench, 30, k=3):
        for candidate in record.candidates:
            if candidate.item_id in odd and about_of(record, candidate)[0] < bar:
                assert (candidate.propensity, candidate.position) == (0.0, -1)
                checked += 1
    assert checked


@pytest.mark.parametrize("mode", ["shadow", "similarity"])
def test_modes_that_serve_similarity_never_explore(open_bench: OpenBench, mode: str) -> None:
    bench = open_bench(explore=1.0)
    stocked(bench)
    other = open_bench(mode, explore=1.0)
    other.now = bench.now
    records = many(other, 10, k=4)
    assert len({record.served_ids for record in records}) == 1
    assert {c.propensity for record in records for c in record.candidates} == {1.0}


def test_nothing_is_explored_before_the_first_outcome(open_bench: OpenBench) -> None:
    """The order without outcomes is similarity's, exactly."""
    bench = open_bench(explore=1.0)
    for n in range(6):
        bench.remember(f"Way {n}", f"Parse the dates in way {n}", task=TASK)
    records = many(bench, 8, k=4)
    assert {record.mode for record in records} == {"similarity"}
    assert all([c.place for c in record.served] == [0, 1, 2, 3] for record in records)


def test_a_check_is_never_explored(open_bench: OpenBench) -> None:
    bench = open_bench(explore=1.0)
    stocked(bench)
    for n in range(4):
        bench.remember(f"Trap {n}", f"Parse dates from a log by guess {n}", kind="pitfall")
    ids = {tuple(i.id for i in bench.check(action=TASK, session=f"c{n}").items) for n in range(10)}
    assert len(ids) == 1


def test_an_item_shown_by_exploration_says_so(open_bench: OpenBench) -> None:
    bench = open_bench(explore=1.0)
    stocked(bench)
    plain = set(many(bench, 1, k=3)[0].served_ids[:1])
    told = [
        item
        for n in range(30)
        for item in bench.recall(TASK, session=f"y{n}", k=3).items
        if item.why.endswith(TRIED)
    ]
    assert told
    assert not plain & {item.id for item in told}


def test_the_log_knows_both_orders(open_bench: OpenBench) -> None:
    """Similarity's own first as many are always in it, with their ranks."""
    bench = open_bench()
    stocked(bench, 16)
    for k in (1, 3, 6):
        record = many(bench, 1, k=k)[0]
        places = {c.place for c in record.candidates}
        assert set(range(len(record.served))) <= places
        assert min(places) >= 0


LESSON = "Don't retry a POST, it's not idempotent: send an idempotency key."


def test_four_spellings_of_one_lesson_take_one_place_of_an_answer(open_bench: OpenBench) -> None:
    bench = open_bench()
    spellings = (
        LESSON,
        f"- {LESSON}",
        f"**{LESSON}**",
        LESSON.upper(),
        LESSON.replace("retry", "re\u200btry").replace("'", "\u2019"),
    )
    ids = [bench.remember(text[:40], text, task="retry a POST").id for text in spellings]
    others = [
        bench.remember(text[:40], text, task="retry a POST").id
        for text in (LESSON.replace("Don't retry", "Retry"), LESSON.replace("POST", "PUT"))
    ]
    answer = bench.recall("retry a POST", k=6)
    served = [item.id for item in answer.items]
    assert len(served) == 3
    assert set(others) < set(served)
    assert len(set(served) & set(ids)) == 1
    places = [served.place for served in logged(bench, answer.recall_id).candidates]
    assert sorted(set(places)) == [0, 1, 2]


LOG = "2026-03-02 04:11:09 ERROR batch.importer - SQLException: {code}: see the trace file"


def test_the_only_lesson_with_the_code_of_the_task_is_first_and_check_warns_of_it(
    open_bench: OpenBench,
) -> None:
    bench = open_bench()
    for n in range(20):
        text = f"The nightly import stopped with ORA-{n + 1000:05}, nobody knows why."
        bench.remember(f"Import {n}", text, kind="pitfall")
    holder = bench.remember("Grants", "ORA-00942 comes of a missing grant.", kind="pitfall").id
    task = "the nightly import stopped with ORA-00942 and nobody knows why"
    assert bench.recall(task).items[0].id == holder
    assert bench.ids("ORA-00942")[0] == bench.ids("ora 00942")[0] == holder
    warned = bench.check(action="run it again", error=LOG.format(code="ORA-00942"))
    assert holder in [item.id for item in warned.items]
