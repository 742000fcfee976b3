"""The benchmarks run, say what they found, and know a broken promise; no time is judged here."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from benchmarks import __main__ as everything
from benchmarks import object_store, recall_latency, reports, setup_size, startup, tokens
from benchmarks.child import Child, ServerEndedError, mapped, resident_mb
from benchmarks.command import parser_of, run
from benchmarks.corpus import lessons, queries
from benchmarks.report import NOT_MEASURED, Budget, Report, Table, drawn, environment
from benchmarks.stocked import memory, stock, stored_items
from benchmarks.stopwatch import Stopwatch, percentile
from memory_core.requests import RecallRequest
from tests.memory_core.hash_embedder import HashEmbedder

TINY_RECALL = recall_latency.Size((12, 30), reports=4, questions=3, after_opening=2)
TINY_REPORTS = reports.Size(
    items=20, some=4, many=8, block=2, recalls=4, disk=(30,), asked_at_once=2
)


def silent(_line: str) -> None:
    """Tell nobody."""


def columns(report: Report, title: str) -> dict[str, list[Any]]:
    """The one table whose title starts so, by column."""
    (table,) = (one for one in report.tables if one.title.startswith(title))
    return {name: [row[i] for row in table.rows] for i, name in enumerate(table.columns)}


# -- figures ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([7.0], 95, 7.0),
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([1.0, 2.0], 50, 1.5),
        ([float(n) for n in range(101)], 95, 95.0),
        ([4.0, 1.0], 100, 4.0),
    ],
)
def test_a_percentile_is_interpolated(values: list[float], percent: float, expected: float) -> None:
    assert percentile(values, percent) == pytest.approx(expected)


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="at least one"):
        percentile([], 50)


def test_a_stopwatch_counts_every_call_and_leaves_nothing_behind() -> None:
    class Worker:
        def work(self, number: int) -> int:
            if number < 0:
                raise ValueError(number)
            return 2 * number

    worker = Worker()
    with Stopwatch() as watch:
        watch.watch(worker, "work", "work")
        assert [worker.work(n) for n in range(3)] == [0, 2, 4]
        with pytest.raises(ValueError, match="-1"):
            worker.work(-1)
        laps = watch.take()
        assert len(laps["work"]) == 4
        assert all(lap >= 0 for lap in laps["work"])
        assert watch.take() == {}
    assert vars(worker) == {}
    assert worker.work(4) == 8


def test_a_table_is_aligned_and_says_what_was_not_measured() -> None:
    table = Table("sizes", ("what", "MB"), (("small", 1.234), ("unknown", None), ("big", 12_345)))
    title, head, rule, *rows = drawn(table).splitlines()
    assert title == "sizes"
    assert len({len(line) for line in (head, rule, *rows)}) == 1
    assert [row.split()[0] for row in rows] == ["small", "unknown", "big"]
    assert rows[0].endswith("1.23")
    assert rows[1].endswith(NOT_MEASURED)
    assert rows[2].endswith("12,345")


def test_a_budget_is_kept_missed_or_not_measured() -> None:
    assert Budget("time", 15.0, 15, "ms").kept
    assert "OVER" in Budget("time", 15.1, 15, "ms").line()
    unknown = Budget("memory", None, 110, "MB", firm=True)
    assert unknown.kept is None
    assert NOT_MEASURED in unknown.line()
    assert not Report("one", "claim", budgets=[unknown]).broken


def test_only_a_broken_firm_budget_fails_a_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def found(*budgets: Budget) -> int:
        report = Report("one", "it works", budgets=list(budgets))
        return run(parser_of("one", "it works"), lambda _options: report, [])

    assert found(Budget("slow today", 99.0, 1, "ms")) == 0
    assert found(Budget("a promise", 2, 1, "tokens", firm=True)) == 1
    assert "broken: OVER" in capsys.readouterr().err


def test_figures_are_written_with_what_they_depend_on(tmp_path: Path) -> None:
    table = Table("times", ("memory", "p50"), (("small", 1.5),))
    report = Report("one", "it works", quick=True, tables=[table], budgets=[Budget("b", 1, 2, "x")])
    file = tmp_path / "figures.json"
    arguments = ["--quick", "--json", str(file)]
    assert run(parser_of("one", "it works"), lambda _options: report, arguments) == 0
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["tables"][0]["rows"] == [{"memory": "small", "p50": 1.5}]
    assert written["budgets"] == [{"what": "b", "value": 1, "limit": 2, "unit": "x", "kept": True}]
    assert written["environment"].keys() >= {"python", "cpus", "packages", "load_before", "seconds"}
    assert written["environment"]["packages"]["torch"] != "not installed"


def test_the_environment_names_no_machine() -> None:
    said = environment()
    assert set(said) == {"python", "system", "cpus", "packages"}
    assert said["system"].split() == [platform.system(), platform.machine()]


# -- corpus ----------------------------------------------------------------------


def test_the_corpus_is_varied_and_always_the_same() -> None:
    texts = list(lessons(400))
    assert texts[:100] == list(lessons(100))
    assert len({text.content for text in texts}) == 400
    assert len({text.task for text in texts}) > 70
    assert {text.kind for text in texts} == {"strategy", "pitfall", "fact"}
    assert not any("{" in f"{t.title}{t.description}{t.content}{t.task}" for t in texts)


def test_no_question_is_asked_twice() -> None:
    asked = list(islice(queries(), 3_000))
    assert len(set(asked)) == 3_000
    assert asked != list(islice(queries(seed=2), 3_000))


def test_vectors_are_computed_once_and_kept_by_text_and_model(tmp_path: Path) -> None:
    class Counting(HashEmbedder):
        embedded = 0

        def embed_documents(self, texts: Any) -> Any:
            self.embedded += len(texts)
            return super().embed_documents(texts)

    first, second = Counting(), Counting()
    made = list(stored_items(first, 8, tmp_path, silent))
    kept = list(stored_items(second, 8, tmp_path, silent))
    assert first.embedded > 8
    assert second.embedded == 0
    for one, other in zip(made, kept, strict=True):
        assert one.item == other.item
        assert one.vector is not None
        assert other.vector is not None
        assert (one.vector == other.vector).all()
    another = Counting(name="another-model@000000000000")
    assert len(list(stored_items(another, 8, tmp_path, silent))) == 8
    assert another.embedded == first.embedded


def test_a_stocked_store_answers_and_its_copy_is_another(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    made = stock(tmp_path / "store", embedder, 30, tmp_path / "kept", silent)
    assert made.bytes > made.raw > 30 * 2 * embedder.dimension * 4
    copied = made.copy("other")
    for folder in (made.folder, copied):
        with memory(folder, embedder) as service:
            assert len(service.recall(RecallRequest(task=next(queries()))).items) == 3


# -- measurements ----------------------------------------------------------------


def test_definitions_are_counted_as_the_wire_carries_them() -> None:
    report = tokens.measure(parser_of("tokens", "").parse_args(["--quick"]))
    assert not report.broken
    counted = columns(report, "tool definitions")
    assert counted["tool"][:2] == ["recall", "check"]
    assert sum(counted["all"][:-1]) == pytest.approx(counted["all"][-1], abs=3)


def test_recall_latency_splits_what_a_recall_takes(tmp_path: Path) -> None:
    found = recall_latency.measure_size(TINY_RECALL, HashEmbedder(), tmp_path, tmp_path / "kept")
    assert [(arm.items, arm.reports) for arm in found] == [(12, 0), (12, 4), (30, 0), (30, 4)]
    for arm in found:
        assert len(arm.total) == len(arm.cpu) == 3
        assert len(arm.opened) == 2
        assert all(min(arm.parts[part]) > 0 for part in ("embed", "search", "score", "log"))
        parts = [sum(values) for values in zip(*arm.parts.values(), strict=True)]
        assert parts == pytest.approx(arm.total)
    report = Report(
        "recall", "", False, recall_latency.tables(found), recall_latency.budgets(found)
    )
    assert "30 items, 4 reports" in report.text()
    assert json.loads(json.dumps(report.data()))["budgets"]


def test_reports_measures_storing_learning_and_recall_afterwards(tmp_path: Path) -> None:
    report = Report("reports", "")
    embedder = HashEmbedder()
    reports.measure_reports(TINY_REPORTS, embedder, tmp_path, report, tmp_path / "kept")
    reports.measure_disk(TINY_REPORTS, embedder, tmp_path, report, tmp_path / "kept")
    cost = columns(report, "one report")
    assert cost["count"][:4] == [4, 4, 4, 8]
    growth = columns(report, "the store")
    assert growth["when"][0] == "0 reports"
    assert growth["when"][-1] == "8 reports, compacted"
    assert growth["unindexed items"][-1] == 0
    assert columns(report, "recall after")["after"] == ["0 reports", "4 reports", "8 reports"]
    assert columns(report, "disk")["ratio"][0] > 1
    assert {one.unit for one in report.budgets} == {"ms", "x"}


# -- processes -------------------------------------------------------------------


def test_a_child_is_timed_weighed_and_ended(tmp_path: Path) -> None:
    script = tmp_path / "bare.py"
    script.write_text(startup.BARE_SERVER, encoding="utf-8")
    with Child([sys.executable, str(script)], tmp_path / "log.txt") as child:
        assert child.initialize()["serverInfo"]["name"] == "bare"
        child.notify("notifications/initialized")
        called = child.request("tools/call", {"name": "add", "arguments": {"a": 2, "b": 3}})
        assert called["content"][0]["text"] == "5"
        weight = resident_mb(child.pid)
        libraries = mapped(child.pid, ("libtorch", "python"))
    if sys.platform == "linux":
        assert weight is not None
        assert weight > 20
        assert libraries is not None
        assert "libtorch" not in libraries
    else:
        assert weight is None
        assert libraries is None


def test_a_child_that_dies_says_its_last_words(tmp_path: Path) -> None:
    program = "import sys; sys.exit('no store today')"
    with (
        Child([sys.executable, "-c", program], tmp_path / "log.txt") as child,
        pytest.raises(ServerEndedError, match="no store today"),
    ):
        child.initialize()


def test_heavy_imports_are_found_in_the_interpreters_own_list() -> None:
    log = """\
import time: self [us] | cumulative | imported package
import time:       131 |        131 |   _torch_like
import time:       131 |        131 |     torch._C
import time:       131 |        131 |   lancedb
not torch | at all
"""
    assert startup.heavy_imports(log) == ("torch", "lancedb")
    assert startup.named("heavy", ("torch",)) == "heavy (torch)"
    assert startup.named("heavy", ()) == "heavy"


def test_the_server_answers_initialize_with_nothing_heavy_imported(tmp_path: Path) -> None:
    where = startup.Place(tmp_path, "", environment={"LESSONBANK_STORE": str(tmp_path / "store")})
    assert startup.imported_before_answer(where) == ()


def test_packages_are_weighed_and_the_small_ones_put_together(tmp_path: Path) -> None:
    for name, size in (("large", 3_000), ("small", 10), ("tiny", 5)):
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (tmp_path / f"{name}.py").write_bytes(b"#" * size)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "RECORD").write_text(f"{name}.py,,\nnot-there.py,,\n")
    sizes = setup_size.sizes_under(tmp_path)
    assert sizes == {"large": 3_000, "small": 10, "tiny": 5}
    rows = setup_size.largest(sizes, 1)
    assert [row[0] for row in rows] == ["large", "2 others", "all"]
    assert rows[-1][1] == pytest.approx(0.003015)
    assert setup_size.parser().parse_args(["--torch-index", "x"]).torch_index == "x"


# -- all of them -----------------------------------------------------------------


def test_all_are_listed_and_only_the_slow_ones_wait_to_be_asked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert everything.main(["--list"]) == 0
    said = capsys.readouterr().out
    fast = ("tokens", "startup", "commands", "hosts", "doors")
    usual_ones = (*fast, "recall_latency", "reports", "object_store")
    for name in (*usual_ones, "setup_size", "replicas", "endurance"):
        assert name in said
    parse = everything.parser().parse_args
    usual = everything.chosen(parse([]))
    assert usual == usual_ones
    assert everything.chosen(parse(["--all"])) == (*usual, "setup_size", "replicas", "endurance")
    assert everything.chosen(parse(["reports", "tokens"])) == ("tokens", "reports")
    assert everything.main(["nonsense"]) == 2
    assert "no benchmark is called 'nonsense'" in capsys.readouterr().err


def test_listing_them_loads_nothing_heavy(repository: Path) -> None:
    program = (
        "import sys, benchmarks.__main__;"
        "print([n for n in ('torch', 'numpy', 'lancedb') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_run_prints_all_budgets_and_writes_all_figures(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "all.json"
    assert everything.main(["tokens", "--quick", "--json", str(file)]) == 0
    assert "tool definitions together" in capfd.readouterr().out.rpartition("all budgets")[2]
    (written,) = json.loads(file.read_text(encoding="utf-8"))
    assert (written["benchmark"], written["quick"]) == ("tokens", True)


@pytest.mark.parametrize("name", list(everything.CLAIMS))
def test_each_runs_alone_and_helps(name: str, repository: Path) -> None:
    command = [sys.executable, "-m", f"benchmarks.{name}", "--help"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout
    assert "--json" in done.stdout


# -- a store in a bucket -----------------------------------------------------------


def test_a_store_in_a_bucket_is_measured_beside_a_local_one(tmp_path: Path) -> None:
    size = object_store.Size(items=12, rounds=1, calls=2, kills=1, length=1.0, delay=1.0)
    with object_store.bucket() as proxy:
        tables, budgets = object_store.measure_calls(
            size, HashEmbedder(16), tmp_path, proxy, kept=tmp_path / "kept"
        )
    report = Report("object_store", "claim", tables=tables, budgets=budgets)
    calls = columns(report, "calls of a warm memory")
    assert calls["count"] == [2] * 9
    assert calls["store"][:3] == ["local", "bucket", "bucket, 1 ms away"]
    asked = columns(report, "requests while")
    assert asked["calls"] == [6, 6]
    assert all(number > 0 for number in asked["table requests a call"])
    assert columns(report, "opening the store")["items"] == [12] * 4
    followed = columns(report, "a follower")
    assert followed["reports"] == [2]
    assert followed["same bits"] == ["yes"]
    assert len(budgets) == 6
