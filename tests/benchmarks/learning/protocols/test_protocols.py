"""The protocols measure what they say, on small sizes and with a stand-in for the model."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning import embeddings
from benchmarks.learning.baselines.fixed import Hybrid
from benchmarks.learning.learner_rival import LearnerRival
from benchmarks.learning.protocols import credit, forgetting, ground, poisoning, recovery, teams
from benchmarks.learning.protocols.__main__ import PROTOCOLS, main, table
from benchmarks.learning.protocols.ground import Figures, Maker, Sizes
from benchmarks.learning.streams.simulator.truth import IRRELEVANT
from tests.memory_core.hash_embedder import HashEmbedder

TINY = Sizes(reports=40, warm=30, held_out=24, quick=True)
CHOSEN = (Hybrid.name, "ACE counters")


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only our learner, one similarity and one counter."""
    every = ground.makers

    def some(chosen: tuple[str, ...] = ()) -> dict[str, Maker]:
        return every(CHOSEN)

    for part in (forgetting, recovery, poisoning, credit):
        monkeypatch.setattr(part, "makers", some)


@pytest.fixture
def embedder() -> HashEmbedder:
    return HashEmbedder(64)


def finite(found: dict[str, Figures]) -> bool:
    return all(math.isfinite(value) for figures in found.values() for value in figures.values())


def test_every_ranker_is_found_by_name() -> None:
    assert len(ground.makers()) == 14
    for name, maker in ground.makers().items():
        assert maker(8, 0).name == name
    assert set(ground.makers(CHOSEN)) == {LearnerRival.name, *CHOSEN}


def test_forgetting_is_none_where_nothing_is_learned(embedder: HashEmbedder) -> None:
    found = forgetting.measure(0, embedder, TINY)
    assert finite(found)
    assert found[Hybrid.name]["end loss"] == found[Hybrid.name]["worst loss"] == 0.0
    assert found[forgetting.CONTROL]["before"] != found[forgetting.CONTROL]["untrained"]
    assert all(figures["worst loss"] >= figures["end loss"] for figures in found.values())


def test_the_control_unlearns_under_a_conflicting_shift() -> None:
    sizes = Sizes(reports=300, held_out=96)
    here = ground.ground(0, HashEmbedder(256), tasks=800, held_out=192, conflict=True)
    first, then, kept = forgetting._split(here, sizes)
    assert {task.group for task in first}.isdisjoint(task.group for task in then)
    assert {task.group for task in kept} <= {task.group for task in first}
    lost = forgetting._lost(here, forgetting.Forgetful(256), first, then, kept)
    assert lost["before"] > lost["untrained"]
    assert lost["worst loss"] > forgetting.LIMIT


def test_recovery_counts_more_with_every_retry(embedder: HashEmbedder) -> None:
    found = recovery.measure(0, embedder, TINY)
    assert finite(found)
    assert len(found) == 3 * 2 * 3
    for figures in found.values():
        assert figures["within 1"] <= figures["within 2"] <= figures["within 3"]
    ours = found[f"advice, cold: {LearnerRival.name}"]
    plain = found[f"advice, cold: {Hybrid.name}"]
    assert ours["first attempt"] == plain["first attempt"]
    assert ours["within 1"] > plain["within 1"]


def test_retries_leave_the_ranker_as_it_was(embedder: HashEmbedder) -> None:
    here = ground.ground(0, embedder, tasks=10, held_out=6)
    rival = LearnerRival(64, 0)
    assert recovery._within(here, rival) == recovery._within(here, rival)
    assert rival.learner.reports == 0


def test_poison_harms_no_fixed_order_and_the_quota_shields(embedder: HashEmbedder) -> None:
    found = poisoning.measure(0, embedder, TINY)
    assert finite(found)
    assert found[Hybrid.name]["global loss"] == found[Hybrid.name]["victim loss"] == 0.0
    assert found[LearnerRival.name]["before"] == found[poisoning.UNPROTECTED]["before"]
    assert found[LearnerRival.name] != found[poisoning.UNPROTECTED]
    assert found["ACE counters"]["global loss"] > found["ACE counters"]["global loss, bare flag"]


def test_a_fake_names_the_worst_of_what_was_served(embedder: HashEmbedder) -> None:
    here = ground.ground(0, embedder, tasks=5, held_out=5)
    rival = LearnerRival(64, 0)
    poisoning._fake(here, rival, here.tasks[:1], "a stranger")
    slate = here.slates.of(here.tasks[0])
    values = here.truth.utilities(here.tasks[0], slate.keys[:3])
    mass = rival.ranking(slate).mass[:3]
    assert int(np.argmax(mass)) == int(np.argmin(values))


def test_planted_sets_have_one_cause(embedder: HashEmbedder) -> None:
    here = ground.ground(0, embedder, tasks=20, held_out=5)
    slates = [(task, here.slates.of(task)) for task in here.tasks]
    found = [(t, s) for t, s in slates if here.truth.utilities(t, s.keys).max() > 0.8]
    assert len(found) > 15, "what is right is nearly always among the candidates"
    for task, slate in found:
        right, wrong, others = credit.planted(here, slate, task)
        values = here.truth.utilities(task, slate.keys)
        assert values[right] > 0.8
        assert values[wrong] < -0.5
        assert all(values[row] != IRRELEVANT for row in others)
        assert not {right, wrong} & set(others)


def test_a_record_tells_causes_from_bystanders(embedder: HashEmbedder) -> None:
    found = credit.measure(0, embedder, Sizes(reports=240, held_out=48))
    assert finite(found)
    assert found["ACE counters"]["area"] > 0.75
    assert found[LearnerRival.name]["area"] > 0.65
    assert 0.3 < found[Hybrid.name]["area"] < 0.7
    assert f"{credit.WHOLE} (standing)" in found


def test_a_team_reports_through_the_product_and_fakes_are_what_they_say(
    embedder: HashEmbedder,
) -> None:
    with teams.opened(embedder, 0) as team:
        for number in range(6):
            team.honest(teams.even(2)(number))
        assert team.weight == 1.0
        assert set(team.right()) == set(teams.TOPICS)
        team.fake(teams.token("foe"), teams.TOPICS[0], "success")
    first = [teams.heavy(10)(number).source for number in range(20)]
    assert first.count("token 0") == 18
    assert len({teams.newcomer(4)(number).source for number in range(4)}) == 2


def test_the_table_has_means_and_errors() -> None:
    runs = [{"one": {"loss": 0.1}}, {"one": {"loss": 0.3}}]
    made = table(PROTOCOLS["forgetting"], runs)
    assert made.columns == ("ranker", "loss")
    assert made.rows == (("one", "0.200 ±0.100"),)
    assert table(PROTOCOLS["forgetting"], runs[:1]).rows == (("one", "0.100"),)


def test_the_command_prints_a_table_and_writes_every_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(embeddings, "served_model", lambda _: HashEmbedder(64))
    file = tmp_path / "found.json"
    assert main(["credit", "--seeds", "2", "--quick", "--json", str(file)]) == 0
    assert "credit: who caused the outcome" in capsys.readouterr().out
    found = json.loads(file.read_text(encoding="utf-8"))
    assert list(found["protocols"]) == ["credit"]
    assert len(found["protocols"]["credit"]["seeds"]) == 2
    assert 0 <= found["protocols"]["credit"]["seeds"][1]["ACE counters"]["area"] <= 1


def test_an_unknown_protocol_is_refused() -> None:
    with pytest.raises(SystemExit):
        main(["gossip"])
