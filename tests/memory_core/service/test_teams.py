"""Several report to one store: honest ones learn as one, and a foe among them does not win."""

from __future__ import annotations

from typing import Any

import pytest

from memory_core.answers import RecallAnswer
from memory_core.caller import OWNER, Caller
from memory_core.requests import OutcomeRequest, RecallRequest, parse
from tests.memory_core.service.conftest import Bench, OpenBench

TOPICS = ("dates", "queue", "retry", "cache")
FOE = Caller("foe", "write", None, trusted=False)


def token(name: str) -> Caller:
    return Caller(name, "write", None, trusted=False)


class Team:
    """Topics whose nearest memory is wrong; everybody follows what comes first."""

    def __init__(self, bench: Bench) -> None:
        self.bench, self.number = bench, 0
        self.right: dict[str, str] = {}
        for topic in TOPICS:
            bench.remember(f"solve the {topic} problem", f"Guess {topic}.")
            self.right[topic] = bench.remember(
                f"handle {topic} with a tool", f"Use the {topic} tool."
            ).id

    def served(self, topic: str, caller: Caller = OWNER) -> RecallAnswer:
        self.number += 1
        asked = {"task": f"solve the {topic} problem", "session": f"s{self.number}"}
        return self.bench.service.recall(parse(RecallRequest, asked), caller)

    def report(
        self, caller: Caller, topic: str, outcome: str = "", used: int = 0, *, pace: float = 3_600
    ) -> Any:
        self.bench.now += pace
        answer = self.served(topic, caller)
        first = answer.items[used].id
        told = outcome or ("success" if first == self.right[topic] else "failure")
        given = {"recall_id": answer.recall_id, "outcome": told, "used_ids": [first]}
        found = self.bench.service.report_outcome(parse(OutcomeRequest, given), caller)
        self.bench.settle()
        return found

    def right_first(self) -> float:
        self.bench.now += 7_200
        firsts = [self.served(topic).items[0].id == self.right[topic] for topic in TOPICS]
        return sum(firsts) / len(firsts)

    @property
    def weight(self) -> float:
        trainer = self.bench.service.core.trainer
        assert trainer is not None
        return trainer.learner.snapshot.weight


def test_two_even_tokens_learn_as_one_owner(bench: Bench) -> None:
    team = Team(bench)
    answers = [team.report(token(f"t{n % 2}"), TOPICS[n // 2 % len(TOPICS)]) for n in range(48)]
    assert team.right_first() == 1.0
    trusts = [bench.service.core.reports.by_id[a.outcome_id].trust for a in answers]
    assert min(trusts[-8:]) > 0.1, "only the day's like reports make it less"


def test_twenty_false_failures_of_a_token_change_nothing_for_the_others(bench: Bench) -> None:
    team = Team(bench)
    for n in range(60):
        team.report(token(f"t{n % 3}"), TOPICS[n % len(TOPICS)])
    before = team.right_first()
    assert team.weight == 1.0
    for n in range(20):
        team.report(FOE, TOPICS[n % len(TOPICS)], "failure")
    assert team.right_first() >= before > 0.5
    assert team.weight > 0.7


def test_false_successes_of_what_is_wrong_do_not_turn_the_order(bench: Bench) -> None:
    team = Team(bench)
    for n in range(60):
        team.report(OWNER, TOPICS[n % len(TOPICS)])
    before = team.right_first()
    for n in range(20):
        team.report(FOE, TOPICS[n % len(TOPICS)], "success", used=1)
    assert team.right_first() >= before > 0.5
    assert team.weight > 0.7


@pytest.mark.parametrize("count", [1, 3])
def test_even_tokens_and_one_alone_teach_in_full_as_the_owner(bench: Bench, count: int) -> None:
    team = Team(bench)
    for n in range(24):
        team.report(token(f"t{n % count}"), TOPICS[n // 3 % len(TOPICS)], pace=30_000)
    assert {one.trust for one in bench.service.core.reports.by_id.values()} == {1.0}


@pytest.mark.parametrize("outcome", ["failure", "success"])
@pytest.mark.parametrize("foes", [1, 5])
def test_false_reports_have_their_share_of_every_fold_and_no_more(
    bench: Bench, outcome: str, foes: int
) -> None:
    """Forty of them a minute apart, after sixty honest ones: two fifths of all."""
    team = Team(bench)
    for n in range(60):
        team.report(token(f"t{n % 3}"), TOPICS[n % len(TOPICS)])
    core = bench.service.core
    assert core.trainer is not None
    learner = core.trainer.learner
    before, weight = team.right_first(), team.weight
    for n in range(40):
        foe, topic = token(f"foe {n % foes}"), TOPICS[n // foes % len(TOPICS)]
        team.report(foe, topic, outcome, int(outcome == "success"), pace=60)
    told = core.reports.by_id.values()

    def share_of(weights: list[tuple[str, float]]) -> float:
        false = sum(weight for source, weight in weights if source.startswith("foe"))
        return false / sum(weight for _, weight in weights)

    share = share_of([(one.source, one.trust) for one in told])
    assert 0 < share < 1 / 4
    credits = [(one.source, credit.weight) for one in told for credit in one.credits]
    assert share_of(credits) < share + 0.05, "credits, and the evidence and standing of them"
    stack = [(row.source, row.share) for row in learner.stack.rows]
    assert share_of(stack) < share + 0.05
    for fold, sources in {
        "proof": learner.record.sources,
        "replay": [memory.source for memory in learner.reservoir.memories],
    }.items():
        assert share_of([(one, 1.0) for one in sources]) < share + 0.05, fold
    assert sum(one.source.startswith("foe") for one in learner.gate.held) <= 2
    assert learner.record.reports == len(learner.record.predictions) < 60 + 20
    assert team.weight >= weight - share
    assert team.right_first() >= before - share


def test_a_flood_of_one_item_fills_no_counter(bench: Bench) -> None:
    item = bench.remember("parse dates").id
    for _ in range(80):
        bench.service.report_outcome(
            parse(OutcomeRequest, {"outcome": "failure", "task": "x", "harmful_ids": [item]}), FOE
        )
    assert bench.show(item).losses < 20
    assert len(bench.show(item).outcomes) > 0, "nothing stored is lost"
    assert bench.service.core.tally.reports() == 80


def test_a_flood_of_failures_makes_no_large_cluster(bench: Bench) -> None:
    for n in range(80):
        told = {"outcome": "failure", "task": "deploy", "error": f"ValueError: port {n} is closed"}
        bench.service.report_outcome(parse(OutcomeRequest, told), FOE)
    assert sum(one.seen for one in bench.service.core.notebook.clusters("demo")) < 20


def test_several_sources_are_learned_alike_after_a_restart(open_bench: OpenBench) -> None:
    team = Team(open_bench())
    for n in range(30):
        team.report((OWNER, token("a"), token("b"))[n % 3], TOPICS[n % len(TOPICS)])
    core = team.bench.service.core
    assert core.trainer is not None
    before = core.trainer.learner.record.state(), team.weight
    counts = {item: core.tally.of(item).won for item in team.right.values()}
    again = open_bench().service.core
    assert again.trainer is not None
    learner = again.trainer.learner
    assert (learner.record.state(), learner.snapshot.weight) == before
    assert {item: again.tally.of(item).won for item in team.right.values()} == counts


def test_a_claimed_source_is_no_token_and_the_report_is_kept(bench: Bench) -> None:
    for name in ("system", "oauth:admin"):
        answer = bench.report("success", task="x", source=name)
        assert bench.service.core.reports.by_id[answer.outcome_id].source == f"claimed:{name}"
    item = bench.remember("t", source="codex").id
    assert bench.show(item).source == "codex"
