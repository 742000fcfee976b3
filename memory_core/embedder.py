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

    def embed_query(self, text: str) -> Vector:
        prepared = _prepared(text)
        key = hashlib.blake2b(prepared.encode(), digest_size=16).digest()
        vector = self._cached(key)
        if vector is not None:
            return vector
        with self._encoding:
            vector = self._cached(key)  # another thread may have computed it meanwhile
            if vector is None:
                vector = self._encode([prepared], _QUERY_THREADS)[0]
                vector.setflags(write=False)
                self._keep(key, vector)
        return vector

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
        return np.asarray(encoded, dtype=np.float32)

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
