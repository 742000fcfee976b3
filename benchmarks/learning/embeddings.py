"""The product's embedding model with a memory on disk, so that a text is embedded once.

Every text is embedded alone: its vector does not depend on what was embedded
beside it, so runs with and without a filled cache see the same bits.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from memory_core.ports import Embedder, Matrix, Vector

DEFAULT_CACHE = Path("~/.cache/lessonbank-bench")


class CachedEmbedder:
    """An `Embedder` that asks its model only for texts that no earlier run embedded.

    Args:
        name: Of the model; part of every key.
        dimension: Of its vectors.
        load: Loads the model; called at the first text that is not cached.
        folder: Where the cache file lies; several processes may share it.
    """

    def __init__(
        self, name: str, dimension: int, load: Callable[[], Embedder], folder: Path
    ) -> None:
        self._name, self._dimension, self._load = name, dimension, load
        self._model: Embedder | None = None
        self._lock = threading.Lock()
        self._known: dict[bytes, Vector] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file = sqlite3.connect(
            folder / "embeddings.sqlite",
            timeout=60.0,
            check_same_thread=False,
            isolation_level=None,
        )
        self._file.execute("PRAGMA journal_mode=WAL")
        self._file.execute("PRAGMA synchronous=OFF")
        self._file.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID"
        )

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimension(self) -> int:
        return self._dimension

    def embed_query(self, text: str) -> Vector:
        key = hashlib.blake2b(f"{self._name}\0{text}".encode("utf-8", "replace")).digest()[:20]
        with self._lock:
            vector = self._known.get(key)
            if vector is None:
                vector = self._stored(key)
            if vector is None:
                vector = self._computed(key, text)
            self._known[key] = vector
        return vector

    @property
    def window(self) -> int:
        return self._loaded().window

    def pieces(self, text: str) -> int:
        return self._loaded().pieces(text)

    def embed_queries(self, texts: Sequence[str]) -> list[Vector]:
        return [self.embed_query(text) for text in texts]

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        rows = [self.embed_query(text) for text in texts]
        return np.stack(rows) if rows else np.zeros((0, self._dimension), np.float32)

    def knows(self, word: str) -> bool:
        """As the model itself says: nothing of it is kept."""
        return self._loaded().knows(word)

    def _loaded(self) -> Embedder:
        with self._lock:
            if self._model is None:
                self._model = self._load()
            return self._model

    def _stored(self, key: bytes) -> Vector | None:
        row = self._file.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone()
        return np.frombuffer(row[0], dtype=np.float32) if row else None

    def _computed(self, key: bytes, text: str) -> Vector:
        if self._model is None:
            self._model = self._load()
        vector: Vector = np.array(self._model.embed_documents([text])[0], dtype=np.float32)
        vector.setflags(write=False)
        self._file.execute("INSERT OR IGNORE INTO vectors VALUES (?, ?)", (key, vector.tobytes()))
        return vector

    def close(self) -> None:
        """Let go of the cache file."""
        self._file.close()


def served_model(folder: Path | None = None) -> CachedEmbedder:
    """Give the model that the product serves (`LESSONBANK_MODEL`, else the packaged one), cached.

    Args:
        folder: Of the cache, `~/.cache/lessonbank-bench` by default.
    """
    from memory_core.embedder import SentenceEmbedder
    from memory_core.model_files import find_model

    wanted = os.environ.get("LESSONBANK_MODEL", "")
    files = find_model(wanted)
    place = (folder or DEFAULT_CACHE).expanduser()
    dimension = _dimension(files.folder)
    return CachedEmbedder(files.name, dimension, lambda: SentenceEmbedder.load(wanted), place)


def _dimension(model: Path) -> int:
    """Read the vectors' dimension from a sentence-transformers folder, without loading it."""
    import json

    pooling = model / "1_Pooling" / "config.json"
    source = pooling if pooling.exists() else model / "config.json"
    read = json.loads(source.read_text(encoding="utf-8"))
    return int(read.get("word_embedding_dimension") or read["hidden_size"])
