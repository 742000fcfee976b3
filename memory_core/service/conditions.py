"""Conditions: what a query is about, as vectors.

Task, context and error are embedded apart: the store searches by task and by
error, the learner sees their weighted, normalised sum, and a failure's
signature leans on the normalised error.

Beside them stand the views of a failure that need no model: its literals and its words, hashed.
What the normalised error leaves out (names, values, paths) is noise to one user
and the cause itself to another. So it is kept apart, as numbers that two failures
are compared by: bags of words in a fixed number of dimensions by signed hashing
(Weinberger et al. 2009, arXiv 0902.2206).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from memory_core.error_reading import log_lines, read_error
from memory_core.ports import Embedder, Probe, Vector
from memory_core.reading import (
    WINDOW,
    Held,
    Window,
    alternatives,
    estimated,
    gist,
    read,
    read_log,
    sayings,
)
from memory_core.scorer.failure_pairs import Views
from memory_core.signature import Signature, sign
from memory_core.unknown_words import letter_share

# -- views of a failure that need no model

HASHED = 256
"""Dimensions of a hashed bag."""
TAIL = 3_000
"""Characters of an error whose words count: its end."""
MESSAGE = 600
"""Characters of a message whose literals count."""
_WORD = re.compile(r"[^\W\d]\w{0,80}|\d{1,40}")
_PLACEHOLDER = re.compile(r"<\w{1,8}>")


def words_of(text: str) -> frozenset[str]:
    """Give the distinct words, names and whole numbers of a text, in lower case.

    Example:
        >>> sorted(words_of("KeyError: 'colour_id' at 0x1F"))
        ['0', 'at', 'colour_id', 'keyerror', 'x1f']
    """
    return frozenset(word.lower() for word in _WORD.findall(text))


@lru_cache(maxsize=16_384)
def _place(word: str) -> tuple[int, float]:
    digest = hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest[:4], "big") % HASHED, 1.0 if digest[4] & 1 else -1.0


def hashed(words: Iterable[str]) -> Vector:
    """Give float32[256] of unit length; zeros for no words."""
    vector = np.zeros(HASHED, np.float32)
    for word in sorted(words):
        place, sign = _place(word)
        vector[place] += sign
    norm = float(np.linalg.norm(vector))
    return vector / np.float32(norm) if norm > 0 else vector


def text_views(error: str, normalised: str) -> tuple[Vector, Vector]:
    """Give the literals of an error's message and the words of its end, float32[256] each.

    Args:
        error: The whole error text.
        normalised: Its signature's text: the words that are in there are no literals.
    """
    found = read_error(log_lines(error))
    message = found.message if found is not None and found.message else error[-MESSAGE:]
    kept = words_of(_PLACEHOLDER.sub(" ", normalised))
    return hashed(words_of(message[:MESSAGE]) - kept), hashed(words_of(error[-TAIL:]))


# -- vectors

CONTEXT_SHARE = 0.5
ERROR_SHARE = 0.5
CONTEXT_BUDGET = 96
"""Word pieces of a long context that are read beside what it asks."""
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
    fingerprint and normalised text; `failure` the query as a failure in words;
    `asked` float32[d], the task alone (None without one); `alternatives` as in
    `memory_core.reading.alternatives`; `letters` as in `memory_core.unknown_words.letter_share`.
    """

    probes: tuple[Probe, ...]
    vector: Vector | None
    signature: Vector | None
    shape: Signature | None
    failure: FailureText | None
    asked: Vector | None = None
    alternatives: float = 1.0
    letters: float = 0.0

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


def asked_of(pairs: Sequence[tuple[Vector, Window]]) -> Vector:
    """The one vector of a text that was read in windows: what is asked, as far as it says it.

    A request that says what it is about stands alone; any other is joined with what
    stands beside it. float32[d]; a text of one window gives that window's own bits.
    """
    clear = [(vector, 1.0) for vector, one in pairs if one.clear]
    weighed = clear or [(vector, one.weight) for vector, one in pairs]
    return weighed[0][0] if len(weighed) == 1 else joined(weighed)


def _probe_of(pairs: Sequence[tuple[Vector, Window]]) -> Probe:
    """A probe of all windows, the weightiest first; the best weight is 1."""
    best = sorted(pairs, key=lambda pair: -pair[1].weight)
    most = best[0][1].weight
    windows = [one for _, one in pairs]
    further = tuple((v, one.weight / most) for v, one in best[1:])
    return Probe(gist(windows), best[0][0], further, sayings(windows))


def _embedded(embedder: Embedder, *read: Sequence[Window]) -> list[list[tuple[Vector, Window]]]:
    """The windows of several texts with their vectors.

    A text that fits is embedded alone, so that its bits do not hang on what stands beside
    it; the windows of all others in one batch.
    """
    long = [one.text for windows in read for one in windows if one.kind != "whole"]
    batch = iter(embedder.embed_queries(long) if long else ())
    return [
        [(embedder.embed_query(w.text) if w.kind == "whole" else next(batch), w) for w in windows]
        for windows in read
    ]


def vector_of(embedder: Embedder, text: str) -> Vector:
    """The one vector of a text of any length, float32[d]; see `asked_of`."""
    return asked_of(_embedded(embedder, read(text, embedder.pieces, embedder.window))[0])


def conditions_of(
    embedder: Embedder | None,
    task: str,
    context: str = "",
    error: str = "",
    held: Held | None = None,
) -> Conditions:
    """Embed a query's parts, each read whole; `task` may be empty when there is an error.

    `held` as in `memory_core.reading.read`.
    """
    shape = sign(error) if error.strip() else None
    failure = FailureText(task, error[-ERROR_KEPT:], shape) if shape is not None else None
    size, window = (embedder.pieces, embedder.window) if embedder else (estimated, WINDOW)
    asked = read(task, size, window, held=held) if task.strip() else ()
    failed = read_log(error.strip(), size, window) if shape is not None else ()
    if embedder is None:
        unread = tuple(
            Probe(gist(windows), None, said=sayings(windows))
            for windows in (asked, failed)
            if windows
        )
        return Conditions(unread, None, None, shape, failure, None, alternatives(asked))
    beside = read(context, size, window, CONTEXT_BUDGET) if context.strip() else ()
    task_pairs, context_pairs, error_pairs = _embedded(embedder, asked, beside, failed)
    probes, parts = [], []
    if task_pairs:
        probes.append(_probe_of(task_pairs))
        parts.append((asked_of(task_pairs), 1.0))
    if context_pairs:
        parts.append((asked_of(context_pairs), CONTEXT_SHARE))
    signature = None
    if shape is not None:
        probes.append(_probe_of(error_pairs))
        said = embedder.embed_query(shape.normalised)
        signature = joined([(said, 1.0), *((v, s * 0.5) for v, s in parts)])
        parts.append((asked_of(error_pairs), ERROR_SHARE if parts else 1.0))
    asked_vector = asked_of(task_pairs) if task_pairs else None
    return Conditions(
        tuple(probes),
        joined(parts),
        signature,
        shape,
        failure,
        asked_vector,
        alternatives(asked),
        letter_share(probes[0].text, embedder.pieces),
    )


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
    task = vector_of(embedder, text.task) if text.task.strip() else np.zeros_like(said)
    return Views(said, task, literals, words, shape.error_class, shape.id)
