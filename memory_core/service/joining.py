"""Joins an outcome with its recall: once, for the live report and for the rebuild alike."""

from __future__ import annotations

from dataclasses import replace

from memory_core.model import OutcomeRecord
from memory_core.ports import StoredRecall, Vector
from memory_core.scorer.episode import Episode, build_episode
from memory_core.service.clusters import Failure
from memory_core.service.conditions import Conditions, conditions_of
from memory_core.service.core import Core
from memory_core.service.fold import LogPlace


def joined(core: Core, outcome: OutcomeRecord, recall: StoredRecall | None) -> LogPlace:
    """Where an outcome stands in the log, with the conditions that it is learned in.

    The recall's own where there was one, else those of the reported task and error; none
    without a model.
    """
    return replace(core.reports.place(outcome, recall), query=_query(core, outcome, recall))


def _query(core: Core, outcome: OutcomeRecord, recall: StoredRecall | None) -> Vector | None:
    if recall is not None and recall.vector is not None:
        return recall.vector
    if core.embedder is None:
        return None
    if recall is not None:
        asked = recall.record
        return conditions_of(core.embedder, asked.task, asked.context, asked.error).vector
    return conditions_of(core.embedder, outcome.task, "", outcome.error).vector


def episode_of(core: Core, outcome: OutcomeRecord, place: LogPlace) -> Episode:
    """What the learner needs of an outcome."""
    named = (*place.served, *(outcome.used or ()), *outcome.helpful, *outcome.harmful)
    return build_episode(
        outcome,
        place.record,
        place.query,
        owner=place.owner,
        traits=core.traits_of(tuple(dict.fromkeys(named))),
        dimension=core.store.dimension,
    )


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
    return core.notebook.viewed(failure)
