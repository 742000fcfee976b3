"""The notebook learns from outcomes which failures have the same cause.

The life of these tests: a driver that complains of unknown names in one and the
same sentence. Which lesson helps goes by the name alone.
"""

from __future__ import annotations

import numpy as np
import pytest

from memory_core.answers import FailureWarning
from memory_core.requests import MistakesRequest
from memory_core.scorer.causes import PLAIN
from memory_core.service import likeness as likeness_module
from memory_core.service.conditions import FailureText
from memory_core.service.likeness import EVERY, CauseTrainer
from memory_core.service.relating import Telling
from tests.memory_core.hash_embedder import HashEmbedder
from tests.memory_core.service.conftest import Bench, OpenBench
from tests.patience import PATIENCE

NAMES = ("colour", "weight", "height", "owner_name")
PLACES = ("field list", "where clause", "order clause")
TASKS = ("list the dogs", "count the cars by maker", "show the oldest singer", "sum all prices")


def error(name: str, place: str = "field list") -> str:
    return f"Error executing query: Unknown column '{name}' in '{place}'"


def settle(bench: Bench) -> None:
    bench.settle()
    causes = bench.service.core.notebook.causes
    assert causes is not None
    assert causes.settle(PATIENCE)


def live(bench: Bench, rounds: int = 24) -> None:
    """Fail with every name in turn, in other words and tasks; each name has its one remedy."""
    remedies = {
        name: bench.remember(f"Unknown column {name}", f"Use {name}_code in place of {name}.").id
        for name in NAMES
    }
    for number in range(rounds):
        for shift, name in enumerate(NAMES):
            group = f"{number} {name}"
            task = f"{TASKS[(number + shift) % len(TASKS)]} of list {number}"
            bench.now += 3600.0
            told = error(name, PLACES[number % 2 + shift // 2])
            bench.report("failure", task=task, error=told, attempt_group=group)
            bench.report("success", task=task, used_ids=[remedies[name]], attempt_group=group)
    settle(bench)


def first(bench: Bench, name: str, **more: str) -> FailureWarning | None:
    warnings = bench.check(action="rank the shops", error=error(name), **more).warnings
    return warnings[0] if warnings else None


def test_near_identical_errors_of_other_causes_are_told_apart_after_outcomes(bench: Bench) -> None:
    """Before: one heap for all names. After: each name is warned of with its own words."""
    for name in NAMES:
        bench.report("failure", task="list the dogs", error=error(name))
    heap = first(bench, NAMES[3])
    assert heap is not None
    assert NAMES[0] in heap.summary
    live(bench)
    for name in NAMES:
        warning = first(bench, name)
        assert warning is not None
        assert f"'{name}'" in warning.summary
    assert first(bench, "length") is None  # nobody failed of this one


def test_the_same_cause_elsewhere_is_found(bench: Bench) -> None:
    """In a clause where only others failed, in another task: the name decides."""
    live(bench)
    warnings = bench.check(
        action="delete every invoice", error=error("weight", "order clause")
    ).warnings
    assert warnings
    assert "'weight'" in warnings[0].summary
    assert bench.recall("delete every invoice", error=error("weight", "order clause")).warnings


def test_clusters_are_told_by_causes_once_it_is_proven(bench: Bench) -> None:
    """The heap that was formed before is split; every failure is counted once."""
    bench.report("failure", task="list the dogs", error=error(NAMES[0]))
    assert len(bench.service.reading.mistakes(MistakesRequest()).clusters) == 1
    live(bench)
    clusters = bench.service.reading.mistakes(MistakesRequest()).clusters
    assert {name for name in NAMES for c in clusters if f"'{name}'" in c.summary} == set(NAMES)
    assert sum(cluster.seen for cluster in clusters) == 24 * len(NAMES) + 1
    assert len({cluster.signature_id for cluster in clusters}) == len(clusters)


def test_without_outcomes_it_is_the_plain_rule_exactly(open_bench: OpenBench) -> None:
    """Failures alone teach nothing: the same warnings as with learning switched off."""
    bench = open_bench()
    for number in range(3 * EVERY):
        name = NAMES[number % len(NAMES)]
        bench.report("failure", task=TASKS[number % 3], error=error(name, f"clause {number}"))
    settle(bench)
    likeness = bench.service.core.notebook.likeness
    assert likeness.metric is None
    assert likeness.learned is None or np.array_equal(
        likeness.learned.metric.weights, PLAIN.weights
    )
    asked = [bench.check(error=error(name)).warnings for name in (*NAMES, "length")]
    plain = open_bench("similarity")
    plain.now = bench.now
    assert asked == [plain.check(error=error(name)).warnings for name in (*NAMES, "length")]


def test_learning_switched_off_learns_no_causes(open_bench: OpenBench) -> None:
    bench = open_bench("similarity")
    assert bench.service.core.notebook.causes is None


def test_a_restart_gives_the_same_metric_warnings_and_clusters(
    bench: Bench, open_bench: OpenBench
) -> None:
    """What was learned is a function of the log: to the bit."""
    live(bench)
    asked = [first(bench, name) for name in NAMES]
    clusters = bench.service.reading.mistakes(MistakesRequest()).clusters
    learned = bench.service.core.notebook.likeness.learned
    after = open_bench()
    after.now = bench.now
    settle(after)
    again = after.service.core.notebook.likeness.learned
    assert learned is not None
    assert again is not None
    assert again.metric.weights.tobytes() == learned.metric.weights.tobytes()
    assert again.standing == learned.standing
    assert [first(after, name) for name in NAMES] == asked
    assert after.service.reading.mistakes(MistakesRequest()).clusters == clusters


def test_reports_from_before_the_model_are_learned_from_when_it_comes(
    open_bench: OpenBench,
) -> None:
    bench = open_bench(model=False)
    remedy = bench.remember("Unknown column", "Use another.").id
    for number in range(EVERY):
        told = {"task": f"list {number}", "attempt_group": str(number)}
        bench.report("failure", error=error(NAMES[number % 4]), **told)
        bench.report("success", used_ids=[remedy], **told)
    bench.attach()
    settle(bench)
    learned = bench.service.core.notebook.likeness.learned
    assert learned is not None
    assert learned.failures == EVERY


def test_a_corrected_failure_is_no_longer_compared_with(bench: Bench) -> None:
    live(bench)
    report = {"task": "rank the shops", "report_id": "r", "error": error("height")}
    bench.report("failure", **report)
    seen = first(bench, "height")
    bench.report("success", **report)
    left = first(bench, "height")
    assert seen is not None
    assert left is not None
    assert left.seen == seen.seen - 1


def test_projects_do_not_see_each_others_failures(bench: Bench) -> None:
    live(bench)
    assert first(bench, "colour", project="another") is None


def test_what_is_compared_with_is_bounded(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likeness_module, "COMPARED", 10)
    monkeypatch.setattr(likeness_module, "HELD", 15)
    for number in range(40):
        project = "one" if number % 2 else "two"
        bench.report("failure", task="list", error=error(f"name{number}"), project=project)
    held = bench.service.core.notebook.likeness
    assert sum(len(each.members) for each in held._projects.values()) == len(held._order) == 15
    assert max(len(each.members) for each in held._projects.values()) <= 10


def test_a_failure_that_cannot_be_embedded_leaves_what_was_learned(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread lives on, and matching goes on as before."""
    live(bench)
    before = bench.service.core.notebook.likeness.metric
    causes = bench.service.core.notebook.causes
    assert causes is not None
    monkeypatch.setattr(causes._embedder, "embed_query", lambda text: 1 / 0)
    text = FailureText("task", "KeyError: 'new'", None)
    none: frozenset[str] = frozenset()
    with bench.service.core.lock:
        for number in range(EVERY):
            telling = Telling(
                str(number), "demo", "", text, None, none, none, frozenset("a"), 1.0, held_out=False
            )
            causes.observe(str(number), telling)
    assert causes.settle(PATIENCE)
    assert "learning the causes of failures failed" in caplog.text
    assert bench.service.core.notebook.likeness.metric is before


def test_closing_stops_the_thread() -> None:
    causes = CauseTrainer(HashEmbedder(8), lambda learned, view: None)
    causes.start()
    thread = causes._thread
    causes.close(60)
    assert thread is not None
    assert not thread.is_alive()
    causes.observe("late", None)
