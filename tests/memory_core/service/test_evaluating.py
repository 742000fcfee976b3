"""The replay: each scorer on logs whose truth is planted, and on a real store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit

from memory_core.model import OutcomeRecord, RecallRecord, Served
from memory_core.ports import StoredOutcome, StoredRecall
from memory_core.proof_answers import Evaluation, ScorerRow
from memory_core.scorer.experts import DENSE, EVIDENCE, EXPERTS, FUSED
from memory_core.scorer.exploring import draw, seeded, spreads
from memory_core.scorer.panel import Floats
from memory_core.service.evaluating import SCORERS, evaluate, replayed
from tests.memory_core.service.conftest import Bench

ATTENTION = np.array([0.6, 0.25, 0.15])
CANDIDATES = 6
FACTORS = {"fused": FUSED, "dense": DENSE, "evidence": EVIDENCE}


class Log:
    """A planted log: success follows the experts' values by `truth`, whatever was served."""

    def __init__(self, seed: int = 0, explore: float = 0.0, **truth: float) -> None:
        self.rng = np.random.default_rng(seed)
        self.explore = explore
        self.truth = np.zeros(len(EXPERTS))
        for name, weight in truth.items():
            self.truth[FACTORS[name]] = weight
        self.recalls: dict[str, RecallRecord] = {}
        self.outcomes: list[OutcomeRecord] = []
        self.chances: dict[str, list[float]] = {"similarity": [], "evidence": [], "learned": []}

    def chance(self, experts: Floats, chosen: Sequence[int]) -> float:
        return float(expit(ATTENTION @ experts[list(chosen)] @ self.truth))

    def play(self, reports: int, *, first_by_similarity: bool = False) -> Log:
        for n in range(reports):
            self._report(f"rec_{n}", n, first_by_similarity)
        return self

    def _report(self, recall_id: str, n: int, first_by_similarity: bool) -> None:
        experts = np.zeros((CANDIDATES, len(EXPERTS)))
        experts[:, FUSED] = np.sort(self.rng.normal(size=CANDIDATES))[::-1]
        experts[:, DENSE] = self.rng.normal(size=CANDIDATES)
        experts[:, EVIDENCE] = self.rng.uniform(-1, 1, size=CANDIDATES)
        scores = 0.5 * experts[:, FUSED] + experts[:, EVIDENCE]
        if first_by_similarity:
            scores[0] = 9.0
        scores = np.round(scores, 6)
        plain = tuple(int(i) for i in np.argsort(-scores, kind="stable")[:3])
        own = {"similarity": (0, 1, 2), "learned": plain}
        own["evidence"] = tuple(int(i) for i in np.argsort(-experts[:, EVIDENCE])[:3])
        order, propensities = plain, tuple([1.0] * len(plain))
        chances: dict[int, float] = {}
        if self.explore:
            pool = [i for i in np.argsort(-scores).tolist() if i not in (plain[0], 0)]
            noise = spreads(np.zeros(CANDIDATES), self.explore)
            drawn = draw(plain, pool, scores, noise, seeded(recall_id, "exploration"))
            order, propensities, chances = drawn.order, drawn.propensities, drawn.chances
        for name, chosen in own.items():
            self.chances[name].append(self.chance(experts, chosen))
        rest = [i for i in range(CANDIDATES) if i not in order]
        candidates = [
            Served(
                f"item_{n}_{i}",
                order.index(i) if i in order else -1,
                float(scores[i]),
                float(experts[i, DENSE]),
                tuple(experts[i]),
                propensity=(
                    propensities[order.index(i)]
                    if i in order
                    else chances.get(i, 0.0)
                    if self.explore
                    else 1.0
                ),
                place=i,
            )
            for i in (*order, *rest)
        ]
        self.recalls[recall_id] = RecallRecord(
            recall_id,
            "p",
            "task",
            float(n),
            candidates=tuple(candidates),
            mode="learned",
            facts=" ".join(EXPERTS),
        )
        reward = float(self.rng.random() < self.chance(experts, order))
        self.outcomes.append(
            OutcomeRecord(
                f"out_{n}",
                "p",
                "success" if reward else "failure",
                "success",
                reward,
                1.0,
                float(n),
                recall_id=recall_id,
                held_out=n % 10 == 9,
            )
        )

    def evaluated(self) -> Evaluation:
        recalls = {one.id: StoredRecall(one, None) for one in self.recalls.values()}
        outcomes = [(StoredOutcome(one, None), recalls[one.recall_id]) for one in self.outcomes]
        return replayed([*((one, None) for one in recalls.values()), *outcomes], 8)


def row(found: Evaluation, name: str) -> ScorerRow:
    return next(one for one in found.scorers if one.name == name)


def test_the_scorer_that_sees_the_cause_is_said_to_be_better_and_noise_worse() -> None:
    """Success follows the evidence; likeness of meaning says nothing."""
    found = Log(evidence=4.0, fused=0.3).play(400).evaluated()
    assert [one.name for one in found.scorers] == list(SCORERS)
    assert row(found, "evidence").verdict == "better"
    assert row(found, "learned").verdict == "better"
    assert row(found, "cosine").verdict != "better"
    assert row(found, "similarity").verdict == "base"
    assert row(found, "learned").log_loss < row(found, "similarity").log_loss
    learned, blind = row(found, "learned").auc, row(found, "cosine").auc
    assert learned is not None
    assert blind is not None
    assert learned > 0.65 > blind
    assert "better than similarity" in found.sentences[0]


def test_a_scorer_that_is_worse_is_said_to_be_worse() -> None:
    """Where similarity is the cause, nothing else keeps up with it."""
    found = Log(1, fused=3.0).play(400).evaluated()
    for name in ("cosine", "counters", "evidence"):
        assert row(found, name).verdict == "worse"
        assert row(found, name).gain < 0


def test_wins_losses_and_ties_are_all_reports() -> None:
    found = Log(2, evidence=2.0).play(120).evaluated()
    assert found.scored == found.outcomes == 120
    for one in found.scorers:
        assert one.wins + one.losses + one.ties == 120
    assert row(found, "similarity").ties == 120


def test_replay_without_exploration_says_that_it_is_only_that() -> None:
    found = Log(3, evidence=2.0).play(60).evaluated()
    assert (found.explored, found.policies) == (0, ())
    assert "only what was served can be replayed" in found.sentences[1]
    assert row(found, "learned").agrees == 1.0
    agreed = row(found, "similarity").agrees
    assert agreed is not None
    assert 0 < agreed < 1


def test_estimated_success_of_each_order_covers_the_planted_one() -> None:
    """Over 20 logs, with the intervals' own rate of misses."""
    covered = tried = 0
    for seed in range(20):
        log = Log(seed, explore=0.8, evidence=3.0).play(250, first_by_similarity=True)
        for one in log.evaluated().policies:
            if one.name in log.chances and one.interval is not None:
                # what was covered is decided by the query alone: the truth is its mean there
                tried += one.covered == 250
                truth = float(np.mean(log.chances[one.name]))
                covered += one.covered == 250 and one.interval[0] <= truth <= one.interval[1]
    assert tried >= 30
    assert covered >= 0.88 * tried


def test_order_that_would_have_led_to_less_is_said_to_be_worse() -> None:
    """Similarity's own order below the first, where only the evidence matters."""
    log = Log(5, explore=0.6, evidence=4.0).play(1_200, first_by_similarity=True)
    policies = {one.name: one for one in log.evaluated().policies}
    assert policies["similarity"].verdict == "worse"
    similarity, learned = policies["similarity"].success, policies["learned"].success
    assert similarity is not None
    assert learned is not None
    assert learned > similarity


def test_sets_with_another_first_item_are_not_estimated() -> None:
    """Position one is never explored: no estimate rests on a guess."""
    log = Log(6, explore=0.6, evidence=3.0).play(200)
    policies = {one.name: one for one in log.evaluated().policies}
    assert policies["similarity"].covered < log.evaluated().explored
    assert policies["learned"].covered == log.evaluated().explored


def test_too_little_exploration_gives_no_estimate() -> None:
    policies = Log(7, explore=0.5, evidence=2.0).play(20).evaluated().policies
    assert {one.verdict for one in policies} == {"too few"}
    assert {one.success for one in policies} == {None}


def test_corrections_and_unknown_outcomes_are_not_predicted_again() -> None:
    log = Log(8, evidence=2.0).play(40)
    corrected = replace(log.outcomes[3], id="out_again", reward=0.0, supersedes="out_3")
    unknown = replace(log.outcomes[4], id="out_unknown", strength=0.0, supersedes="out_4")
    log.outcomes += [corrected, unknown]
    found = log.evaluated()
    assert (found.outcomes, found.scored) == (42, 40)


def test_nothing_reported_is_one_sentence() -> None:
    found = replayed((), 8)
    assert (found.scorers, found.policies) == ((), ())
    assert found.sentences[0].startswith("Nothing to compare yet")


# -- a real store ------------------------------------------------------------------


@pytest.fixture
def used(bench: Bench, parsers: list[str]) -> Bench:
    """A store with reports of several kinds."""
    for n in range(24):
        answer = bench.recall(f"parse dates of kind {n % 3}", session=f"s{n}")
        first = answer.items[0]
        bench.report(
            "success" if "format" in first.title else "failure",
            recall_id=answer.recall_id,
            used_ids=[first.id],
        )
    bench.report("failure", task="parse dates", used_ids=[parsers[0]])
    bench.settle()
    return bench


def test_learned_scorer_of_the_replay_is_the_proofs_own(used: Bench) -> None:
    """The same predictions, bit for bit: held-out wins and losses agree."""
    trainer = used.service.core.trainer
    assert trainer is not None
    found = evaluate(used.service.core.store, "demo")
    live = trainer.learner.record
    assert found.outcomes == 25
    assert found.scored == live.reports == 24
    error = live.calibration_error
    learned = row(found, "learned")
    assert learned.calibration_error == error
    assert learned.gain == pytest.approx(float(np.mean(live.gains)), abs=1e-4)


def test_replay_of_a_real_store_changes_nothing_in_it(used: Bench) -> None:
    core = used.service.core

    def logged() -> tuple[list[str], list[str], list[str]]:
        store = core.store
        return (
            [stored.record.id for stored in store.outcomes()],
            [stored.record.id for stored in store.recalls()],
            [event.id for event in store.events()],
        )

    before, scorer, waiting = logged(), used.service.scorer(), core.store.sizes().unindexed
    evaluate(core.store, "demo")
    assert (logged(), used.service.scorer(), core.store.sizes().unindexed) == (
        before,
        scorer,
        waiting,
    )
