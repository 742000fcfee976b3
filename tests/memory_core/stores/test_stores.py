"""A store that an earlier version wrote keeps what it knew: lessons, records, order, proof."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from memory_core.errors import StoreUnavailable
from memory_core.store import disk, earlier
from memory_core.store.lance_store import LanceStore
from memory_core.store.log import Log
from memory_core.store.meta import SCHEMA_VERSION, Meta, load_meta
from tests.memory_core.stores import ARCHIVES, opened

Told = dict[str, Any]
VERSIONS = sorted(path.name.removesuffix(".tar.xz") for path in ARCHIVES.glob("*.tar.xz"))


def fitting(told: Told) -> Told:
    """What it told, but for firsts of other tasks: how strangers are held down is today's."""
    own = {q: title for q, title in told["firsts"].items() if title.lower().startswith(q)}
    return {**told, "firsts": own}


def assert_told(again: Told, what: Told, *without: str) -> None:
    """Nothing of what was told is lost, but for the named parts."""
    kept, held = ({k: v for k, v in one.items() if k not in without} for one in (again, what))
    firsts = {query: again["firsts"][query] for query in fitting(what)["firsts"]}
    assert {**kept, "firsts": firsts} == fitting({"firsts": what["firsts"], **held})


@pytest.fixture(params=VERSIONS)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Told]:
    """A copy of the store of a version, and what it told when it was written."""
    with tarfile.open(ARCHIVES / f"{request.param}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    what = json.loads((ARCHIVES / f"{request.param}.json").read_text(encoding="utf-8"))
    return tmp_path / "store", what


def test_an_earlier_store_tells_what_it_told(kept: tuple[Path, Told]) -> None:
    """Nothing that was learned is lost by a new version."""
    folder, what = kept
    assert_told(opened(folder), what)


def test_an_earlier_store_learns_the_same_again_from_its_log(
    kept: tuple[Path, Told],
) -> None:
    """The log alone is enough: checkpoints may be lost."""
    folder, what = kept
    shutil.rmtree(folder / "learner")
    again = opened(folder)
    assert_told(again, what, "weight", "weights", "proof")
    assert again["weights"] == pytest.approx(what["weights"], abs=0.01)
    assert {**again["proof"], "gain": 0.0} == {**what["proof"], "gain": 0.0}
    assert again["proof"]["gain"] == pytest.approx(what["proof"]["gain"], abs=0.01)


def killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


ENDS: dict[str, tuple[Any, str]] = {
    "before the first row": (Log, "append"),
    "before all rows were compared": (earlier, "_compare"),
    "before the log has its name": (disk, "sync_folder"),
    "before the new number": (Meta, "save"),
    "before the old files go": (earlier, "remove"),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_migration_that_was_cut_off_is_done_again(kept: tuple[Path, Told], end: str) -> None:
    """Until the log holds all of it, nothing of the old store is touched; then it goes on."""
    folder, what = kept
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*ENDS[end], killed)
        with pytest.raises(KeyboardInterrupt):
            LanceStore.open(folder, maintain=False)
    assert_told(opened(folder), what)
    after = load_meta(folder)
    assert after is not None
    assert after.schema_version == SCHEMA_VERSION
    assert sorted(path.name for path in (folder / "lance").iterdir()) == ["items.lance"]
    assert not list(folder.glob("journal.db*"))
    assert not list(folder.glob("*.part"))
    assert opened(folder)["reports"] == what["reports"]


def test_a_migration_that_has_no_room_leaves_the_store_as_it_was(
    kept: tuple[Path, Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, what = kept
    before = load_meta(folder)

    def full(*_: Any, **__: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(Log, "append", full)
    with pytest.raises(StoreUnavailable, match="full"):
        LanceStore.open(folder, maintain=False)
    monkeypatch.undo()
    assert load_meta(folder) == before
    assert_told(opened(folder), what)


def test_a_migrated_store_finds_by_the_index_that_it_had(kept: tuple[Path, Told]) -> None:
    """Nothing is embedded or indexed again."""
    folder, _ = kept
    LanceStore.open(folder, maintain=False).close()
    store = LanceStore.open(folder, maintain=False)
    assert store.count_waiting() == 0
    assert store._writer.index.waiting() == 0
    assert store._writer.table.count() == len(store._writer.catalog)
    store.close()


LINE = "    *(OwnEvidence, Standing, Advice, Network, PairNetwork),\n"
IMPORT = "from memory_core.scorer.experts.advice import Advice\n"
ANOTHER = """
from memory_core.scorer.experts.expert import Expert, Prior


class Another(Expert):
    name = "another"
    label = "how often anything was reported"
    prior = Prior(0.25, 0.5, -1.0, 1.0)

    def __init__(self):
        self.reports = 0

    def says(self, view):
        return view.panel.dense * 0.0 + self.reports / 10_000.0

    def take(self, episode):
        self.reports += 1
"""
TREES = {
    "one more": (LINE, LINE[:-3] + ", Another),\n"),
    "one fewer": ("Consensus, Structure, Names)", "Consensus, Structure)"),
    "two swapped": ("(OwnEvidence, Standing, Advice,", "(OwnEvidence, Advice, Standing,"),
}
TOLD_BY = """
import json, pathlib, shutil, sys
from tests.memory_core.stores import opened

folder = pathlib.Path(sys.argv[1])
told = opened(folder)
shutil.rmtree(folder / "learner")
print(json.dumps([told, opened(folder)]))
"""


def told_by(tree: str, where: Path, folder: Path) -> tuple[Told, Told]:
    """What a store tells where the experts are others, then once more without its checkpoint.

    A process with a changed copy of the code.

    One more expert is a module, its import and its place.
    """
    root = Path(__file__).parents[3]
    code = shutil.copytree(root / "memory_core", where / "memory_core")
    registry = code / "scorer" / "experts" / "__init__.py"
    text = registry.read_text(encoding="utf-8")
    before, after = TREES[tree]
    assert text.count(before) == 1
    text = text.replace(before, after)
    if tree == "one more":
        (code / "scorer" / "experts" / "another.py").write_text(ANOTHER, encoding="utf-8")
        text = text.replace(
            IMPORT, f"{IMPORT}from memory_core.scorer.experts.another import Another\n"
        )
    registry.write_text(text, encoding="utf-8")
    env = {**os.environ, "PYTHONPATH": f"{where}{os.pathsep}{root}"}
    asked = [sys.executable, "-c", TOLD_BY, str(folder)]
    done = subprocess.run(asked, env=env, cwd=where, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told, learned = json.loads(done.stdout.splitlines()[-1])
    return told, learned


@pytest.mark.parametrize("tree", TREES)
def test_a_store_keeps_its_proof_and_its_weights_whatever_the_experts_are(
    tree: str, kept: tuple[Path, Told], tmp_path: Path
) -> None:
    """By name: a new one starts anew, of one that is gone nothing is asked; from the log, too."""
    folder, what = kept
    again, learned = told_by(tree, tmp_path / "tree", folder)
    assert_told(again, what, "weights")
    new = {"another": 0.25} if tree == "one more" else {}
    gone = {"names"} if tree == "one fewer" else set()
    expected = {name: weight for name, weight in what["weights"].items() if name not in gone}
    assert again["weights"] == {**expected, **new}
    assert (learned["lessons"], learned["reports"]) == (what["lessons"], what["reports"])
    assert learned["proof"]["held_out"] == what["proof"]["held_out"]
    assert learned["weight"] == pytest.approx(what["weight"], abs=0.1)
    for name, weight in expected.items():
        assert learned["weights"][name] == pytest.approx(weight, abs=0.25), name
