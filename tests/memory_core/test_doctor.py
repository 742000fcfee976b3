"""The doctor finds what a start would stumble over, and says the next move."""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from safetensors.numpy import save_file

from memory_core.doctor import Check, Report, examine, machine, store_checks
from memory_core.doctor.examination import check_model
from memory_core.settings import Settings
from memory_core.store.meta import SCHEMA_VERSION, new_meta

LIGHT = {"packaging-like": "json"}
"""Packages that the whole examination imports in these tests: fast ones."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store's folder, empty but for its meta."""
    folder = tmp_path / "store"
    folder.mkdir()
    meta = dataclasses.replace(
        new_meta("0"), schema_version=SCHEMA_VERSION, embedder="m@1", dimension=3
    )
    meta.save(folder)
    return folder


def examined(folder: Path, **settings: str) -> dict[str, Check]:
    report = examine(Settings(store=folder, **settings), 0, packages=LIGHT)  # type: ignore[arg-type]
    assert report.ok == all(check.status != "fail" for check in report.checks)
    return {check.name: check for check in report.checks}


def test_a_machine_without_a_store_is_well(tmp_path: Path) -> None:
    checks = examined(tmp_path / "not-yet")
    assert {check.status for check in checks.values()} <= {"ok", "not checked", "warn"}
    assert "the first start makes it" in checks["store folder"].found


def test_every_failure_names_the_next_move(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    checks = examined(tmp_path / "file", model="./nowhere")
    worst = [check for check in checks.values() if check.status == "fail"]
    assert {"store folder", "model"} <= {check.name for check in worst}
    assert all(check.move for check in worst)


def test_the_examination_changes_nothing_in_the_store(folder: Path) -> None:
    (folder / "lock").write_text("1")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    examined(folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_report_is_plain_data(tmp_path: Path) -> None:
    report = examine(Settings(store=tmp_path / "x"), 0, packages=LIGHT)
    assert Report.model_validate_json(report.model_dump_json()) == report


# -- the machine -------------------------------------------------------------------


@pytest.mark.parametrize(("found", "status"), [((3, 9, 1), "fail"), ((3, 10, 0), "ok")])
def test_an_old_python_fails(found: tuple[int, ...], status: str) -> None:
    assert machine.check_python(found).status == status


def test_a_processor_without_avx2_fails_with_a_way_out(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nflags\t\t: fpu sse4_2 avx\nflags : avx2\n")
    check = machine.check_processor("x86_64", cpuinfo)
    assert check.status == "fail"
    assert "AVX2, FMA, F16C" in check.found
    assert "lancedb-compat" in check.move


def test_a_processor_with_avx2_is_well(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("flags\t\t: fpu fma f16c avx avx2\n")
    assert machine.check_processor("AMD64", cpuinfo).status == "ok"


def test_where_features_are_not_reported_nothing_is_claimed(tmp_path: Path) -> None:
    assert machine.check_processor("x86_64", tmp_path / "no").status == "not checked"


def test_other_processors_need_nothing_special(tmp_path: Path) -> None:
    assert machine.check_processor("arm64", tmp_path / "no").status == "ok"


def test_packages_are_named_with_their_versions() -> None:
    check = machine.check_packages({"pydantic": "pydantic", "nowhere": "json"})
    assert check.status == "ok"
    assert "pydantic 2." in check.found
    assert "nowhere not installed" in check.found


def test_a_package_that_cannot_be_imported_is_named() -> None:
    check = machine.check_packages({"a": "json", "b": "no_such_module_here"})
    assert check.status == "fail"
    assert "b" not in machine.check_packages({"a": "json"}).found
    assert "no_such_module_here cannot be imported (ModuleNotFoundError" in check.found


def test_a_package_that_ends_its_process_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fatal_module.py").write_text("import os\nos.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = machine.check_packages({"a": "json", "b": "fatal_module"})
    assert check.status == "fail"
    assert "Importing fatal_module ended the process" in check.found


@pytest.mark.parametrize(
    ("free", "status"), [(10 * 1024**2, "fail"), (500 * 1024**2, "warn"), (9 * 1024**3, "ok")]
)
def test_little_disk_space_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    class Usage:
        def __init__(self) -> None:
            self.free = free

    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage())
    assert machine.check_disk(tmp_path / "not" / "yet").status == status


def test_a_port_in_use_is_a_warning_with_a_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        check = machine.check_port(taken.getsockname()[1])
    assert check.status == "warn"
    assert "--port 0" in check.move
    assert machine.check_port(0).status == "ok"


# -- the model ---------------------------------------------------------------------


def test_the_packaged_model_is_verified() -> None:
    check, name = check_model("")
    assert check.status == "ok"
    assert "unaltered" in check.found
    assert name.startswith("all-MiniLM-L6-v2@")


def test_a_hub_name_is_not_fetched_by_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    check, name = check_model("nobody/no-such-model")
    assert (check.status, name) == ("fail", "")
    assert "not fetched yet" in check.found


# -- the store ---------------------------------------------------------------------


@pytest.fixture
def unwritable(folder: Path) -> Iterator[Path]:
    """A store's folder in which no file can be made, even by root."""
    with pytest.MonkeyPatch.context() as patch:

        def refuse(path: Path, _data: bytes) -> int:
            raise PermissionError(13, "Permission denied", str(path))

        patch.setattr(Path, "write_bytes", refuse)
        yield folder


def test_a_store_that_cannot_be_written_is_a_warning(unwritable: Path) -> None:
    check = store_checks.check_folder(unwritable)
    assert check.status == "warn"
    assert "nothing is learned" in check.found
    assert store_checks.check_hard_links(unwritable).status == "not checked"


def test_a_folder_that_cannot_be_written_and_holds_no_store_fails(unwritable: Path) -> None:
    (unwritable / "meta.json").unlink()
    assert store_checks.check_folder(unwritable).status == "fail"


def test_a_file_system_without_hard_links_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", refuse)
    check = store_checks.check_hard_links(folder)
    assert check.status == "fail"
    assert "hard links" in check.found
    assert "LESSONBANK_STORE" in check.move


def test_a_store_in_use_names_its_owner_and_stays_owned(folder: Path) -> None:
    program = (
        "import os, sys\nfrom filelock import FileLock\n"
        f"lock = FileLock({str(folder / 'lock')!r})\nlock.acquire()\n"
        f"open({str(folder / 'lock')!r}, 'w').write(str(os.getpid()))\n"
        "print('held', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline().strip() == b"held"
        check = store_checks.check_owner(folder)
        assert check.status == "ok"
        assert f"pid {owner.pid}" in check.found
        assert examined(folder)["store version"].status == "fail"  # still examined when in use


def test_a_lock_that_nobody_holds_stays_in_place(folder: Path) -> None:
    FileLock(str(folder / "lock")).acquire().lock.release(force=True)
    (folder / "lock").touch()
    assert "No process owns" in store_checks.check_owner(folder).found
    assert (folder / "lock").exists()


def test_vectors_of_another_model_name_the_command_that_helps(folder: Path) -> None:
    check, meta = store_checks.check_meta(folder, "other@2")
    assert check.status == "fail"
    assert "m@1" in check.found
    assert "other@2" in check.found
    assert "lessonbank reembed" in check.move
    assert meta is not None
    assert store_checks.check_meta(folder, "m@1")[0].status == "ok"


def test_a_store_of_a_newer_version_fails(folder: Path) -> None:
    dataclasses.replace(new_meta("0"), schema_version=SCHEMA_VERSION + 1).save(folder)
    check, meta = store_checks.check_meta(folder, "m@1")
    assert (check.status, meta) == ("fail", None)
    assert "Upgrade lessonbank" in check.move


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
def test_a_damaged_meta_fails_and_the_rest_is_examined(folder: Path, content: bytes) -> None:
    (folder / "meta.json").write_bytes(content)
    checks = examined(folder)
    assert checks["store version"].status == "fail"
    assert checks["journal"].status == "ok"


def test_tables_without_meta_fail(folder: Path) -> None:
    (folder / "meta.json").unlink()
    data = folder / "lance" / "items.lance" / "data"
    data.mkdir(parents=True)
    (data / "x.lance").write_bytes(b"x")
    assert store_checks.check_meta(folder, "")[0].status == "fail"


def journal_of(folder: Path, rows: int) -> Path:
    path = folder / "journal.db"
    with closing(sqlite3.connect(path)) as journal:
        journal.execute("CREATE TABLE entries (seq INTEGER PRIMARY KEY, payload BLOB)")
        journal.executemany("INSERT INTO entries VALUES (?, ?)", [(n, b"x") for n in range(rows)])
        journal.commit()
    return path


@pytest.mark.parametrize(("rows", "said"), [(1, "1 row waits"), (1234, "1,234 rows wait")])
def test_rows_that_wait_in_the_journal_are_counted(folder: Path, rows: int, said: str) -> None:
    journal_of(folder, rows)
    assert said in store_checks.check_journal(folder).found


def test_a_damaged_journal_is_a_warning(folder: Path) -> None:
    path = journal_of(folder, 10)
    path.write_bytes(b"no database at all, but long enough to be read as one" * 10)
    check = store_checks.check_journal(folder)
    assert check.status == "warn"
    assert "quarantine" in check.move


def test_a_table_that_does_not_open_is_a_warning(folder: Path) -> None:
    torn = folder / "lance" / "items.lance" / "_versions"
    torn.mkdir(parents=True)
    (torn / "1.manifest").write_bytes(b"")
    check = store_checks.check_tables(folder)
    assert check.status == "warn"
    assert "items" in check.found
    assert store_checks.check_tables(folder / "nowhere").status == "ok"


def test_files_in_quarantine_are_a_warning(folder: Path) -> None:
    (folder / "quarantine").mkdir()
    assert store_checks.check_quarantine(folder).status == "ok"
    (folder / "quarantine" / "journal-1").write_text("x")
    check = store_checks.check_quarantine(folder)
    assert check.status == "warn"
    assert "journal-1" in check.found


def checkpoint_in(folder: Path, reports: int) -> Path:
    (folder / "learner").mkdir(exist_ok=True)
    path = folder / "learner" / f"checkpoint-{reports:012d}.safetensors"
    header = {"lessonbank": json.dumps({"reports": reports})}
    save_file({"now.x": np.zeros(3, dtype=np.float32)}, path, metadata=header)
    return path


def test_the_newest_checkpoint_is_read(folder: Path) -> None:
    assert store_checks.check_learner(folder).status == "ok"
    checkpoint_in(folder, 5)
    checkpoint_in(folder, 1200)
    assert "1,200 reports" in store_checks.check_learner(folder).found


def test_a_truncated_checkpoint_is_a_warning(folder: Path) -> None:
    path = checkpoint_in(folder, 5)
    path.write_bytes(path.read_bytes()[:-4])
    check = store_checks.check_learner(folder)
    assert check.status == "warn"
    assert "outcome log" in check.move


def test_a_file_that_is_no_checkpoint_is_a_warning(folder: Path) -> None:
    path = checkpoint_in(folder, 5)
    save_file({"x": np.zeros(1, dtype=np.float32)}, path)
    assert store_checks.check_learner(folder).status == "warn"
