"""Clusters of failures: what a correction takes out, soon and late; the cosines of centres."""

from __future__ import annotations

import numpy as np
import pytest

from memory_core.ports import Vector
from memory_core.service import notebook as notebook_module
from memory_core.service.clusters import Failure, Seen, Sums
from memory_core.service.notebook import Notebook


def unit(*values: float) -> Vector:
    vector = np.array(values, dtype=np.float32)
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def failed(signature: Vector) -> Failure:
    return Failure("demo", "KeyError", "", signature, signature)


def seen(owner: str, cluster: str = "sig_1") -> Seen:
    return Seen(owner, cluster, 1.0, ("item_1",), "KeyError: x")


NORTH, EAST = unit(1, 0, 0), unit(0, 1, 0)
BETWEEN = unit(*range(1, 9))


def test_a_correction_takes_the_failure_out_of_count_and_centre() -> None:
    notebook = Notebook()
    notebook.observe(seen("a"), failed(NORTH))
    notebook.observe(seen("b"), failed(EAST))
    assert notebook.place(failed(NORTH)) is None  # the centre lies between: cosine 0.71
    notebook.withdraw("b")
    assert notebook.place(failed(NORTH)) == "sig_1"
    assert [told.seen for told in notebook.clusters("demo")] == [1]


def test_a_correction_long_after_takes_the_failure_out_of_the_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notebook_module, "VECTORS_KEPT", 2)
    notebook = Notebook()
    for owner in "abcd":
        notebook.observe(seen(owner), failed(NORTH))
    notebook.withdraw("a")
    assert [told.seen for told in notebook.clusters("demo")] == [3]
    for owner in "bcd":
        notebook.withdraw(owner)
    assert notebook.clusters("demo") == ()
    assert notebook.match(failed(NORTH), by_error=True) == ()


def test_a_corrected_failure_keeps_its_vectors_though_its_first_report_is_old(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(notebook_module, "VECTORS_KEPT", 2)
    notebook = Notebook()
    notebook.observe(seen("a"), failed(NORTH))
    notebook.observe(seen("b"), failed(EAST))
    notebook.observe(seen("b"), failed(EAST))  # corrected: the first of it is told no longer
    notebook.observe(seen("a"), failed(NORTH))
    notebook.withdraw("b")
    assert notebook.place(failed(NORTH)) == "sig_1"


def test_cosines_are_those_of_the_summed_directions() -> None:
    sums = Sums()
    vectors = np.random.default_rng(3).normal(size=(200, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for number, vector in enumerate(vectors):
        sums.add(number % 100, vector, 1)
    sums.add(7, vectors[107], -1)
    whole = vectors[:100] + vectors[100:]
    whole[7] = vectors[7]
    told = sums.cosines(BETWEEN, 100)
    expected = (whole @ BETWEEN) / np.linalg.norm(whole, axis=1)
    assert told == pytest.approx(expected, abs=1e-6)


def test_a_row_of_nothing_is_like_nothing() -> None:
    sums = Sums()
    assert sums.cosines(NORTH, 2).tolist() == [-1.0, -1.0]
    sums.add(0, NORTH, 1)
    sums.add(1, EAST, 1)
    sums.add(1, EAST, -1)
    assert sums.cosines(NORTH, 200).tolist() == [1.0] + [-1.0] * 199
    assert sums.cosines(None, 1).tolist() == [-1.0]
