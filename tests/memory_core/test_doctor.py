"""The doctor finds what a start would stumble over, and says the next move."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa
import pytest
from filelock import FileLock
from safetensors.numpy import save_file

from memory_core.bootstrap import export
from memory_core.doctor import Check, Report, examine, log_checks, machine, store_checks, verify
from memory_core.doctor.examination import check_model
from memory_core.errors import InvalidInput
from memory_core.settings import Settings
from memory_core.store.lance_store import LanceStore
from memory_core.store.log import Log
from memory_core.store.meta import SCHEMA_VERSION, load_meta, new_meta
from tests.memory_core.store import making
from tests.memory_core.stores import ARCHIVES

LIGHT = {"packaging-like": "json"}
"""Packages that the whole examination imports in these tests: fast ones."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store's folder without a record."""
    folder = tmp_path / "store"
    folder.mkdir()
    meta = dataclasses.replace(
        new_meta("0"), schema_version=SCHEMA_VERSION, embedder="m@1", dimension=3
    )
    meta.save(folder)
    Log(folder / "log.db").close()
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
    assert checks["log"].status == "ok"


def test_tables_without_meta_fail(folder: Path) -> None:
    (folder / "meta.json").unlink()
    data = folder / "lance" / "items.lance" / "data"
    data.mkdir(parents=True)
    (data / "x.lance").write_bytes(b"x")
    assert store_checks.check_meta(folder, "")[0].status == "fail"


def stocked(folder: Path, count: int = 3) -> LanceStore:
    """A store in use: items, of which the first is retired, recalls and outcomes."""
    store = LanceStore.open(folder, maintain=False)
    store.bind_embedder(making.EMBEDDER.name, making.EMBEDDER.dimension)
    store.add_items([making.item(n, task="t" if n % 2 else "") for n in range(count)])
    for n in range(count):
        store.add_recall(making.recall(n))
        store.add_outcome(making.outcome(n, failed=bool(n % 2)))
    store.add_event(making.event(0, "retire", 0))
    return store


@pytest.fixture
def used(tmp_path: Path) -> Path:
    stocked(tmp_path / "used").close()
    return tmp_path / "used"


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def log_of(folder: Path) -> Check:
    return log_checks.check_log(folder, load_meta(folder))


def index_of(folder: Path) -> Check:
    return log_checks.check_index(folder, load_meta(folder))


def test_the_log_is_counted_and_nothing_in_the_folder_changes(used: Path) -> None:
    before = files_of(used)
    check = log_of(used)
    assert (check.status, check.found[:43]) == ("ok", "items 3, recalls 3, outcomes 3, events 1; 0")
    assert files_of(used) == before


def test_the_log_of_a_store_in_use_is_counted(tmp_path: Path) -> None:
    store = stocked(tmp_path / "used")
    assert "outcomes 3" in log_of(tmp_path / "used").found
    store.close()


def test_a_damaged_log_is_a_warning(used: Path) -> None:
    (used / "log.db").write_bytes(b"no database at all, but long enough to be read as one" * 10)
    check = log_of(used)
    assert check.status == "warn"
    assert "quarantine" in check.move


def test_a_log_that_was_taken_away_fails(used: Path) -> None:
    (used / "log.db").unlink()
    check = log_of(used)
    assert check.status == "fail"
    assert "backup" in check.move
    assert not verify(used).ok


def test_a_store_of_an_earlier_version_is_said_to_be_one(earlier: Path) -> None:
    assert "earlier version" in log_of(earlier).found
    assert log_of(earlier).status == "ok"
    report = verify(earlier)
    assert report.ok
    assert "earlier version" in report.checks[0].found


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    with tarfile.open(ARCHIVES / "0.1.0.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "store"


# -- verify


def verified(folder: Path) -> dict[str, Check]:
    report = verify(folder)
    assert report.ok == all(check.status != "fail" for check in report.checks)
    return {check.name: check for check in report.checks}


def changed(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "log.db")) as log, log:
        assert log.execute(statement).rowcount > 0


def rows(folder: Path, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(folder / "log.db")) as log:
        return log.execute(statement).fetchall()


def test_a_whole_store_is_verified_and_nothing_in_it_changes(used: Path) -> None:
    before = files_of(used)
    checks = verified(used)
    assert {check.status for check in checks.values()} == {"ok"}
    assert checks["outcomes"].found == "3, all whole."
    assert checks["vectors"].found == "8, all whole."
    assert checks["index"].found == "3 items, as the log has them."
    assert files_of(used) == before


def test_a_store_in_use_is_verified_with_what_its_index_lacks(tmp_path: Path) -> None:
    store = stocked(tmp_path / "used")
    checks = verified(tmp_path / "used")
    assert {check.status for check in checks.values()} == {"ok"}
    assert "3 more are being added" in checks["index"].found
    store.close()


@pytest.mark.parametrize(
    ("kind", "record"),
    [("items", "item_0001"), ("recalls", "recall_0001"), ("outcomes", "out_0002")],
)
def test_a_damaged_record_is_named(used: Path, kind: str, record: str) -> None:
    flip = "substr(payload, 1, length(payload) - 1) || x'00'"
    changed(used, f"UPDATE records SET payload = CAST({flip} AS BLOB) WHERE id = '{record}'")
    checks = verified(used)
    assert (checks[kind].status, checks[kind].found) == ("fail", f"1 of 3 are damaged: {record}.")
    assert {name for name, check in checks.items() if check.status == "fail"} == {kind}


def test_damaged_vectors_are_named(used: Path) -> None:
    place = "(SELECT seq FROM records WHERE id = 'item_0001')"
    changed(used, f"UPDATE vectors_1 SET first = zeroblob(64) WHERE seq = {place}")
    checks = verified(used)
    assert checks["vectors"].status == "warn"
    assert "item_0001" in checks["vectors"].found
    assert "makes those of items again" in checks["vectors"].move
    assert checks["index"].status == "ok"  # it is the log that differs


def test_a_damaged_item_that_the_index_has_is_whole_again_once_it_was_read(used: Path) -> None:
    changed(used, "UPDATE records SET payload = x'00' WHERE id = 'item_0001'")
    check = verified(used)["items"]
    assert (check.status, "lessonbank show" in check.move) == ("fail", True)
    store = LanceStore.open(used, maintain=False)
    assert list(store.get_items(["item_0001"])) == ["item_0001"]
    store.close()
    assert {check.status for check in verified(used).values()} == {"ok"}


def test_a_damaged_item_that_nothing_has_is_restored_from_a_backup(used: Path) -> None:
    changed(used, "UPDATE records SET payload = x'00' WHERE id = 'item_0001'")
    lancedb.connect(str(used / "lance")).open_table("items").delete("id = 'item_0001'")
    assert "backup" in verified(used)["items"].move


def test_vectors_that_were_cut_are_named(used: Path) -> None:
    place = "(SELECT seq FROM records WHERE id = 'item_0002')"
    changed(used, f"UPDATE vectors_1 SET first = substr(first, 1, 30) WHERE seq = {place}")
    assert "1 records are damaged: item_0002." in verified(used)["vectors"].found


def test_a_flipped_byte_in_the_file_is_told_and_no_other_record_is(used: Path) -> None:
    (payload,) = rows(used, "SELECT payload FROM records WHERE id = 'item_0002'")[0]
    whole = (used / "log.db").read_bytes()
    at = whole.index(payload) + len(payload) // 2
    (used / "log.db").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    checks = verified(used)
    failing = {name: check.found for name, check in checks.items() if check.status == "fail"}
    assert failing == {"items": "1 of 3 are damaged: item_0002."}


@pytest.mark.parametrize("column", ["project", "kind", "state", "hash"])
def test_what_stands_beside_an_item_is_compared_with_it(used: Path, column: str) -> None:
    changed(used, f"UPDATE records SET {column} = 'x' || {column} WHERE id = 'item_0001'")
    assert verified(used)["items"].found == "1 of 3 are damaged: item_0001."


def test_a_log_that_is_torn_is_verified_as_far_as_it_can_be_read(used: Path) -> None:
    (used / "log.db").write_bytes((used / "log.db").read_bytes()[: 2 * 16384])
    before = files_of(used)
    report = verify(used)
    assert not report.ok
    assert report.checks[0].status == "fail"
    assert "Start once" in report.checks[0].move
    assert files_of(used) == before


def test_what_the_index_has_otherwise_is_named(used: Path) -> None:
    table = lancedb.connect(str(used / "lance")).open_table("items")
    table.delete("id = 'item_0001'")
    table.update(where="id = 'item_0000'", values={"state": "active"})
    twin = table.search().where("id = 'item_0002'").limit(1).to_arrow()
    table.add(twin.set_column(0, "seq", [[99]]))
    checks = verified(used)
    assert checks["index"].status == "warn"
    for said in (
        "it lacks 1 items: item_0001",
        "it has, and the log has not, 1 items: item_0002",
        "it has in another state 1 items: item_0000",
    ):
        assert said in checks["index"].found
    LanceStore.open(used, maintain=False).close()
    assert verified(used)["index"].status == "ok"


def test_other_vectors_in_the_index_are_named(used: Path) -> None:
    table = lancedb.connect(str(used / "lance")).open_table("items")
    row = table.search().where("id = 'item_0002'").limit(1).to_arrow()
    table.delete("id = 'item_0002'")
    turned = [-value for value in row["vector"].to_pylist()[0]]
    at = row.schema.get_field_index("vector")
    field = row.schema.field("vector")
    table.add(row.set_column(at, field, pa.array([turned], type=field.type)))
    assert "with other vectors 1 items: item_0002" in verified(used)["index"].found


def test_an_index_that_is_gone_is_no_loss(used: Path) -> None:
    shutil.rmtree(used / "lance")
    checks = verified(used)
    assert checks["index"].status == "warn"
    assert {check.status for check in checks.values()} == {"ok", "warn"}


def test_a_folder_without_a_store_is_not_verified(tmp_path: Path) -> None:
    report = verify(tmp_path)
    assert [check.status for check in report.checks] == ["not checked"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lost", ["a record", "nothing"])
def test_records_without_meta_are_a_failure(used: Path, lost: str) -> None:
    (used / "meta.json").unlink()
    shutil.rmtree(used / "lance")
    if lost == "nothing":
        changed(used, "DELETE FROM records")
    status = "fail" if lost == "a record" else "ok"
    assert store_checks.check_meta(used, "")[0].status == status
    assert verify(used).ok == (status == "ok")


def test_a_store_of_a_newer_version_is_not_verified(folder: Path) -> None:
    new_meta("0").save(folder)
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps(meta | {"schema_version": 99}))
    report = verify(folder)
    assert not report.ok
    assert "99" in report.checks[0].found


def test_a_change_that_the_owner_has_yet_to_write_into_the_index_is_no_fault(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "used"
    stocked(folder).close()
    store = LanceStore.open(folder, maintain=False)
    store.add_event(making.event(1, "retire", 2))
    checks = verified(folder)
    assert {check.status for check in checks.values()} == {"ok"}
    assert "1 are being changed" in checks["index"].found
    store.close()


def frozen(folder: Path, mode: int) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(mode | (0o111 if path.is_dir() else 0))


def test_a_read_only_folder_is_verified_by_the_real_command(used: Path) -> None:
    frozen(used, 0o444)
    before = files_of(used)
    code, report = command(used, "verify")
    assert (code, {check.status for check in report.checks}) == (0, {"ok"})
    assert files_of(used) == before
    frozen(used, 0o644)


def test_what_the_log_lost_ends_the_real_command_with_1_and_what_the_index_lost_with_0(
    used: Path,
) -> None:
    lancedb.connect(str(used / "lance")).open_table("items").delete("id = 'item_0001'")
    code, report = command(used, "verify")
    assert (code, report.ok, report.checks[-1].status) == (0, True, "warn")
    changed(used, "UPDATE records SET payload = x'00' WHERE id = 'out_0001'")
    code, report = command(used, "verify")
    assert (code, report.ok) == (1, False)
    assert [check.name for check in report.checks if check.status == "fail"] == ["outcomes"]


def command(folder: Path, name: str) -> tuple[int, Report]:
    program = [sys.executable, "-m", "server", "--store", str(folder), "--json", name]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    return done.returncode, Report.model_validate_json(done.stdout)


# -- export


def test_a_store_is_exported_as_tables_that_anybody_can_open(used: Path, tmp_path: Path) -> None:
    before = files_of(used)
    rows = export(Settings(store=used), tmp_path / "tables").rows
    assert rows == {"items": 3, "recalls": 3, "outcomes": 3, "events": 1}
    assert files_of(used) == before
    tables = lancedb.connect(str(tmp_path / "tables"))
    items = tables.open_table("items").to_arrow().sort_by("seq").to_pylist()
    assert [row["state"] for row in items] == ["retired", "active", "active"]
    for number, row in enumerate(items):
        made = making.item(number, task="t" if number % 2 else "")
        assert (row["id"], row["title"], row["content"]) == (
            made.item.id,
            made.item.title,
            made.item.content,
        )
        assert made.vector is not None
        assert row["vector"] == made.vector.tolist()
    (failure,) = tables.open_table("outcomes").search().where("outcome = 'failure'").to_list()
    assert failure["credits"][0]["value"] == -0.25
    assert failure["signature"] is not None


def test_a_store_in_use_is_exported_and_a_full_folder_is_refused(tmp_path: Path) -> None:
    store = stocked(tmp_path / "used", count=1_100)
    rows = export(Settings(store=tmp_path / "used"), tmp_path / "tables").rows
    assert rows["items"] == rows["outcomes"] == 1_100
    with pytest.raises(InvalidInput, match="is not empty"):
        export(Settings(store=tmp_path / "used"), tmp_path / "tables")
    store.close()


def test_a_store_without_a_model_is_exported_without_vectors(tmp_path: Path) -> None:
    store = LanceStore.open(tmp_path / "used", maintain=False)
    store.add_items([making.waiting(1)])
    store.close()
    export(Settings(store=tmp_path / "used"), tmp_path / "tables")
    table = lancedb.connect(str(tmp_path / "tables")).open_table("items")
    assert "vector" not in table.schema.names
    assert table.count_rows() == 1


# -- the rest of the folder


def test_an_index_that_does_not_open_is_a_warning(folder: Path) -> None:
    torn = folder / "lance" / "items.lance" / "_versions"
    torn.mkdir(parents=True)
    (torn / "1.manifest").write_bytes(b"")
    check = index_of(folder)
    assert check.status == "warn"
    assert "items" in check.found
    shutil.rmtree(folder / "lance")
    assert index_of(folder).status == "ok"


def test_the_index_is_compared_with_the_items_of_the_log(used: Path) -> None:
    assert index_of(used).found == "3 items."
    table = lancedb.connect(str(used / "lance")).open_table("items")
    table.delete("id = 'item_0001'")
    assert index_of(used).found == "2 items; 1 more are being added, or at the next start."
    twin = table.search().where("id = 'item_0002'").limit(1).to_arrow()
    table.add(twin)
    check = index_of(used)
    assert (check.status, check.found) == ("warn", "It has 1 rows too many and lacks 1 items.")


def test_the_examination_loads_nothing_that_an_old_processor_ends_at(tmp_path: Path) -> None:
    program = (
        "import sys; from memory_core.doctor import examine; from memory_core.settings import"
        " Settings; from pathlib import Path; report = examine(Settings(store=Path(sys.argv[1])),"
        " 0, packages={'gone': 'no_such_module'}); print([c.status for c in report.checks if c.name"
        " in ('log', 'index')], [name for name in ('lancedb', 'pyarrow') if name in sys.modules])"
    )
    run = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['not checked', 'not checked'] []"


def test_files_in_quarantine_are_a_warning(folder: Path) -> None:
    (folder / "quarantine").mkdir()
    assert store_checks.check_quarantine(folder).status == "ok"
    (folder / "quarantine" / "log-1").write_text("x")
    check = store_checks.check_quarantine(folder)
    assert check.status == "warn"
    assert "log-1" in check.found


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
