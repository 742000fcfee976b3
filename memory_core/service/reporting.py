"""report_outcome: judge, credit, store durably, let the learner see it, ask for lessons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from memory_core.answers import Credited, Judged, OutcomeAnswer, RememberAnswer
from memory_core.caller import OWNER, Caller
from memory_core.errors import InvalidInput, UnknownRecall, shown
from memory_core.excerpts import STEP_KEPT, ends, excerpt
from memory_core.judging import Judgement, judge
from memory_core.model import GLOBAL_PROJECT, OutcomeRecord, RecallRecord, new_id
from memory_core.ports import StoredOutcome, StoredRecall
from memory_core.redaction import redact
from memory_core.requests import Evidence, Lesson, OutcomeRequest, RememberRequest
from memory_core.scorer.credit import assign
from memory_core.scorer.proof import held_out
from memory_core.scorer.stack import FIRST
from memory_core.service.advising import after_report
from memory_core.service.clusters import failure_of
from memory_core.service.conditions import Conditions, conditions_of
from memory_core.service.core import Core
from memory_core.service.fold import outcome_changes
from memory_core.service.lessons import Lessons
from memory_core.service.open_recalls import RECALL_LIFETIME
from memory_core.service.quota import quota_items

LOG_KEPT = 4_000
"""Characters of an evidence log that are stored: its end."""


@dataclass(frozen=True, slots=True)
class _Report:
    """A validated report: its recall (None when reported by task), conditions and judgement.

    `place` says that an id decided the project against the call, else "". `carried`: it is
    judged by the evidence of the report that it corrects.
    """

    request: OutcomeRequest
    project: str
    recall: StoredRecall | None
    conditions: Conditions
    judgement: Judgement
    task: str
    error: str
    caller: Caller
    place: str
    carried: bool = False

    @property
    def record(self) -> RecallRecord | None:
        return self.recall.record if self.recall is not None else None

    @property
    def served(self) -> tuple[str, ...]:
        return self.record.served_ids if self.record is not None else ()

    @property
    def fingerprint(self) -> str:
        return self.conditions.shape.id if self.conditions.shape else ""

    @property
    def failed(self) -> bool:
        return self.judgement.strength > 0 and self.judgement.reward < 0.5

    @property
    def mistaken(self) -> bool:
        """Whether the notebook notes it: not where memory was withheld on purpose."""
        return self.failed and not (self.record is not None and self.record.withheld)


class Reporter:
    """Answers report_outcome."""

    def __init__(self, core: Core, lessons: Lessons) -> None:
        self._core = core
        self._lessons = lessons

    def report_outcome(self, request: OutcomeRequest, caller: Caller = OWNER) -> OutcomeAnswer:
        """Take one report; see the port."""
        report = self._validated(request, caller)
        core = self._core
        with core.lock:
            earlier = self._earlier(report)
            report = self._completed(report, earlier)
            if earlier is not None and self._same(report, earlier):
                status, outcome = "repeated", earlier
            else:
                status = "recorded" if earlier is None else "corrected"
                outcome = self._record(report, earlier)
        if status != "repeated":
            core.announce(outcome_changes(outcome))
        lessons = tuple(self._remember(report, lesson, outcome.id) for lesson in request.lessons)
        return self._answer(report, outcome, status, lessons)

    # -- validation ----------------------------------------------------------------

    def _validated(self, request: OutcomeRequest, caller: Caller) -> _Report:
        core = self._core
        request = request.model_copy(update={"source": core.source_of(request.source, caller)})
        named, recall = core.project_of(request.project, caller), None
        project, because = named, ""
        if request.recall_id:
            recall = self._recall(request.recall_id, caller)
            project, because = recall.record.project, "recall_id"
        served = recall.record.served_ids if recall is not None else ()
        request = _as_served(core, request, served)
        for name in ("used_ids", "helpful_ids", "harmful_ids"):
            for item_id in getattr(request, name) or ():
                line = core.line_of(item_id, caller, name)
                if recall is None and line.project != GLOBAL_PROJECT:
                    if because and core.names.key(line.project) != core.names.key(project):
                        raise InvalidInput(
                            name,
                            f"names {shown(item_id)} of project {shown(line.project)} beside one "
                            f"of {shown(project)}",
                            "Report each project's items on their own.",
                        )
                    project, because = line.project, name
                if recall is not None and item_id not in served:
                    raise InvalidInput(
                        name,
                        f"names {shown(item_id)}, which this recall did not serve",
                        "Name ids that the recall returned, or report with task in place of it.",
                    )
        error = redact(request.error)[0]
        record = recall.record if recall is not None else None
        task = record.task if record is not None else excerpt(redact(request.task)[0])
        conditions = conditions_of(core.embedder, task, record.context if record else "", error)
        return _Report(
            request,
            project,
            recall,
            conditions,
            _judged(request),
            task=task,
            error=error,
            caller=caller,
            place=core.elsewhere(because, project, named, caller),
        )

    def _recall(self, recall_id: str, caller: Caller) -> StoredRecall:
        """The recall that is reported on; it says whose project the report belongs to."""
        recall = self._core.store.get_recall(recall_id)
        if recall is None or not caller.works_in(recall.record.project):
            raise UnknownRecall(recall_id)
        if self._core.clock() - recall.record.at > RECALL_LIFETIME:
            raise UnknownRecall(recall_id, "expired: it was served more than 30 days ago")
        return recall

    # -- repeated or corrected -----------------------------------------------------

    def _earlier(self, report: _Report) -> OutcomeRecord | None:
        request = report.request
        if request.report_id:
            found = self._reported_as(report)
            if found is not None:
                other_task = not request.recall_id and found.task != report.task
                if found.recall_id != request.recall_id or other_task:
                    raise InvalidInput(
                        "report_id",
                        f"{shown(request.report_id)} was used for another recall or task",
                        "Give each report its own report_id.",
                    )
                return self._correctable(report, found)
        found = self._core.reports.by_owner.get(request.recall_id) if request.recall_id else None
        return self._correctable(report, found) if found is not None else None

    def _reported_as(self, report: _Report) -> OutcomeRecord | None:
        """The report of this id in the project, under any of its names."""
        core, report_id = self._core, report.request.report_id
        names = core.names.covers(report.project)
        found = (core.reports.by_report_id.get((name, report_id)) for name in names)
        return next((one for one in found if one is not None), None)

    def _correctable(self, report: _Report, earlier: OutcomeRecord) -> OutcomeRecord:
        """The earlier report, if it may be corrected.

        By its own source, an owner or an administrator; and by who was served the recall,
        so that nobody closes another's recall for good.
        """
        own, source = self._core.source_of("", OWNER), report.request.source
        holder = report.record.source if report.record is not None else ""
        foreign = source not in (own, earlier.source, holder)
        administers = bool(report.caller.source) and report.caller.may("admin")
        if foreign and not administers and not self._same(report, earlier):
            raise InvalidInput(
                "source",
                f"{shown(source)} did not make the report that this would correct",
                "Who reported it, who was served its recall or who owns the store may.",
            )
        return earlier

    def _completed(self, report: _Report, earlier: OutcomeRecord | None) -> _Report:
        """The report with what an earlier one of the same recall said, and it does not.

        What was followed stands until another list is given, and evidence until there is new
        evidence: no bare word outweighs it. Where the word is the same, it adds to the earlier
        report, so labels, error and steps stand as well.
        """
        held = self._core.store.get_outcome(earlier.id) if earlier is not None else None
        if held is None:
            return report
        before, request = held.record, report.request
        again = request.outcome == before.reported
        told: dict[str, Any] = {}
        if request.used_ids is None:
            told["used_ids"] = before.used
        if again and not request.helpful_ids and not request.harmful_ids:
            told |= {"helpful_ids": before.helpful, "harmful_ids": before.harmful}
        if again:
            names = ("steps", "attempt_group")
            told |= {name: getattr(request, name) or getattr(before, name) for name in names}
        evidence = _evidence_of(before)
        carried = not report.judgement.proven and not (request.evidence and request.evidence.log)
        carried = carried and _judged(request.model_copy(update={"evidence": evidence})).proven
        if carried or (again and request.evidence is None):
            told["evidence"] = evidence
        if (again or carried) and not request.error.strip():
            told["error"] = before.error
        return self._read_again(report, request.model_copy(update=told), carried=carried)

    def _read_again(self, report: _Report, request: OutcomeRequest, *, carried: bool) -> _Report:
        """The report of another request on the same; its conditions differ by its error alone."""
        conditions, error = report.conditions, report.error
        if request.error != report.request.error:
            error, context = request.error, report.record.context if report.record else ""
            conditions = conditions_of(self._core.embedder, report.task, context, error)
        return replace(
            report,
            request=request,
            conditions=conditions,
            judgement=_judged(request),
            error=error,
            carried=carried,
        )

    @staticmethod
    def _same(report: _Report, earlier: OutcomeRecord) -> bool:
        request = report.request
        return (
            bool(earlier.reported == request.outcome)
            and earlier.outcome == report.judgement.outcome
            and (earlier.reward, earlier.strength)
            == (report.judgement.reward, report.judgement.strength)
            and earlier.fingerprint == report.fingerprint
            and earlier.used == request.used_ids
            and earlier.helpful == request.helpful_ids
            and earlier.harmful == request.harmful_ids
        )

    # -- recording -----------------------------------------------------------------

    def _record(self, report: _Report, earlier: OutcomeRecord | None) -> OutcomeRecord:
        core = self._core
        outcome = self._outcome(report, earlier)
        touched = quota_items(outcome, report.served)
        if not report.caller.source or not report.caller.trusted:
            trust = core.quotas.trust(outcome.source, touched, outcome.at, earlier)
            outcome = replace(outcome, trust=trust)
        place = core.reports.place(outcome, report.recall, core.embedder)
        episode = core.episode_of(outcome, place)
        fit = core.trainer.learner.snapshot.fit if core.trainer is not None else FIRST
        outcome = replace(outcome, credits=assign(episode, fit))
        failure = failure_of(outcome, report.conditions.signature, place.query)
        failure = core.notebook.viewed(failure)
        if report.mistaken:
            outcome = replace(outcome, signature_id=core.notebook.place(failure) or new_id("sig"))
        stored = StoredOutcome(outcome, failure.signature if report.mistaken else None)
        core.store.add_outcome(stored)
        core.take(stored, replace(place, failure=failure, episode=episode))
        return outcome

    def _outcome(self, report: _Report, earlier: OutcomeRecord | None) -> OutcomeRecord:
        request, judgement, core = report.request, report.judgement, self._core
        shape = report.conditions.shape
        record = report.record
        return OutcomeRecord(
            id=new_id("out"),
            project=report.project,
            outcome=judgement.outcome,
            reported=request.outcome,
            reward=judgement.reward,
            strength=judgement.strength,
            at=core.clock(),
            recall_id=request.recall_id,
            task=report.task,
            session=request.session or (record.session if record else ""),
            source=request.source,
            why=judgement.why,
            used=request.used_ids,
            helpful=request.helpful_ids,
            harmful=request.harmful_ids,
            error=report.error[-LOG_KEPT:],
            error_normalised=shape.normalised if shape else "",
            error_class=shape.error_class if shape else "",
            fingerprint=report.fingerprint,
            evidence=_evidence_text(request),
            steps=tuple(ends(redact(step)[0], STEP_KEPT) for step in request.steps),
            attempt_group=redact(request.attempt_group)[0],
            report_id=request.report_id,
            supersedes=earlier.id if earlier else "",
            held_out=earlier.held_out if earlier else held_out(core.tally.reports()),
        )

    # -- lessons and the answer ----------------------------------------------------

    def _remember(self, report: _Report, lesson: Lesson, outcome_id: str) -> RememberAnswer:
        request = RememberRequest(
            **lesson.model_dump(),
            task=report.task,
            project=report.project,
            source=report.request.source,
            outcome_id=outcome_id,
        )
        return self._lessons.remember(request, report.caller)

    def _answer(
        self,
        report: _Report,
        outcome: OutcomeRecord,
        status: str,
        lessons: Sequence[RememberAnswer],
    ) -> OutcomeAnswer:
        tally, projects = self._core.tally, report.caller.projects
        why = [_sentence(outcome.why)]
        if status == "repeated":
            why.append("It was recorded before and counts once.")
        elif status == "corrected":
            same = "of the same recall" if outcome.recall_id else "with the same report_id"
            why.append(f"This corrects the earlier report {same}; it counts once.")
            if report.carried:
                why.append("The evidence is the earlier report's: only new evidence outweighs it.")
        if outcome.trust < 1.0:
            why.append("It is kept, and teaches less than a full report: the quota of its source.")
        return OutcomeAnswer.model_validate(
            {
                "outcome_id": outcome.id,
                "status": status,
                "judged": Judged(
                    outcome=outcome.outcome, strength=outcome.strength, why=" ".join(why)
                ),
                "credited": [
                    Credited(
                        id=self._core.lineage.latest(c.item_id),
                        credit=c.earned,
                        wins=tally.of(self._core.lineage.latest(c.item_id), projects).wins,
                        losses=tally.of(self._core.lineage.latest(c.item_id), projects).losses,
                    )
                    for c in outcome.credits
                ],
                "signature": outcome.signature_id,
                "lessons": lessons,
                "next": after_report(
                    outcome=outcome.outcome,
                    failed=report.failed,
                    outcome_id=outcome.id,
                    recall_id=outcome.recall_id,
                    group=outcome.attempt_group,
                    lessons=lessons,
                ),
                "learning": self._core.learning(report.caller),
                "note": report.place,
            }
        )


def _as_served(core: Core, request: OutcomeRequest, served: tuple[str, ...]) -> OutcomeRequest:
    """The report with items named as its recall served them: they may have been edited since."""
    wordings = {core.lineage.latest(item_id): item_id for item_id in served}
    names = ("used_ids", "helpful_ids", "harmful_ids")
    told = {
        name: tuple(
            one if one in served else wordings.get(core.lineage.latest(one), one) for one in given
        )
        for name in names
        if (given := getattr(request, name))
    }
    return request.model_copy(update=told) if served and told else request


def _evidence_text(request: OutcomeRequest) -> str:
    """The evidence as stored: JSON, the log's end, secrets redacted."""
    if request.evidence is None:
        return ""
    given = request.evidence.model_dump(exclude_none=True)
    given["log"] = redact(given.get("log", ""))[0][-LOG_KEPT:]
    return json.dumps(given, ensure_ascii=False)


def _evidence_of(outcome: OutcomeRecord) -> Evidence | None:
    """The evidence of a stored report."""
    return Evidence.model_validate_json(outcome.evidence) if outcome.evidence else None


def _judged(request: OutcomeRequest) -> Judgement:
    return judge(
        request.outcome,
        request.evidence,
        error=request.error,
        helpful=request.helpful_ids,
        harmful=request.harmful_ids,
    )


def _sentence(text: str) -> str:
    """A judgement's reason as a sentence."""
    return f"{text[:1].upper()}{text[1:]}." if text else ""
