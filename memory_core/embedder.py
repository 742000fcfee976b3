"""Text to unit vectors with sentence-transformers, on the CPU.

No network, no remote code, no pickle. Importing this module is cheap; torch and
sentence-transformers are imported by `SentenceEmbedder.load`. Which model is
meant and whether it is unaltered is `memory_core.model_files`' to say; this
module knows no items and no storage.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from memory_core.errors import ModelUnavailable, shown
from memory_core.model_files import ModelFiles, find_model
from memory_core.ports import Matrix, Vector
from memory_core.threads import calm_threads
from memory_core.unknown_words import blended, may_be_unknown, unknown_share

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_CACHED_QUERIES = 4096
_LONGEST = 20_000
"""Characters read of one text: far beyond any model's window, so that a huge text costs little."""
_CHUNK = 8
"""Documents per lock hold: a query waits for one chunk, not for a whole batch."""
_QUERY_THREADS = 1
"""Measured on 2 cores: a second, passively waiting thread gives one short query nothing."""
_MOST_BATCH_THREADS = 4
_WINDOW, _MARKS = 256, 2
"""Word pieces that a model reads where it does not say, and those of them that are its marks."""


def _batch_threads() -> int:
    """How many threads a batch may use: one where they would spin (torch came before us)."""
    if os.environ.get("OMP_WAIT_POLICY", "").upper() != "PASSIVE":
        return _QUERY_THREADS
    return max(1, min(_MOST_BATCH_THREADS, os.cpu_count() or 1))


def _open_model(folder: Path) -> SentenceTransformer:
    """Load a folder that is on this disk: offline, safetensors only, no code of the model's own."""
    if "torch" not in sys.modules:
        calm_threads()
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["TRANSFORMERS_OFFLINE"] = "1"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return SentenceTransformer(
        str(folder),
        device="cpu",
        trust_remote_code=False,
        local_files_only=True,
        model_kwargs={"use_safetensors": True},
    )


@contextmanager
def _torch_threads(count: int) -> Iterator[None]:
    """Run a block with `count` torch threads; afterwards this thread has the number for queries."""
    import torch

    if torch.get_num_threads() != count:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        if count != _QUERY_THREADS:
            torch.set_num_threads(_QUERY_THREADS)


def _prepared(text: str) -> str:
    """What the model reads of `text`: bounded, valid Unicode, "" when it is blank."""
    cut = text[:_LONGEST].encode("utf-8", "replace").decode("utf-8")
    return cut if cut.strip() else ""


def _alike(wanted: dict[bytes, str]) -> list[list[bytes]]:
    """Keys of texts in batches in which none is longer than twice the shortest and a little."""
    batches: list[list[bytes]] = []
    shortest = 0
    for key in sorted(wanted, key=lambda key: len(wanted[key])):
        size = len(wanted[key])
        if batches and size <= 2 * shortest + 40:
            batches[-1].append(key)
        else:
            batches.append([key])
            shortest = size
    return batches


class SentenceEmbedder:
    """A sentence-transformers model as an `Embedder`: unit float32 vectors, thread-safe.

    Made by `load`. Encoding is serialised by a lock; the vectors of the last
    4,096 queries are kept. Vectors are read-only, as callers share them.

    Example:
        >>> embedder = SentenceEmbedder.load()  # doctest: +SKIP
        >>> embedder.embed_query("read a CSV with a byte order mark").shape  # doctest: +SKIP
        (384,)
    """

    def __init__(self, files: ModelFiles, model: SentenceTransformer) -> None:
        dimension = model.get_embedding_dimension()
        if not dimension:
            raise ModelUnavailable(
                f"The model {shown(files.label)} gives no sentence vectors. "
                "Name a sentence-transformers model in LESSONBANK_MODEL."
            )
        self._files = files
        self._model = model
        self._dimension = int(dimension)
        self._encoding = threading.Lock()
        self._caching = threading.Lock()
        self._cache: OrderedDict[bytes, Vector] = OrderedDict()
        self._batch_threads = _batch_threads()

    @classmethod
    def load(cls, model: str = "") -> SentenceEmbedder:
        """Verify and load a model; takes seconds, most of them imports.

        Raises:
            ModelUnavailable: Missing, altered, or not a sentence-transformers model.
        """
        files = find_model(model)
        try:
            return cls(files, _open_model(files.folder))
        except ModelUnavailable:
            raise
        except Exception as error:  # whatever a foreign folder makes the library raise
            raise ModelUnavailable(
                f"The model in {shown(str(files.folder))} cannot be loaded "
                f"({type(error).__name__}: {shown(str(error))}). "
                "Name another model in LESSONBANK_MODEL, or unset it to use the packaged one."
            ) from error

    @property
    def name(self) -> str:
        return self._files.name

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def window(self) -> int:
        return int(self._model.max_seq_length or _WINDOW) - _MARKS

    def pieces(self, text: str) -> int:
        with self._encoding:
            said = self._model.tokenizer(_prepared(text), add_special_tokens=False, verbose=False)
        return len(said["input_ids"])

    def embed_query(self, text: str) -> Vector:
        return self.embed_queries([text])[0]

    def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        prepared = [_prepared(text) for text in texts]
        keys = [hashlib.blake2b(text.encode(), digest_size=16).digest() for text in prepared]
        found = {key: self._cached(key) for key in keys}
        if any(vector is None for vector in found.values()):
            with self._encoding:
                for key in keys:  # another thread may have computed some meanwhile
                    found[key] = self._cached(key) if found[key] is None else found[key]
                wanted = {k: t for k, t in zip(keys, prepared, strict=True) if found[k] is None}
                found |= self._encoded_queries(wanted)
        return [vector for key in keys if (vector := found[key]) is not None]

    def _encoded_queries(self, wanted: dict[bytes, str]) -> dict[bytes, Vector | None]:
        """Encode texts by key, those of like length together: a batch is as long as its longest."""
        made: dict[bytes, Vector | None] = {}
        for batch in _alike(wanted):
            threads = _QUERY_THREADS if len(wanted) == 1 else self._batch_threads
            vectors = self._encode([wanted[key] for key in batch], threads)
            for key, row in zip(batch, vectors, strict=True):
                vector: Vector = np.array(row)
                vector.setflags(write=False)
                self._keep(key, vector)
                made[key] = vector
        return made

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        prepared = [_prepared(text) for text in texts]
        vectors = np.empty((len(prepared), self._dimension), dtype=np.float32)
        order = sorted(range(len(prepared)), key=lambda index: len(prepared[index]))
        threads = self._batch_threads if len(prepared) > _CHUNK else _QUERY_THREADS
        for start in range(0, len(order), _CHUNK):
            chunk = order[start : start + _CHUNK]
            with self._encoding:
                vectors[chunk] = self._encode([prepared[index] for index in chunk], threads)
        vectors.setflags(write=False)
        return vectors

    def knows(self, word: str) -> bool:
        with self._encoding:
            return len(self._model.tokenizer.tokenize(word)) == 1

    def _encode(self, texts: list[str], threads: int) -> Matrix:
        """Give float32[len(texts), d], rows of unit length. The caller holds `_encoding`."""
        with _torch_threads(threads):
            encoded = self._model.encode(
                texts,
                batch_size=_CHUNK,
                show_progress_bar=False,
                convert_to_numpy=True,
                normalize_embeddings=True,
            )
        rows: Matrix = np.asarray(encoded, dtype=np.float32)
        for row, text in enumerate(texts):
            if may_be_unknown(text):
                rows[row] = blended(rows[row], text, self._unknown(text))
        return rows

    def _unknown(self, text: str) -> float:
        """How much of a text the model cannot read; see `unknown_share`."""
        tokenizer = self._model.tokenizer
        if not tokenizer.unk_token:
            return 0.0
        return unknown_share(tokenizer.tokenize(text)[: self.window], tokenizer.unk_token)

    def _cached(self, key: bytes) -> Vector | None:
        with self._caching:
            vector = self._cache.get(key)
            if vector is not None:
                self._cache.move_to_end(key)
            return vector

    def _keep(self, key: bytes, vector: Vector) -> None:
        with self._caching:
            self._cache[key] = vector
            if len(self._cache) > _CACHED_QUERIES:
                self._cache.popitem(last=False)
