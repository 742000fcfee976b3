"""Conditions of long texts: what is asked is what counts, and short texts are as ever."""

from __future__ import annotations

import numpy as np
import pytest

from memory_core.service.conditions import conditions_of, joined, vector_of, vectors_of_conditions
from tests.memory_core.hash_embedder import HashEmbedder
from tests.memory_core.service.conftest import Bench
from tests.memory_core.test_reading import LOG, PASTED, TRACE, placed

EMBEDDER = HashEmbedder()
QUESTION = "Why is the export of orders empty?"


@pytest.mark.parametrize("place", ["behind", "before", "between"])
@pytest.mark.parametrize("kind", sorted(PASTED))
def test_a_long_task_is_asked_as_its_question_alone(kind: str, place: str) -> None:
    bare = conditions_of(EMBEDDER, QUESTION)
    long = conditions_of(EMBEDDER, placed(QUESTION, PASTED[kind], place))
    assert long.vector is not None
    assert bare.vector is not None
    np.testing.assert_allclose(long.vector, bare.vector, atol=1e-6)
    assert long.probes[0].text.startswith(QUESTION)
    assert long.task_text.startswith(QUESTION)
    assert all(weight < 1 for _, weight in long.probes[0].further)
    assert len(long.probes[0].vectors) <= 8


def test_short_texts_are_embedded_as_they_are() -> None:
    found = conditions_of(EMBEDDER, "task", "context", "KeyError: 'x'")
    task, context, error = map(EMBEDDER.embed_query, ("task", "context", "KeyError: 'x'"))
    assert found.vector is not None
    np.testing.assert_array_equal(found.vector, joined([(task, 1.0), (context, 0.5), (error, 0.5)]))
    assert [probe.text for probe in found.probes] == ["task", "KeyError: 'x'"]
    assert [probe.further for probe in found.probes] == [(), ()]


def test_a_bare_request_is_about_the_error_beside_it() -> None:
    found = conditions_of(EMBEDDER, f"Fix this:\n{TRACE}")
    assert "database is locked" in found.task_text
    assert found.vector is not None
    assert float(found.vector @ EMBEDDER.embed_query("database is locked")) > 0.3


def test_a_long_error_is_about_its_line() -> None:
    found = conditions_of(EMBEDDER, "", "", f"{LOG}\n{TRACE}\n{LOG}")
    assert "database is locked" in found.error_text
    assert found.vector is not None
    assert float(found.vector @ EMBEDDER.embed_query("database is locked")) > 0.3
    assert found.signature is not None


def test_without_a_model_the_words_of_the_question_are_searched_for() -> None:
    found = conditions_of(None, placed(QUESTION, LOG, "between"))
    assert [probe.text for probe in found.probes] == [QUESTION]


def test_one_vector_of_a_long_text_is_that_of_its_conditions() -> None:
    text = placed(QUESTION, LOG, "behind")
    vector, signature = vectors_of_conditions(EMBEDDER, text, "", "")
    assert vector is not None
    assert signature is None
    np.testing.assert_allclose(vector, vector_of(EMBEDDER, text), atol=1e-6)


@pytest.mark.parametrize("place", ["behind", "before", "between"])
def test_a_long_prompt_finds_what_its_question_finds(bench: Bench, place: str) -> None:
    bench.attach()
    bench.remember("Orders are exported after midnight", "An empty export was started too early.")
    for n in range(20):
        bench.remember(f"Worker {n}", f"processed job {n} in {n} ms after a restart number {n}")
    bare = bench.recall(QUESTION)
    long = bench.recall(placed(QUESTION, PASTED["log"][:3_500], place))
    assert [item.id for item in long.items][:1] == [item.id for item in bare.items][:1]
