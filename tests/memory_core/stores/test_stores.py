"""A store that an earlier version wrote keeps what it knew: lessons, records, order, proof."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from memory_core.store.lance_store import LanceStore
from memory_core.store.meta import SCHEMA_VERSION, load_meta
from memory_core.store.settling import Settlement
from tests.memory_core.service.conftest import Bench
from tests.memory_core.stores import ARCHIVES, told

Told = dict[str, Any]
VERSIONS = sorted(path.name.removesuffix(".tar.xz") for path in ARCHIVES.glob("*.tar.xz"))


@pytest.fixture(params=VERSIONS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Told]:
    """A copy of the store of a version, and what it told when it was written."""
    with tarfile.open(ARCHIVES / f"{request.param}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    what = json.loads((ARCHIVES / f"{request.param}.json").read_text(encoding="utf-8"))
    return tmp_path / "store", what


def opened(folder: Path) -> Told:
    """What the store tells today."""
    bench = Bench(folder).attach()
    bench.now = 2_000_000.0
    try:
        bench.settle()
        return told(bench)
    finally:
        bench.service.close()


def test_an_earlier_store_tells_what_it_told(kept: tuple[Path, Told]) -> None:
    """Nothing that was learned is lost by a new version."""
    folder, what = kept
    assert opened(folder) == what


def test_an_earlier_store_learns_the_same_again_from_its_log(
    kept: tuple[Path, Told],
) -> None:
    """The log alone is enough: checkpoints may be lost."""
    folder, what = kept
    shutil.rmtree(folder / "learner")
    again = opened(folder)
    for exact in ("lessons", "firsts", "reports"):
        assert again[exact] == what[exact]
    assert again["weights"] == pytest.approx(what["weights"], abs=0.01)
    assert {**again["proof"], "gain": 0.0} == {**what["proof"], "gain": 0.0}
    assert again["proof"]["gain"] == pytest.approx(what["proof"]["gain"], abs=0.01)


def lost_before(settled: bool) -> Callable[..., None]:
    """The end of a process at a step of the migration: what it made is synced, or is not."""
    real = Settlement.settle

    def settle(self: Settlement, *arguments: Any) -> None:
        if settled:
            real(self, *arguments)
        raise KeyboardInterrupt

    return settle


@pytest.mark.parametrize("settled", [False, True])
def test_a_migration_that_was_cut_off_is_done_again(kept: tuple[Path, Told], settled: bool) -> None:
    """A power cut takes away what was not synced; the number tells what is still to do."""
    folder, what = kept
    before = load_meta(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Settlement, "settle", lost_before(settled))
        with pytest.raises(KeyboardInterrupt):
            LanceStore.open(folder, maintain=False)
    assert load_meta(folder) == before
    assert opened(folder) == what
    after = load_meta(folder)
    assert after is not None
    assert after.schema_version == SCHEMA_VERSION
    assert opened(folder)["reports"] == what["reports"]
