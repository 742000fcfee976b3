"""Joins an outcome with its recall: once, for the live report and for the rebuild alike."""

from __future__ import annotations

from dataclasses import replace

from memory_core.model import OutcomeRecord, RecallRecord
from memory_core.ports import Embedder, StoredRecall, Vector
from memory_core.scorer.episode import Episode, build_episode
from memory_core.scorer.shares import holder_of
from memory_core.service.clusters import Failure
from memory_core.service.conditions import (
    ERROR_KEPT,
    Conditions,
    FailureText,
    conditions_of,
    views_of,
)
from memory_core.service.core import Core
from memory_core.service.relating import Telling, group_of, named
from memory_core.signature import Signature


def query_of(
    embedder: Embedder | None, outcome: OutcomeRecord, recall: StoredRecall | None
) -> Vector | None:
    """The conditions that an outcome is learned in, float32[d]; None without a model.

    The recall's own where there was one, else those of the reported task and error.
    """
    if recall is not None and recall.vector is not None:
        return recall.vector
    if embedder is None:
        return None
    if recall is not None:
        asked = recall.record
        return conditions_of(embedder, asked.task, asked.context, asked.error).vector
    return conditions_of(embedder, outcome.task, "", outcome.error).vector


def failure_of(outcome: OutcomeRecord, signature: Vector | None, query: Vector | None) -> Failure:
    """What the notebook needs of a failed outcome."""
    return Failure(
        outcome.project,
        outcome.error_class,
        outcome.fingerprint,
        signature if signature is not None else query,
        query,
        _text_of(outcome),
    )


def _text_of(outcome: OutcomeRecord) -> FailureText | None:
    if not outcome.error_class:
        return None
    shape = Signature(outcome.error_class, outcome.error_normalised, outcome.fingerprint)
    return FailureText(outcome.task, outcome.error[-ERROR_KEPT:], shape)


def at_hand(core: Core, project: str, conditions: Conditions) -> Failure:
    """What a query asks about: its error, else its conditions alone."""
    shape = conditions.shape
    failure = Failure(
        project,
        shape.error_class if shape else "",
        shape.id if shape else "",
        conditions.signature,
        conditions.vector,
        conditions.failure,
        task=conditions.asked,
    )
    return viewed(core, failure)


def viewed(core: Core, failure: Failure) -> Failure:
    """The failure with its views, where the learned similarity is in use."""
    if core.embedder is None or failure.text is None or core.notebook.likeness.metric is None:
        return failure
    return replace(failure, views=views_of(core.embedder, failure.text))


def telling_of(core: Core, outcome: OutcomeRecord, recall: RecallRecord | None) -> Telling | None:
    """What a report tells of failures; None when it tells of none and names no item."""
    weight, trust = (min(max(one, 0.0), 1.0) for one in (outcome.strength, outcome.trust))
    if weight * trust <= 0:
        return None
    items = named(outcome, recall.served_ids if recall is not None else ())
    telling = Telling(
        owner=core.owner_of(outcome),
        project=outcome.project,
        group=group_of(outcome),
        failed=_text_of(outcome) if outcome.signature_id else None,
        asked=_asked_of(outcome, recall),
        good=core.catalogue.said(items.good),
        bad=core.catalogue.said(items.bad),
        done=core.catalogue.said(items.done),
        weight=weight,
        held_out=outcome.held_out,
        source=holder_of(outcome.source),
        trust=trust,
    )
    told = telling.failed or telling.asked or (telling.group and (items.good or items.bad))
    return telling if told else None


def _asked_of(outcome: OutcomeRecord, recall: RecallRecord | None) -> FailureText | None:
    """The failure at hand: the recall's, else the one that a report of success says it solved."""
    if recall is not None and recall.error.strip():
        return FailureText(recall.task, recall.error[-ERROR_KEPT:], None)
    return None if outcome.signature_id else _text_of(outcome)


def episode_of(
    core: Core, outcome: OutcomeRecord, recall: StoredRecall | None, query: Vector | None
) -> Episode:
    """What the learner needs of an outcome."""
    served = recall.record.served_ids if recall is not None else ()
    named = (*served, *(outcome.used or ()), *outcome.helpful, *outcome.harmful)
    return build_episode(
        outcome,
        recall.record if recall is not None else None,
        query,
        owner=core.owner_of(outcome),
        traits=core.traits_of(tuple(dict.fromkeys(named))),
        dimension=core.store.dimension,
    )
