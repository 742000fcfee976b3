"""What the doctor says of a store in a bucket."""

from __future__ import annotations

from pathlib import Path

import pytest

from memory_core.doctor.examination import check_bucket
from memory_core.store.lance_store import LanceStore
from memory_core.store.remote.bucket_objects import BucketObjects
from memory_core.store.remote.objects import Objects
from memory_core.store.remote.reaching import objects_at
from memory_core.store.remote.sharing import Sharing


def test_a_place_that_is_well_is_told_with_its_writer(tmp_path: Path, shared_url: str) -> None:
    check = check_bucket(shared_url)
    assert (check.status, check.move) == ("ok", "")
    assert "nobody writes to it now" in check.found
    store = LanceStore.open(tmp_path / "store", sharing=Sharing(shared_url))
    assert "pid" in check_bucket(shared_url).found
    store.close()
    assert "nobody writes to it now" in check_bucket(shared_url).found
    assert [name for name in objects_at(shared_url).names("") if "probe" in name] == []


def test_a_key_that_a_database_refuses_is_told_with_the_next_move(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANCEDB_API_KEY", "another")
    wrong = check_bucket(database_url)
    monkeypatch.delenv("LANCEDB_API_KEY")
    missing = check_bucket(database_url)
    for check in (wrong, missing):
        assert check.status == "fail"
        assert "refuses this key" in check.found
        assert "LANCEDB_API_KEY" in check.move


def test_a_database_that_cannot_be_reached_is_told(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANCEDB_HOST", "http://127.0.0.1:9")
    check = check_bucket(database_url)
    assert check.status == "fail"
    assert f"database of {database_url} cannot be reached" in check.found


def test_a_bucket_that_is_not_there_is_told_with_the_next_move(bucket_url: str) -> None:
    check = check_bucket("s3://nobody-made-this/prefix")
    assert check.status == "fail"
    assert "There is no bucket" in check.found
    assert "Create it" in check.move


def test_a_bucket_without_conditional_puts_is_refused(
    tmp_path: Path, bucket_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def heedless(self: Objects, name: str, content: bytes) -> str:
        self.put(name, content)
        return "tag"

    monkeypatch.setattr(BucketObjects, "put_new", heedless)
    check = check_bucket(bucket_url)
    assert check.status == "fail"
    assert "does not honour conditional puts" in check.found
