"""What a power cut left of an earlier store is read as its own opening would have read it."""

from __future__ import annotations

import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest

from memory_core.errors import StoreUnavailable
from memory_core.store import earlier
from memory_core.store.lance_store import LanceStore
from memory_core.store.schema import entry_of
from tests.memory_core.store.making import outcome
from tests.memory_core.stores import ARCHIVES

EARLIER = "0.1.0"
TEARS = {
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "garbage": lambda path: path.write_bytes(b"\x00garbage" * 40),
}
_NEWEST = 2**64 - 1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVES / f"{EARLIER}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "store"


def counted(folder: Path) -> tuple[int, ...]:
    store = LanceStore.open(folder, maintain=False)
    logged = (store.recalls(), store.outcomes(), store.events())
    counts = (sum(store.count_items().values()), *(sum(1 for _ in each) for each in logged))
    store.close()
    assert min(counts[:3]) > 0
    return counts


def in_the_journal(folder: Path, count: int) -> None:
    """Let outcomes wait in the journal, as a process leaves them that is killed."""
    entries = [entry_of(900_000 + n, "outcomes", outcome(n)) for n in range(count)]
    with closing(sqlite3.connect(folder / earlier.JOURNAL)) as db, db:
        for entry in entries:
            payload = entry.payload()
            row = (entry.seq, "outcomes", payload, None, None)
            crc = earlier.checksum("outcomes", payload, None, None)
            db.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", (*row, crc))


@pytest.mark.parametrize(
    ("table", "tear"),
    [("items", "empty"), ("items", "half"), ("outcomes", "garbage"), ("events", "empty")],
)
def test_versions_that_were_never_synced_are_moved_aside(
    table: str, tear: str, folder: Path
) -> None:
    before = counted(Path(shutil.copytree(folder, folder.with_name("copy"))))
    versions = folder / "lance" / f"{table}.lance" / "_versions"
    newest = min(versions.glob("*.manifest"))
    torn = versions / f"{int(newest.stem) - 1}.manifest"
    torn.write_bytes(newest.read_bytes())
    TEARS[tear](torn)
    with closing(sqlite3.connect(folder / earlier.JOURNAL)) as db:
        (settled,) = db.execute("SELECT version FROM settled WHERE name = ?", (table,)).fetchone()
    assert settled == _NEWEST - int(newest.stem)
    earlier.go_back(folder, folder / "lance" / f"{table}.lance", settled)
    assert not torn.exists()
    assert list((folder / "quarantine").rglob(torn.name))
    assert counted(folder) == before


def test_a_table_beyond_repair_is_refused_and_all_is_left_as_it_is(folder: Path) -> None:
    for path in (folder / "lance" / "outcomes.lance" / "_versions").glob("*.manifest"):
        path.write_bytes(b"")
    with pytest.raises(StoreUnavailable, match=r"outcomes.*beyond repair.*backup"):
        LanceStore.open(folder)
    assert list((folder / "lance" / "outcomes.lance" / "data").iterdir())
    assert (folder / earlier.JOURNAL).exists()
    assert not (folder / "log.db").exists()


def test_what_waited_in_the_journal_is_in_the_log(folder: Path) -> None:
    in_the_journal(folder, 5)
    store = LanceStore.open(folder, maintain=False)
    found = [stored.record.id for stored in store.outcomes()]
    assert found[-5:] == [f"out_{n:04d}" for n in range(5)]
    store.add_outcome(outcome(50))
    assert [stored.record.id for stored in store.outcomes()][-1] == "out_0050"
    store.close()


def test_what_is_readable_of_a_damaged_journal_is_in_the_log(folder: Path) -> None:
    in_the_journal(folder, 400)
    path = folder / earlier.JOURNAL
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode=DELETE")
    content = bytearray(path.read_bytes())
    for share in (0.6, 0.8):
        place = int(len(content) * share) // 4096 * 4096
        content[place : place + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    store = LanceStore.open(folder, maintain=False)
    found = {stored.record.id for stored in store.outcomes()}
    kept = sum(f"out_{n:04d}" in found for n in range(400))
    assert 100 < kept < 400
    store.close()


def test_a_journal_row_with_flipped_bits_is_left_out(folder: Path) -> None:
    in_the_journal(folder, 3)
    with closing(sqlite3.connect(folder / earlier.JOURNAL)) as db, db:
        db.execute("UPDATE entries SET crc = crc + 1 WHERE seq = 900001")
    store = LanceStore.open(folder, maintain=False)
    found = [stored.record.id for stored in store.outcomes()]
    assert found[-2:] == ["out_0000", "out_0002"]
    store.close()
