"""Takes stored outcomes into the folds that are held in memory, in log order, under the lock."""

from __future__ import annotations

from dataclasses import replace

from memory_core.model import Event, OutcomeRecord, RecallRecord
from memory_core.scorer.shares import counted, holder_of
from memory_core.service.clusters import Failure, Seen
from memory_core.service.core import Core
from memory_core.service.joining import telling_of
from memory_core.service.notebook import Notebook

SUMMARY = 160


def fold_event(core: Core, event: Event) -> None:
    """Take in which item took whose place, and whether the record passed on. Flips no state."""
    core.lineage.take(event)
    core.names.take(event)
    if event.kind in ("supersede", "correct") and event.detail:
        core.catalogue.link(event.item_id, event.detail)
    if event.kind == "correct":
        core.catalogue.reword(event.item_id, event.detail)


def fold_outcome(core: Core, outcome: OutcomeRecord, recall: RecallRecord | None) -> None:
    """Count one outcome: tally, quotas, its recall closed, and what a correction is told by."""
    owner = core.owner_of(outcome)
    served = recall.served_ids if recall is not None else ()
    earlier = core.reported.get(owner)
    if earlier is not None:
        core.tally.uncount(earlier)
    if recall is not None:
        if earlier is not None:
            core.holdout.count(earlier, recall, -1)
        core.holdout.count(outcome, recall)
    core.tally.count_outcome(outcome, owner, served[0] if served else "")
    core.speech.count_outcome(outcome, owner, () if recall is None else served)
    core.quotas.observe(outcome, quota_items(outcome, served), earlier)
    core.open_recalls.count_outcome(outcome)
    slim = replace(outcome, error="", error_normalised="", evidence="", steps=())
    core.reported[owner] = core.by_outcome_id[outcome.id] = slim
    core.owners[outcome.id] = owner
    if outcome.report_id:
        core.by_report_id[outcome.project, outcome.report_id] = slim


def fold_mistake(
    core: Core,
    notebook: Notebook,
    outcome: OutcomeRecord,
    recall: RecallRecord | None,
    failure: Failure,
) -> None:
    """Count one outcome in the notebook: a failure joins its cluster, a correction leaves it."""
    owner = core.owner_of(outcome)
    withheld = recall is not None and recall.withheld
    if notebook.causes is not None and not withheld:
        notebook.causes.observe(owner, telling_of(core, outcome, recall))
    if not outcome.signature_id or outcome.trust <= 0:
        notebook.withdraw(owner)
        return
    served = recall.served_ids if recall is not None else ()
    seen = Seen(
        owner,
        outcome.signature_id,
        outcome.at,
        blamed(outcome, served),
        summary_of(outcome),
        holder_of(outcome.source),
        counted(outcome.trust),
    )
    notebook.observe(seen, failure)


def quota_items(outcome: OutcomeRecord, served: tuple[str, ...]) -> tuple[str, ...]:
    """The items that a report counts for in its source's quota: all that it names.

    A report that names none is about the first item served, "" for none.
    """
    named = dict.fromkeys((*(outcome.used or ()), *outcome.helpful, *outcome.harmful))
    return tuple(named) or served[:1] or ("",)


def blamed(outcome: OutcomeRecord, served: tuple[str, ...]) -> tuple[str, ...]:
    """The items that a failure is told with: harmful and used ones, else the first served."""
    named = tuple(dict.fromkeys((*outcome.harmful, *(outcome.used or ()))))
    named = tuple(item_id for item_id in named if item_id not in outcome.helpful)
    if named or outcome.used is not None:
        return named
    return served[:1]


def summary_of(outcome: OutcomeRecord) -> str:
    """One line on a failure: its error, else its task."""
    last = next((line.strip() for line in reversed(outcome.error.splitlines()) if line.strip()), "")
    text = last or f"failed: {' '.join(outcome.task.split())}"
    return text if len(text) <= SUMMARY else text[: SUMMARY - 3] + "..."
