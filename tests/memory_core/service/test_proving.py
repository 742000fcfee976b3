"""The proof as the user reads it: whole, honest, and the same after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_core.proof_answers import ProofDetails
from memory_core.scorer.proof import Record
from memory_core.service.proving import SHOWN, verdict
from tests.memory_core.service.conftest import Bench, OpenBench

TASK = "parse dates of kind"


def stocked(bench: Bench) -> list[str]:
    """The wrong way lies nearest to the task; the right one is third."""
    titles = ["Parse dates of any kind by guessing", "Parse dates of any kind", "Give the format"]
    return [bench.remember(title, f"{title} it is.", task="parse dates").id for title in titles]


def played(bench: Bench, reports: int, **more: object) -> None:
    """Follow the first item; only giving the format works."""
    for n in range(reports):
        answer = bench.recall(f"{TASK} {n % 3}", session=f"s{n}")
        first = answer.items[0]
        good = first.title == "Give the format"
        bench.report(
            "success" if good else "failure",
            recall_id=answer.recall_id,
            used_ids=[first.id],
            **more,
        )
    bench.settle()


def details(bench: Bench) -> ProofDetails:
    return bench.service.scorer().details


def test_proof_names_what_moved_and_how_it_went(bench: Bench) -> None:
    ids = stocked(bench)
    played(bench, 30)
    found = details(bench)
    order = found.order
    assert order is not None
    assert order.same + order.changed == 30
    assert order.changed > 15
    assert sum(group.judged for group in order.groups) == order.changed
    assert found.history[-1] == (30, bench.service.scorer().weight)
    assert sum(row.reports for row in found.calibration) == 30
    assert 0 < len(found.moved) <= SHOWN
    best = found.moved[0]
    assert (best.item_id, best.title) == (ids[2], "Give the format")
    assert best.similarity_rank > best.served_rank == 1
    assert best.verdict == "well"
    assert best.task.startswith(TASK)
    assert bench.service.core.store.get_recall(best.recall_id) is not None


def test_strongest_expert_stands_first(bench: Bench) -> None:
    stocked(bench)
    played(bench, 20)
    decided = [push.decided for push in details(bench).pushes]
    assert decided == sorted(decided, reverse=True)
    assert decided[0] > 0


def test_pairs_come_from_labels(bench: Bench) -> None:
    """Helpful and harmful items of one answer, where similarity had them the other way."""
    ids = stocked(bench)
    played(bench, 8)
    for n in range(6):
        answer = bench.recall(f"{TASK} {n % 3}", session=f"l{n}")
        bench.report(
            "success", recall_id=answer.recall_id, helpful_ids=[ids[2]], harmful_ids=[ids[0]]
        )
    bench.settle()
    order = details(bench).order
    assert order is not None
    assert order.right > 0
    assert order.wrong == 0


def test_harmful_labels_are_listed_the_worst_first(bench: Bench) -> None:
    ids = stocked(bench)
    for n, harmful in enumerate([ids[0], ids[0], ids[1]]):
        bench.report("failure", task=f"task {n}", harmful_ids=[harmful])
    bench.report("success", task="other", helpful_ids=[ids[1]])
    bench.settle()
    harm = details(bench).harm
    assert harm is not None
    assert [(one.item_id, one.harmful, one.helpful) for one in harm.labelled] == [
        (ids[0], 2, 0),
        (ids[1], 1, 1),
    ]
    assert "2 items have a harmful label" in harm.sentence


def test_harm_names_the_report_and_its_first_item(bench: Bench) -> None:
    """What had worked fails: similarity, which expected less, saw it coming better."""
    stocked(bench)
    played(bench, 40)
    for n in range(8):
        answer = bench.recall(f"{TASK} {n % 3}", session=f"t{n}")
        bench.report("failure", recall_id=answer.recall_id, used_ids=[answer.items[0].id])
    bench.settle()
    harm = details(bench).harm
    assert harm is not None
    assert harm.reports > 0
    newest = harm.newest[0]
    assert newest.learned > newest.similarity
    assert newest.first_title
    assert newest.recall_id.startswith("rec_")
    assert "failed where similarity was the better warning" in harm.sentence


def test_nothing_reported_is_too_early_and_no_harm(bench: Bench) -> None:
    found = details(bench)
    assert "Too early" in found.verdict
    assert found.harm is not None
    assert found.harm.sentence == "No harm found."
    assert (found.history, found.moved, found.pushes) == ((), (), ())


def test_without_a_learner_the_verdict_says_so(open_bench: OpenBench) -> None:
    off = open_bench("similarity")
    assert details(off).verdict == "No verdict: the learner is off."
    loading = open_bench(model=False)
    assert details(loading).verdict == "No verdict: the learner is loading."


@pytest.mark.parametrize("checkpoint", ["kept", "lost"])
def test_proof_is_the_same_after_a_restart(
    bench: Bench, open_bench: OpenBench, tmp_path: Path, checkpoint: str
) -> None:
    """Live, rebuilt from the log, and checkpoint with the rest of the log: bit for bit."""
    stocked(bench)
    played(bench, 33)
    answer = bench.recall(f"{TASK} 1")
    bench.report("success", recall_id=answer.recall_id, harmful_ids=[answer.items[1].id])
    bench.settle()
    trainer = bench.service.core.trainer
    assert trainer is not None
    before, state = bench.service.scorer(), trainer.learner.record.state()
    bench.service.close()
    files = list((tmp_path / "store" / "learner").glob("checkpoint-*.safetensors"))
    assert files
    if checkpoint == "lost":
        for file in files:
            file.unlink()
    after = open_bench()
    again = after.service.core.trainer
    assert again is not None
    assert again.learner.record.state() == state
    assert after.service.scorer().details == before.details


# -- the verdict -------------------------------------------------------------------


def record_of(reports: int, learned: float, similarity: float = 0.5) -> Record:
    """Predictions that say `learned` of what happened."""
    record = Record()
    for n in range(reports):
        reward = float(n % 2)
        record.observe(
            learned if reward else 1 - learned,
            similarity if reward else 1 - similarity,
            reward,
            n % 10 == 9,
        )
    return record


def test_verdict_says_each_case_in_plain_words() -> None:
    assert "Too early" in verdict(record_of(3, 0.9))
    assert "Learning helps" in verdict(record_of(100, 0.9))
    assert "seems to help" in verdict(record_of(40, 0.9))
    assert "Not decided" in verdict(record_of(40, 0.5))
    assert "switched to zero" in verdict(record_of(100, 0.1))
    assert "held back to" in verdict(record_of(20, 0.49))
