"""Joins an outcome with its recall: once, for the live report and for the rebuild alike."""

from __future__ import annotations

from memory_core.model import OutcomeRecord
from memory_core.ports import Embedder, StoredRecall, Vector
from memory_core.scorer.episode import Episode, build_episode
from memory_core.service.conditions import conditions_of
from memory_core.service.core import Core
from memory_core.service.notebook import Failure


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
    )


def episode_of(
    core: Core, outcome: OutcomeRecord, recall: StoredRecall | None, query: Vector | None
) -> Episode:
    """What the learner needs of an outcome."""
    served = recall.record.served_ids if recall is not None else ()
    named = (*served, *(outcome.used or ()), *outcome.helpful, *outcome.harmful)
    keys, pitfalls = core.keys_and_pitfalls(tuple(dict.fromkeys(named)))
    return build_episode(
        outcome,
        recall.record if recall is not None else None,
        query,
        owner=core.owner_of(outcome),
        keys=keys,
        pitfalls=pitfalls,
        dimension=core.store.dimension,
    )
