"""The no-memory holdout: who is withheld, what is counted, and that nothing is learned of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from memory_core.model import OutcomeRecord, RecallRecord
from memory_core.ports import StoredOutcome, StoredRecall
from memory_core.requests import MistakesRequest
from memory_core.service.fold import NOWHERE, LogPlace
from memory_core.service.holdout import Holdout, withholds
from tests.memory_core.service.conftest import Bench, OpenBench

TASK = "parse dates"


def stocked(bench: Bench) -> None:
    for n in range(3):
        bench.remember(f"Way {n}", f"Parse the dates in way {n}", task=TASK)


def withheld_recall(bench: Bench) -> str:
    """The id of the first recall that is withheld."""
    for n in range(200):
        answer = bench.recall(TASK, session=f"w{n}")
        if answer.mode == "withheld":
            return answer.recall_id
    raise AssertionError("none of 200 recalls was withheld")


def test_share_of_recalls_withheld_is_the_setting() -> None:
    for share in (0.0, 0.1, 0.5):
        drawn = [withholds(f"rec_{n}", share) for n in range(4_000)]
        assert np.mean(drawn) == pytest.approx(share, abs=0.03)
    assert withholds("rec_7", 0.3) == withholds("rec_7", 0.3)


def test_nothing_is_withheld_by_default(bench: Bench) -> None:
    stocked(bench)
    answers = [bench.recall(TASK, session=f"s{n}") for n in range(20)]
    assert all(answer.items for answer in answers)
    assert bench.service.scorer().details.memory is None


def test_withheld_recall_has_no_items_and_no_warnings_and_says_why(open_bench: OpenBench) -> None:
    bench = open_bench(holdout=0.5)
    stocked(bench)
    bench.report("failure", task=TASK, error="ValueError: bad date")
    for n in range(40):
        answer = bench.recall(TASK, session=f"s{n}", error="ValueError: bad date")
        if answer.mode != "withheld":
            assert answer.items
            assert answer.warnings
            continue
        assert (answer.items, answer.warnings) == ((), ())
        assert not answer.abstained
        assert "holdout" in answer.note
        assert "LESSONBANK_HOLDOUT" in answer.note
        record = bench.service.core.store.get_recall(answer.recall_id)
        assert record is not None
        assert (record.record.withheld, record.record.holdout) == (True, 0.5)
        assert record.record.served == ()
        assert len(record.record.candidates) == 3


def test_recall_with_nothing_to_serve_is_in_neither_group(open_bench: OpenBench) -> None:
    """An empty store has nothing to withhold."""
    bench = open_bench(holdout=0.5)
    answers = [bench.recall(TASK, session=f"s{n}") for n in range(10)]
    assert {answer.mode for answer in answers} == {"similarity"}
    for answer in answers:
        bench.report("success", recall_id=answer.recall_id)
    assert bench.service.scorer().details.memory is None


def test_withheld_outcome_teaches_nothing(open_bench: OpenBench) -> None:
    """Neither order, nor weights, nor mistakes, nor counters of items move."""
    bench = open_bench(holdout=0.5)
    stocked(bench)
    for n in range(6):
        answer = bench.recall(TASK, session=f"s{n}")
        bench.report("success" if n % 2 else "failure", recall_id=answer.recall_id)
    recall_id = withheld_recall(bench)
    bench.settle()
    trainer = bench.service.core.trainer
    assert trainer is not None
    before = trainer.learner
    weights, record = before.snapshot.fit, before.record.state()
    rows, steps = list(before.stack.rows), before.networks.step
    mistakes = bench.service.reading.mistakes(MistakesRequest()).clusters
    items = [(line.id, line.wins, line.losses) for line in bench.lessons().items]
    bench.report("failure", recall_id=recall_id, error="ValueError: something new")
    bench.settle()
    assert trainer.learner.record.state() == record
    assert trainer.learner.stack.rows == rows
    assert trainer.learner.networks.step == steps
    if trainer.learner.reports % 5:
        assert trainer.learner.snapshot.fit is weights
    assert bench.service.reading.mistakes(MistakesRequest()).clusters == mistakes
    assert [(line.id, line.wins, line.losses) for line in bench.lessons().items] == items


def test_comparison_shows_what_memory_did_and_survives_a_restart(open_bench: OpenBench) -> None:
    bench = open_bench(holdout=0.5)
    stocked(bench)
    for n in range(60):
        answer = bench.recall(TASK, session=f"s{n}")
        bench.report("success" if answer.items else "failure", recall_id=answer.recall_id)
    bench.settle()
    gain = bench.service.scorer().details.memory
    assert gain is not None
    assert gain.with_memory + gain.without_memory == 60
    assert (gain.with_success, gain.without_success) == (gain.with_memory, 0)
    assert gain.difference == 1.0
    assert gain.interval[0] > 0
    assert "memory helps" in gain.sentence
    after = open_bench(holdout=0.5)
    assert after.service.scorer().details.memory == gain


# -- the fold ----------------------------------------------------------------------


def recall(n: int, *, withheld: bool, share: float = 0.2, at: float | None = None) -> RecallRecord:
    return RecallRecord(
        f"rec_{n}",
        "p",
        "task",
        float(n) if at is None else at,
        mode="withheld" if withheld else "learned",
        holdout=share,
    )


def outcome(reward: float, strength: float = 0.6) -> OutcomeRecord:
    return OutcomeRecord("out", "p", "success", "success", reward, strength, 0.0)


def told(
    holdout: Holdout, asked: RecallRecord, one: OutcomeRecord, earlier: OutcomeRecord | None = None
) -> None:
    """Let a fold take the outcome of a recall, in place of an earlier one."""
    place = LogPlace(StoredRecall(asked, None), owner=asked.id, earlier=earlier)
    holdout.take(place, StoredOutcome(one, None))


def played(*asked: tuple[RecallRecord, OutcomeRecord | None]) -> Holdout:
    """Recalls in the order of their times, each with its outcome or without one."""
    holdout = Holdout()
    for one, _ in asked:
        holdout.take(NOWHERE, StoredRecall(one, None))
    for one, ended in asked:
        if ended is not None:
            told(holdout, one, ended)
    return holdout


def test_correction_takes_the_place_of_the_earlier_outcome() -> None:
    asked = recall(1, withheld=True)
    holdout = played((asked, outcome(1.0)))
    told(holdout, asked, outcome(0.0), earlier=outcome(1.0))
    group = holdout.withheld
    assert (group.recalls, group.reported, group.success) == (1, 1, 0)


def test_unknown_and_distrusted_outcomes_are_not_counted() -> None:
    holdout = played(
        (recall(1, withheld=False), outcome(0.5, strength=0.0)),
        (recall(2, withheld=False), replace(outcome(1.0), trust=0.0)),
    )
    assert (holdout.served.recalls, holdout.served.reported) == (2, 0)


def test_a_flood_counts_by_what_it_is_trusted_and_comes_out_as_it_went_in() -> None:
    flood = [(recall(n, withheld=False), replace(outcome(1.0), trust=0.1)) for n in range(30)]
    holdout = played(*flood)
    assert (holdout.served.reported, holdout.served.success) == (3, 3)
    for asked, one in flood:
        told(holdout, asked, outcome(0.0, strength=0.0), earlier=one)
    assert (holdout.served.reported, holdout.served.success) == (0, 0)


def test_count_begins_anew_when_the_share_changes() -> None:
    """Late reports of recalls with the old share do not come back in, live or folded."""
    old = [recall(n, withheld=n == 0) for n in range(4)]
    new = recall(9, withheld=False, share=0.4)
    folded = played(*[(one, outcome(1.0)) for one in (*old, new)])
    live = Holdout()
    for one in old[:3]:
        live.take(NOWHERE, StoredRecall(one, None))
        told(live, one, outcome(1.0))
    for one in (old[3], new):
        live.take(NOWHERE, StoredRecall(one, None))
    for one in (new, old[3]):
        told(live, one, outcome(1.0))
    assert live == folded
    gain = live.gain()
    assert gain is not None
    assert (gain.share, gain.with_memory, gain.without_memory) == (0.4, 1, 0)
    assert "no comparison yet" in gain.sentence


def test_share_that_comes_back_does_not_bring_its_old_recalls_back() -> None:
    first, between = recall(1, withheld=True), recall(2, withheld=False, share=0.4)
    again = recall(3, withheld=False)
    holdout = played((first, outcome(1.0)), (between, None), (again, outcome(1.0)))
    gain = holdout.gain()
    assert gain is not None
    assert (gain.share, gain.with_memory, gain.without_memory) == (0.2, 1, 0)


def test_recalls_from_before_the_holdout_are_in_neither_group() -> None:
    """They were not drawn by lot."""
    assert played((recall(1, withheld=False, share=0.0), outcome(1.0))).gain() is None


@pytest.mark.parametrize(
    ("helped", "without", "said"),
    [(0.9, 0.3, "memory helps"), (0.3, 0.9, "memory harms"), (0.5, 0.5, "not decided yet")],
)
def test_verdict_follows_the_interval(helped: float, without: float, said: str) -> None:
    asked = []
    for n in range(100):
        is_withheld = n % 2 == 0
        success = (n // 2) < 50 * (without if is_withheld else helped)
        asked.append((recall(n, withheld=is_withheld), outcome(float(success))))
    gain = played(*asked).gain()
    assert gain is not None
    assert said in gain.sentence
    assert "With care" not in gain.sentence


def test_groups_that_are_not_reported_alike_are_warned_of() -> None:
    """An agent that reports only what it followed leaves the withheld ones out."""
    asked = [(recall(n, withheld=n % 4 == 0), outcome(1.0) if n % 4 else None) for n in range(80)]
    gain = played(*asked).gain()
    assert gain is not None
    assert gain.difference is None
    assert "With care: 60 of 60 recalls with memory were reported, 0 of 20" in gain.sentence
