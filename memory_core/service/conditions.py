"""Conditions: what a query is about, as vectors.

Task, context and error are embedded apart: the store searches by task and by
error, the learner sees their weighted, normalised sum, and a failure's
signature leans on the normalised error.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from memory_core.failure_views import text_views
from memory_core.ports import Embedder, Probe, Vector
from memory_core.scorer.failure_pairs import Views
from memory_core.signature import Signature, sign

CONTEXT_SHARE = 0.5
ERROR_SHARE = 0.5
ERROR_TAIL = 800
"""Characters of an error that are searched with: its end, where the message stands."""
ERROR_KEPT = 4_000
"""Characters of an error whose literals and words are compared: its end."""


@dataclass(frozen=True, slots=True)
class FailureText:
    """One failure in words: its task, its error's end, and its signature (None: not read yet)."""

    task: str
    error: str
    shape: Signature | None


@dataclass(frozen=True, slots=True)
class Conditions:
    """The vectors of one query; all None while there is no model.

    `vector` is float32[d], what the learner sees; `signature` float32[d], what
    failures are matched by (None without an error); `shape` the error's class,
    fingerprint and normalised text; `failure` the query as a failure in words.
    """

    probes: tuple[Probe, ...]
    vector: Vector | None
    signature: Vector | None
    shape: Signature | None
    failure: FailureText | None

    @property
    def task_text(self) -> str:
        """The task as it was searched with, "" when only an error was given."""
        said = self.probes[: len(self.probes) - (self.shape is not None)]
        return said[0].text if said else ""

    @property
    def error_text(self) -> str:
        """The end of the error that was searched with, "" without one."""
        return self.probes[-1].text if self.shape is not None and self.probes else ""


def joined(parts: list[tuple[Vector, float]]) -> Vector:
    """The normalised weighted sum of unit vectors."""
    total = sum((share * vector for vector, share in parts), np.zeros_like(parts[0][0]))
    norm = float(np.linalg.norm(total))
    return (total / norm).astype(np.float32) if norm > 1e-6 else parts[0][0]


def conditions_of(
    embedder: Embedder | None, task: str, context: str = "", error: str = ""
) -> Conditions:
    """Embed a query's parts; `task` may be empty when there is an error."""
    shape = sign(error) if error.strip() else None
    failure = FailureText(task, error[-ERROR_KEPT:], shape) if shape is not None else None
    texts = [task] if task.strip() else []
    error_text = error.strip()[-ERROR_TAIL:]
    if embedder is None:
        words = [*texts, *([error_text] if error_text else [])]
        return Conditions(tuple(Probe(text, None) for text in words), None, None, shape, failure)
    probes, parts = [], []
    if texts:
        vector = embedder.embed_query(task)
        probes.append(Probe(task, vector))
        parts.append((vector, 1.0))
    if context.strip():
        parts.append((embedder.embed_query(context), CONTEXT_SHARE))
    signature = None
    if shape is not None:
        vector = embedder.embed_query(error_text)
        probes.append(Probe(error_text, vector))
        said = embedder.embed_query(shape.normalised)
        signature = joined([(said, 1.0), *((v, s * 0.5) for v, s in parts)])
        parts.append((vector, ERROR_SHARE if parts else 1.0))
    return Conditions(tuple(probes), joined(parts), signature, shape, failure)


def vectors_of_conditions(
    embedder: Embedder, task: str, context: str, error: str
) -> tuple[Vector | None, Vector | None]:
    """The vector and the signature of conditions, as re-embedding writes them anew."""
    found = conditions_of(embedder, task, context, error)
    return found.vector, found.signature


def views_of(embedder: Embedder, text: FailureText) -> Views:
    """The views of a failure that the learned similarity compares."""
    shape = text.shape if text.shape is not None else sign(text.error)
    literals, words = text_views(text.error, shape.normalised)
    said = embedder.embed_query(shape.normalised)
    task = embedder.embed_query(text.task) if text.task.strip() else np.zeros_like(said)
    return Views(said, task, literals, words, shape.error_class, shape.id)
