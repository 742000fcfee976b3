"""report_outcome: judge, credit, store durably, let the learner see it, ask for lessons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from memory_core.errors import InvalidInput, UnknownRecall, shown
from memory_core.judging import Judgement, judge
from memory_core.model import OutcomeRecord, RecallRecord, new_id
from memory_core.port import (
    Change,
    Credited,
    Judged,
    Lesson,
    OutcomeAnswer,
    OutcomeRequest,
    RememberAnswer,
    RememberRequest,
)
from memory_core.ports import StoredOutcome, StoredRecall, Vector
from memory_core.redaction import redact
from memory_core.scorer.credit import assign
from memory_core.scorer.episode import Episode, build_episode
from memory_core.scorer.proof import held_out
from memory_core.scorer.stack import FIRST
from memory_core.service.conditions import Conditions, conditions_of
from memory_core.service.core import Core
from memory_core.service.lessons import Lessons
from memory_core.service.notebook import Failure

RECALL_LIFETIME = 30 * 86_400.0
"""Seconds after which a recall can no longer be reported on."""
LOG_KEPT = 4_000
"""Characters of an evidence log that are stored: its end."""
SUMMARY = 160


@dataclass(frozen=True, slots=True)
class _Report:
    """A validated report: its recall (None when reported by task), conditions and judgement."""

    request: OutcomeRequest
    project: str
    recall: StoredRecall | None
    conditions: Conditions
    judgement: Judgement
    error: str
    redacted: tuple[str, ...]

    @property
    def vector(self) -> Vector | None:
        if self.recall is not None and self.recall.vector is not None:
            return self.recall.vector
        return self.conditions.vector

    @property
    def failed(self) -> bool:
        return self.judgement.strength > 0 and self.judgement.reward < 0.5


class Reporter:
    """Answers report_outcome."""

    def __init__(self, core: Core, lessons: Lessons) -> None:
        self._core = core
        self._lessons = lessons

    def report(self, request: OutcomeRequest) -> OutcomeAnswer:
        """Take one report; see the port."""
        report = self._validated(request)
        core = self._core
        with core.lock:
            earlier = self._earlier(report)
            if earlier is not None and self._same(report, earlier):
                status, outcome = "repeated", earlier
            else:
                status = "recorded" if earlier is None else "corrected"
                outcome = self._record(report, earlier)
        lessons = tuple(self._remember(report, lesson, outcome.id) for lesson in request.lessons)
        if status != "repeated":
            self._announce(outcome)
        return self._answer(report, outcome, status, lessons)

    # -- validation ----------------------------------------------------------------

    def _validated(self, request: OutcomeRequest) -> _Report:
        core = self._core
        project, recall = core.project_of(request.project), None
        if request.recall_id:
            recall = self._recall(request, project)
            project = recall.record.project
        served = self._served(recall)
        for name in ("used_ids", "helpful_ids", "harmful_ids"):
            for item_id in getattr(request, name) or ():
                core.catalogue.seen(item_id, project, name)
                if recall is not None and item_id not in served:
                    raise InvalidInput(
                        name,
                        f"names {shown(item_id)}, which this recall did not serve",
                        "Name ids that the recall returned, or report with task in place of it.",
                    )
        error, found = redact(request.error)
        record = recall.record if recall is not None else None
        task = record.task if record is not None else request.task
        conditions = conditions_of(core.embedder, task, record.context if record else "", error)
        judgement = judge(
            request.outcome,
            request.evidence,
            error=request.error,
            helpful=request.helpful_ids,
            harmful=request.harmful_ids,
        )
        return _Report(request, project, recall, conditions, judgement, error, found)

    def _recall(self, request: OutcomeRequest, project: str) -> StoredRecall:
        recall = self._core.store.get_recall(request.recall_id)
        if recall is None or (request.project and recall.record.project != project):
            raise UnknownRecall(request.recall_id)
        if self._core.clock() - recall.record.at > RECALL_LIFETIME:
            raise UnknownRecall(request.recall_id, "expired: it was served more than 30 days ago")
        return recall

    @staticmethod
    def _served(recall: StoredRecall | None) -> tuple[str, ...]:
        if recall is None:
            return ()
        served = sorted(
            (c for c in recall.record.candidates if c.position >= 0), key=lambda c: c.position
        )
        return tuple(c.item_id for c in served)

    # -- repeated or corrected -----------------------------------------------------

    def _earlier(self, report: _Report) -> OutcomeRecord | None:
        request = report.request
        if request.report_id:
            found = self._core.by_report_id.get((report.project, request.report_id))
            if found is not None:
                if found.recall_id != request.recall_id:
                    raise InvalidInput(
                        "report_id",
                        f"{shown(request.report_id)} was used for another recall",
                        "Give each report its own report_id.",
                    )
                return found
        return self._core.reported.get(request.recall_id) if request.recall_id else None

    @staticmethod
    def _same(report: _Report, earlier: OutcomeRecord) -> bool:
        request = report.request
        return (
            bool(earlier.reported == request.outcome)
            and earlier.outcome == report.judgement.outcome
            and (earlier.used or ()) == (request.used_ids or ())
            and earlier.helpful == request.helpful_ids
            and earlier.harmful == request.harmful_ids
        )

    # -- recording -----------------------------------------------------------------

    def _record(self, report: _Report, earlier: OutcomeRecord | None) -> OutcomeRecord:
        core = self._core
        outcome = self._outcome(report, earlier)
        leading = leading_item(outcome, self._served(report.recall))
        outcome = replace(outcome, trust=core.quotas.trust(outcome.source, leading, outcome.at))
        outcome, episode = self._credited(report, outcome)
        failure = self._failure(report)
        if report.failed:
            outcome = replace(outcome, signature_id=core.notebook.place(failure) or new_id("sig"))
        core.store.add_outcome(StoredOutcome(outcome, failure.signature if report.failed else None))
        fold_outcome(core, outcome, report.recall.record if report.recall else None, failure)
        if core.trainer is not None:
            core.trainer.learner.observe(episode)
            core.trainer.submit(episode)
        return outcome

    def _outcome(self, report: _Report, earlier: OutcomeRecord | None) -> OutcomeRecord:
        request, judgement, core = report.request, report.judgement, self._core
        shape = report.conditions.shape
        record = report.recall.record if report.recall else None
        return OutcomeRecord(
            id=new_id("out"),
            project=report.project,
            outcome=judgement.outcome,
            reported=request.outcome,
            reward=judgement.reward,
            strength=judgement.strength,
            at=core.clock(),
            recall_id=request.recall_id,
            task=record.task if record else redact(request.task)[0],
            session=request.session or (record.session if record else ""),
            source=request.source or core.settings.source,
            why=judgement.why,
            used=request.used_ids,
            helpful=request.helpful_ids,
            harmful=request.harmful_ids,
            error=report.error[-LOG_KEPT:],
            error_normalised=shape.normalised if shape else "",
            error_class=shape.error_class if shape else "",
            fingerprint=shape.id if shape else "",
            evidence=_evidence_text(request),
            steps=tuple(redact(step)[0] for step in request.steps),
            attempt_group=request.attempt_group,
            report_id=request.report_id,
            supersedes=earlier.id if earlier else "",
            held_out=earlier.held_out if earlier else held_out(core.outcome_count),
        )

    def _credited(self, report: _Report, outcome: OutcomeRecord) -> tuple[OutcomeRecord, Episode]:
        core = self._core
        dimension = core.store.dimension
        ids = self._served(report.recall)
        keys, pitfalls = core.keys_and_pitfalls(ids)
        record = report.recall.record if report.recall else None
        episode = build_episode(
            outcome, record, report.vector, keys=keys, pitfalls=pitfalls, dimension=dimension
        )
        fit = core.trainer.learner.snapshot.fit if core.trainer is not None else FIRST
        credits = assign(episode, fit)
        return replace(outcome, credits=credits), replace(episode, credits=credits)

    def _failure(self, report: _Report) -> Failure:
        shape = report.conditions.shape
        signature = report.conditions.signature
        return Failure(
            report.project,
            shape.error_class if shape else "",
            shape.id if shape else "",
            signature if signature is not None else report.vector,
            report.vector,
        )

    # -- lessons and the answer ----------------------------------------------------

    def _remember(self, report: _Report, lesson: Lesson, outcome_id: str) -> RememberAnswer:
        task = report.recall.record.task if report.recall else report.request.task
        request = RememberRequest(
            **lesson.model_dump(),
            task=task,
            project=report.project,
            source=report.request.source,
            outcome_id=outcome_id,
        )
        return self._lessons.remember(request)

    def _announce(self, outcome: OutcomeRecord) -> None:
        notify = self._core.notify
        for credit in outcome.credits:
            notify(Change("item", credit.item_id))
        notify(Change("project", outcome.project))
        if outcome.signature_id:
            notify(Change("mistakes"))
        notify(Change("stats"))

    def _answer(
        self,
        report: _Report,
        outcome: OutcomeRecord,
        status: str,
        lessons: Sequence[RememberAnswer],
    ) -> OutcomeAnswer:
        tally = self._core.tally
        why = outcome.why
        if status == "repeated":
            why += " Already recorded: this repetition changes nothing."
        elif status == "corrected":
            why += " This corrects the earlier report of the same recall; it counts once."
        return OutcomeAnswer.model_validate(
            {
                "outcome_id": outcome.id,
                "status": status,
                "judged": Judged(
                    outcome=outcome.outcome, strength=outcome.strength, why=why.strip()
                ),
                "credited": [
                    Credited(
                        id=c.item_id,
                        credit=round(c.value * min(c.weight, 1.0), 3),
                        wins=tally.of(c.item_id).wins,
                        losses=tally.of(c.item_id).losses,
                    )
                    for c in outcome.credits
                ],
                "signature": outcome.signature_id,
                "lessons": lessons,
                "next": _next(report, outcome, bool(lessons)),
                "learning": self._core.learning(),
            }
        )


def _evidence_text(request: OutcomeRequest) -> str:
    """The evidence as stored: JSON, the log's end, secrets redacted."""
    if request.evidence is None:
        return ""
    given = request.evidence.model_dump(exclude_none=True)
    given["log"] = redact(given.get("log", ""))[0][-LOG_KEPT:]
    return json.dumps(given, ensure_ascii=False)


def _next(report: _Report, outcome: OutcomeRecord, has_lessons: bool) -> str:
    """What the agent should do now."""
    if has_lessons:
        return "Nothing: the lessons are stored and the next recall knows this outcome."
    with_id = f"remember each with outcome_id {outcome.id}"
    if outcome.outcome == "unknown":
        return "Report this recall_id again once you know how it ended; unknown teaches nothing."
    if report.failed:
        return (
            "Ask why it failed: which assumption was wrong, what would have shown it earlier? "
            "Distil up to 3 general lessons (kind pitfall, or strategy for the way that works) "
            f"and {with_id}."
        )
    if outcome.attempt_group:
        return (
            f"Compare the attempts of group {shown(outcome.attempt_group)}: what did the good ones "
            f"share that the bad ones lacked? Distil up to 5 lessons and {with_id}."
        )
    return (
        "If something here was new, distil up to 3 general lessons (when to use it, when not, "
        f"what to do) and {with_id}; if the recalled lessons covered it, nothing more is needed."
    )


def summary_of(outcome: OutcomeRecord) -> str:
    """One line on a failure: its error, else its task."""
    last = next((line.strip() for line in reversed(outcome.error.splitlines()) if line.strip()), "")
    text = last or f"failed: {' '.join(outcome.task.split())}"
    return text if len(text) <= SUMMARY else text[: SUMMARY - 3] + "..."


def fold_outcome(
    core: Core, outcome: OutcomeRecord, recall: RecallRecord | None, failure: Failure
) -> None:
    """Take a stored outcome into every fold but the learner's; in log order, under the lock."""
    owner = core.owner_of(outcome)
    served: tuple[str, ...] = ()
    if recall is not None:
        served = tuple(
            c.item_id
            for c in sorted(recall.candidates, key=lambda c: c.position)
            if c.position >= 0
        )
    earlier = core.reported.get(owner)
    if outcome.supersedes and earlier is not None:
        core.tally.uncount(earlier)
        core.notebook.take_back(
            earlier.project, earlier.signature_id, owner, blamed(earlier, served)
        )
    core.tally.count_outcome(outcome, owner, served[0] if served else "")
    if outcome.signature_id:
        core.notebook.observe(outcome, failure, owner, blamed(outcome, served), summary_of(outcome))
    slim = replace(outcome, error="", error_normalised="", evidence="", steps=())
    core.quotas.observe(outcome, leading_item(outcome, served))
    core.reported[owner] = core.by_outcome_id[outcome.id] = slim
    core.owners[outcome.id] = owner
    if outcome.report_id:
        core.by_report_id[(outcome.project, outcome.report_id)] = slim
    core.outcome_count += 1


def leading_item(outcome: OutcomeRecord, served: tuple[str, ...]) -> str:
    """The item that a report is mostly about, "" for none."""
    return next(iter((*(outcome.used or ()), *outcome.helpful, *outcome.harmful, *served)), "")


def blamed(outcome: OutcomeRecord, served: tuple[str, ...]) -> tuple[str, ...]:
    """The items that a failure is told with: harmful and used ones, else the first served."""
    named = tuple(dict.fromkeys((*outcome.harmful, *(outcome.used or ()))))
    named = tuple(item_id for item_id in named if item_id not in outcome.helpful)
    if named or outcome.used is not None:
        return named
    return served[:1]
