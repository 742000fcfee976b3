"""The scripts that a run plays: the whole loop, and an answer without any call."""

from __future__ import annotations

from tests.clients.model.script import TASK, Script, Step, outcome_id, recall_id
from tests.clients.model.turn import JSON, Turn

ANSWER = "The billing service is healthy on staging."
SEED = (
    "Read the billing chart's values before a deploy to staging",
    "The billing service's staging cluster has its own helm values: deploy with -f staging.yaml.",
)
"""Title and content of the lesson that is there before a client starts."""


def loop(title: str, *, strict: bool = False) -> Script:
    """Give the loop of a task: recall, report its outcome, remember what was new.

    Args:
        title: Of the lesson, by which a run finds it again.
        strict: Whether every argument has to be filled in.
    """

    def report(turn: Turn) -> JSON:
        evidence = {"exit_code": 0}
        return {"recall_id": recall_id(turn), "outcome": "success", "evidence": evidence}

    def lesson(turn: Turn) -> JSON:
        content = "Run helm upgrade --install with --wait --timeout 5m, then curl /healthz."
        told = {"title": title, "content": content, "kind": "strategy"}
        return {**told, "outcome_id": outcome_id(turn)}

    steps = (
        Step("recall", lambda turn: {"task": TASK}),
        Step("report_outcome", report),
        Step("remember", lesson),
    )
    return Script(steps, ANSWER, strict)


def careless(title: str) -> Script:
    """Give a loop as careless models play it: what they mean is plain, what they send is not.

    Args:
        title: Of the lesson, by which a run finds it again.
    """

    def plain_words(turn: Turn) -> JSON:
        return {"recallId": recall_id(turn), "outcome": "completed", "evidence": "exit code 0"}

    def nulls(turn: Turn) -> JSON:
        evidence = {"exit_code": "0", "tests_passed": None, "log": None}
        empty = {"used_ids": None, "error": None, "steps": None}
        return {"recall_id": recall_id(turn), "outcome": "Success", "evidence": evidence, **empty}

    def more(turn: Turn) -> JSON:
        told = {"title": title, "content": "Run helm with --wait.", "kind": "Lesson"}
        return {
            **told,
            "tags": "helm, deploy",
            "outcome_id": "",
            "sessionId": "1",
            "reasoning": "-",
        }

    numbers = {"task": TASK, "k": "2", "max_tokens": "900", "kinds": "strategy"}
    steps = (
        Step("recall", lambda turn: numbers, "numbers as text, a text for a list"),
        Step("report_outcome", plain_words, "a name in camelCase, plain words"),
        Step("report_outcome", nulls, "nulls"),
        Step("remember", more, "a list as text, a kind of its own, arguments that nobody knows"),
    )
    return Script(steps, ANSWER, kind="a careless model")


def answer_alone() -> Script:
    """Give a model that answers at once and calls nothing."""
    return Script((), ANSWER, kind="no calls")
