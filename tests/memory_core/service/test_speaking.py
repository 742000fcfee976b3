"""How often the memory spoke is counted, and counted again from the log."""

from __future__ import annotations

from memory_core.caller import OWNER, Caller
from tests.memory_core.service.conftest import Bench, OpenBench

ODD = "Add a dark mode toggle to the settings page"


def worked(bench: Bench) -> str:
    """One answer that is followed, one that is not, one silence, one of each for a hook."""
    kept = bench.remember("Parse dates", "Give the date parser a format for the dates.").id
    task = "parse the dates with the date parser"
    first = bench.recall(task)
    bench.report("success", recall_id=first.recall_id, used_ids=[kept])
    second = bench.recall(task)
    bench.report("failure", recall_id=second.recall_id, used_ids=[])
    assert bench.recall(ODD).abstained
    assert bench.recall(task, door="prompt").items
    assert bench.recall(ODD, door="prompt").abstained
    bench.check(action=ODD)
    return first.recall_id


def test_silence_use_and_cost_are_counted_and_survive_a_restart(open_bench: OpenBench) -> None:
    bench = open_bench()
    worked(bench)
    said = bench.service.stats().speaking
    assert (said.recalls, said.silent, said.served) == (5, 2, 3)
    assert (said.judged, said.used) == (2, 1)
    assert said.prompts == 2
    assert 0 < said.tokens < 300
    assert open_bench().service.stats().speaking == said


def test_a_correction_counts_in_place_of_what_it_corrects(bench: Bench) -> None:
    recall_id = worked(bench)
    bench.report("failure", recall_id=recall_id, used_ids=[])
    said = bench.service.stats().speaking
    assert (said.judged, said.used) == (2, 0)


def test_who_sees_one_project_is_told_of_that_one(bench: Bench) -> None:
    worked(bench)
    other = Caller("t", "read", ("else",))
    assert bench.service.stats(other).speaking.recalls == 0
    assert bench.service.scorer(other).details.speaking.recalls == 0


def test_proof_tells_the_same_sums_as_stats(bench: Bench) -> None:
    worked(bench)
    for caller in (OWNER, Caller("t", "read", (bench.service.core.project,))):
        said = bench.service.stats(caller).speaking
        assert said.judged
        assert bench.service.scorer(caller).details.speaking == said
