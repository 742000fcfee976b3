"""Fits the chance that a failure at hand was seen before, on our own list of errors."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from benchmarks.relevance.stores import errors
from memory_core.background import unrelated
from memory_core.ports import Embedder
from memory_core.scorer.panel import Floats
from memory_core.scorer.relevance import Scale, Weights
from memory_core.service.clusters import Failure
from memory_core.service.conditions import Conditions, conditions_of
from memory_core.service.recurrence import Traces

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
    fit = _logistic(np.concatenate(values), np.concatenate(labels), np.concatenate(weights))
    return Weights(float(fit[0]), tuple(float(value) for value in fit[1:]))


def _failure(failed: Conditions, asked: Conditions) -> Failure:
    """A failure of these conditions, recalled for by its task alone."""
    return Failure("", "", "", failed.signature, asked.vector, failed.failure, task=failed.asked)


def _logistic(values: Floats, labels: Floats, weights: Floats) -> Floats:
    table = np.column_stack([np.ones(len(values)), values])

    def loss(fit: Floats) -> tuple[float, Floats]:
        logits = np.clip(table @ fit, -30.0, 30.0)
        errors_ = weights * (1.0 / (1.0 + np.exp(-logits)) - labels)
        away = np.concatenate([[0.0], fit[1:]])
        total = weights @ (np.logaddexp(0.0, logits) - labels * logits)
        return float(total + RIDGE * away @ away), table.T @ errors_ + 2.0 * RIDGE * away

    bounds = [(None, None), *[(0.0, None)] * values.shape[1]]
    found = minimize(loss, np.zeros(table.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds)
    fit: Floats = np.round(found.x, 2)
    return fit
