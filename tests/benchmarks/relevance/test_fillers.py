"""What is pasted around a question: its size, its parts, and the question whole."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from benchmarks.relevance.fillers import PLACES, TALK, Fillers

QUESTION = "Why does the comma of a price break a column?"


@pytest.mark.parametrize("kind", TALK)
def test_talk_is_drawn_anew_and_of_one_part_only(kind: str, tmp_path: Path) -> None:
    dev, test = Fillers(tmp_path, "dev"), Fillers(tmp_path, "test")
    for size in (2_000, 7_000):
        text = dev.filler(kind, Random(size), size)
        assert size // 2 < len(text) <= size
        assert not set(text.splitlines()[:-1]) & set(
            test.filler(kind, Random(size), size).splitlines()
        ) - {""}
    assert dev.filler(kind, Random(1), 3_000) != dev.filler(kind, Random(2), 3_000)
    for place in PLACES:
        assert QUESTION in dev.prompt(QUESTION, kind, place, 1).splitlines()
