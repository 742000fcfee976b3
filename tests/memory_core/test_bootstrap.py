"""`evaluate` reads a store as it lies on the disk, and changes no byte of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from memory_core.bootstrap import evaluate
from memory_core.errors import StoreUnavailable
from memory_core.settings import Settings
from tests.memory_core.service.conftest import Bench

WAYS = ("Guess the format", "Give the format", "Split the text")


def content(folder: Path) -> dict[str, str]:
    """Every file of the folder with its hash."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def used(folder: Path) -> Bench:
    bench = Bench(folder).attach()
    for way in WAYS:
        bench.remember(way, f"{way} of the dates.", task="parse dates")
    for n in range(12):
        answer = bench.recall("parse dates", session=f"s{n}")
        outcome = "success" if answer.items[0].title == WAYS[1] else "failure"
        bench.report(outcome, recall_id=answer.recall_id)
    bench.settle()
    return bench


def test_a_closed_store_is_replayed_and_no_byte_of_it_changes(tmp_path: Path) -> None:
    used(tmp_path / "store").service.close()
    before = content(tmp_path)
    found = evaluate(Settings(store=tmp_path / "store"))
    assert (found.outcomes, found.scored) == (12, 12)
    assert content(tmp_path) == before


def test_a_store_in_use_is_replayed_beside_its_owner(tmp_path: Path) -> None:
    """With what is only in its journal yet; the owner goes on."""
    bench = used(tmp_path / "store")
    found = evaluate(Settings(store=tmp_path / "store"))
    assert found.outcomes == 12
    answer = bench.recall("parse dates", session="later")
    assert bench.report("success", recall_id=answer.recall_id).status == "recorded"
    assert evaluate(Settings(store=tmp_path / "store")).outcomes == 13
    bench.service.close()


def test_no_store_is_one_sentence_and_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="holds no store"):
        evaluate(Settings(store=tmp_path / "nowhere"))
    assert not (tmp_path / "nowhere").exists()
