"""Fits the chance that a failure at hand was seen before, on our own list of errors."""

from __future__ import annotations

import numpy as np

from benchmarks.relevance.logistic import logistic
from benchmarks.relevance.stores import errors
from memory_core.background import unrelated
from memory_core.ports import Embedder
from memory_core.scorer.relevance import Scale, Weights
from memory_core.service.clusters import Failure
from memory_core.service.conditions import Conditions, conditions_of
from memory_core.service.notebook import Traces

RIDGE = 0.02
ALIKE = 2.0
"""What a failure that only looks like one weighs; one met again weighs 1."""


def of_failures(embedder: Embedder) -> Weights:
    """A ridge-logistic over (near, words, task), none of them down."""
    traces, scale = Traces(), Scale(unrelated(embedder))
    seen = errors("all")
    for row, one in enumerate(seen):
        before = conditions_of(embedder, one.task)
        failed = _failure(conditions_of(embedder, one.task, "", one.error), before)
        traces.open(row, failed)
        traces.count(row, failed, 1.0)
    values, labels, weights = [], [], []
    for row, one in enumerate(seen):
        pairs = [(pair, 1.0, 1.0) for pair in one.again]
        for (task, error), label, weight in pairs + [(pair, 0.0, ALIKE) for pair in one.alike]:
            at_hand = conditions_of(embedder, task, "", error)
            signs = traces.signs(_failure(at_hand, at_hand), scale, len(seen))
            values.append(signs)
            labels.append(np.where(np.arange(len(seen)) == row, label, 0.0))
            others = 1.0 / np.sqrt(len(seen))
            weights.append(np.where(np.arange(len(seen)) == row, weight, others))
    table = np.concatenate(values)
    up = [(0.0, None)] * table.shape[1]
    fit = logistic(table, np.concatenate(labels), np.concatenate(weights), up, RIDGE)
    return Weights(float(fit[0]), tuple(float(value) for value in fit[1:]))


def _failure(failed: Conditions, asked: Conditions) -> Failure:
    """A failure of these conditions, recalled for by its task alone."""
    return Failure("", "", "", failed.signature, asked.vector, failed.failure, task=failed.asked)
