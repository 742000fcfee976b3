"""The cache gives the model's own bits, once computed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks.learning.embeddings import CachedEmbedder
from memory_core.ports import Embedder, Matrix
from tests.memory_core.hash_embedder import HashEmbedder

TEXTS = ("open the door", "", "close the door")


class Counted(HashEmbedder):
    """Counts the texts that it embeds."""

    def __init__(self) -> None:
        super().__init__(16)
        self.texts: list[str] = []

    def embed_documents(self, texts: Sequence[str]) -> Matrix:
        self.texts += texts
        return super().embed_documents(texts)


def refuse() -> Embedder:
    raise AssertionError("everything is cached")


def test_vectors_are_the_models_own(tmp_path: Path) -> None:
    model = Counted()
    cached = CachedEmbedder("a@1", 16, lambda: model, tmp_path)
    assert np.array_equal(cached.embed_documents(TEXTS), HashEmbedder(16).embed_documents(TEXTS))
    assert cached.dimension == 16
    cached.close()


def test_a_text_is_embedded_once_and_alone(tmp_path: Path) -> None:
    model = Counted()
    cached = CachedEmbedder("a@1", 16, lambda: model, tmp_path)
    cached.embed_documents(TEXTS)
    cached.embed_documents(TEXTS)
    cached.embed_query(TEXTS[0])
    assert model.texts == list(TEXTS)
    cached.close()


def test_a_later_run_needs_no_model_and_sees_the_same_bits(tmp_path: Path) -> None:
    first = CachedEmbedder("a@1", 16, lambda: HashEmbedder(16), tmp_path)
    vectors = first.embed_documents(TEXTS)
    first.close()
    second = CachedEmbedder("a@1", 16, refuse, tmp_path)
    assert second.embed_documents(TEXTS).tobytes() == vectors.tobytes()
    second.close()


def test_models_do_not_share_vectors(tmp_path: Path) -> None:
    first = CachedEmbedder("a@1", 16, lambda: HashEmbedder(16), tmp_path)
    first.embed_query(TEXTS[0])
    first.close()
    other = CachedEmbedder("b@2", 16, refuse, tmp_path)
    with pytest.raises(AssertionError, match="cached"):
        other.embed_query(TEXTS[0])
    other.close()


def test_no_texts_give_an_empty_matrix(tmp_path: Path) -> None:
    cached = CachedEmbedder("a@1", 16, refuse, tmp_path)
    assert cached.embed_documents(()).shape == (0, 16)
    cached.close()
