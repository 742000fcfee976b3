"""The stand-in for the model keeps what the tests rely on."""

from __future__ import annotations

import numpy as np

from tests.memory_core.hash_embedder import HashEmbedder


def test_like_texts_are_more_similar_than_unlike_ones() -> None:
    first, like, unlike = HashEmbedder().embed_documents(
        ["read a csv file with a bom", "open a csv file that has a bom", "bake bread at noon"]
    )
    assert first @ like > first @ unlike


def test_vectors_are_unit_float32_and_the_same_every_time() -> None:
    texts = ["", "a", "b", "\ud800", "word " * 1000]
    vectors = HashEmbedder().embed_documents(texts)
    assert vectors.dtype == np.float32
    assert vectors.shape == (5, 64)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    np.testing.assert_array_equal(vectors[1], HashEmbedder().embed_query("a"))
    assert HashEmbedder().embed_documents([]).shape == (0, 64)
