"""A replica's copy in the temporary folder: what killed replicas left behind goes, nothing else."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest
from filelock import FileLock

from server.peers.opening import PREFIX, sweep_copies


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def copy_at(folder: Path, name: str, age: float = 3600.0) -> Path:
    copy = folder / f"{PREFIX}{name}"
    (copy / "copy").mkdir(parents=True)
    (copy / "copy" / "meta.json").write_text("{}")
    (copy / "lock").touch()
    then = time.time() - age
    os.utime(copy, (then, then))
    return copy


def test_a_copy_whose_replica_is_gone_is_removed(made: Path) -> None:
    left = copy_at(made, "left")
    sweep_copies()
    assert not left.exists()


def test_copies_in_use_young_ones_and_what_is_none_stay(made: Path) -> None:
    used, young = copy_at(made, "used"), copy_at(made, "young", age=1.0)
    bare = made / f"{PREFIX}bare"
    bare.mkdir()
    os.utime(bare, (0, 0))
    link = made / f"{PREFIX}link"
    elsewhere = copy_at(made / "elsewhere", "else")
    link.symlink_to(elsewhere)
    with FileLock(used / "lock"):
        sweep_copies()
    assert all((copy / "copy" / "meta.json").is_file() for copy in (used, young, elsewhere))
    assert bare.is_dir()
    assert link.is_symlink()
