"""Opening a store to read it, beside whoever owns it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from memory_core.errors import StoreUnavailable
from memory_core.store import log_files
from memory_core.store.lance_store import LanceStore
from tests.memory_core.store.making import DIMENSION, EMBEDDER, outcome, recall


def unreadable(*_: object) -> None:
    """As it is where the owner's shared memory may not be used."""
    return


def stocked(folder: Path) -> LanceStore:
    store = LanceStore.open(folder, maintain=False)
    store.bind_embedder(EMBEDDER.name, DIMENSION)
    for n in range(3):
        store.add_recall(recall(n))
        store.add_outcome(outcome(n))
    return store


def test_a_store_in_use_can_be_read_as_it_is_now(tmp_path: Path) -> None:
    owner = stocked(tmp_path / "s")
    reader = LanceStore.open(tmp_path / "s", maintain=False, read_only=True)
    assert [stored.record.id for stored in reader.outcomes()] == [f"out_{n:04d}" for n in range(3)]
    assert len(list(reader.recalls())) == 3
    with pytest.raises(StoreUnavailable, match="read-only"):
        reader.add_outcome(outcome(9))
    owner.add_outcome(outcome(3))
    assert len(list(reader.outcomes())) == 4
    owner.compact()
    assert len(list(reader.outcomes())) == 4
    reader.close()
    owner.close()
    again = LanceStore.open(tmp_path / "s", maintain=False)
    assert len(list(again.outcomes())) == 4
    again.close()


def test_a_folder_without_a_store_is_not_opened_for_reading_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="holds no store"):
        LanceStore.open(tmp_path / "s", read_only=True)
    assert not (tmp_path / "s").exists()


def test_a_log_that_is_written_meanwhile_is_copied_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy across a write may be torn: only one between two writes counts."""
    owner, copies = stocked(tmp_path / "s"), []
    copy = shutil.copyfile
    monkeypatch.setattr(log_files, "beside_its_owner", unreadable)

    def meanwhile(source: Path, target: Path) -> None:
        copy(source, target)
        copies.append(source)
        if len(copies) == 1:
            owner.add_outcome(outcome(7))

    monkeypatch.setattr(shutil, "copyfile", meanwhile)
    reader = LanceStore.open(tmp_path / "s", maintain=False, read_only=True)
    assert len(list(reader.outcomes())) == 4
    assert len(copies) > 2
    reader.close()
    owner.close()


def test_a_log_that_never_rests_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, written = stocked(tmp_path / "s"), iter(range(10, 1_000))
    copy = shutil.copyfile
    monkeypatch.setattr(log_files, "beside_its_owner", unreadable)

    def meanwhile(source: Path, target: Path) -> None:
        copy(source, target)
        owner.add_outcome(outcome(next(written)))

    monkeypatch.setattr(shutil, "copyfile", meanwhile)
    with pytest.raises(StoreUnavailable, match="being written"):
        LanceStore.open(tmp_path / "s", read_only=True)
    owner.close()
