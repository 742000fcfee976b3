"""The command's own words: options, data that is not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.learning import __main__ as command
from benchmarks.learning import catalog, running
from benchmarks.learning.stream import Stream
from tests.benchmarks.learning.conftest import toy
from tests.memory_core.hash_embedder import HashEmbedder


class Closing(HashEmbedder):
    """An embedder with a cache to close."""

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every stream is the toy; gives the options that it was built with."""
    asked: list[dict[str, Any]] = []

    def build(name: str, seed: int, data: Path, options: dict[str, Any]) -> Stream:
        asked.append({"name": name, "seed": seed, **options})
        return toy(seed)

    monkeypatch.setattr(catalog, "build", build)
    monkeypatch.setattr(running, "served_model", lambda cache: Closing())
    return asked


def test_data_that_is_not_there_is_told_in_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command.main(["banking77", "--data", str(tmp_path / "nowhere")]) == 2
    said = capsys.readouterr().err
    assert "There is no data in" in said
    assert "LESSONBANK_BENCH_DATA" in said


def test_a_file_of_a_stream_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(catalog.NotThere, match=r"train\.csv is not there"):
        catalog.build("banking77", 0, tmp_path, {})


def test_an_option_that_a_stream_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(catalog.NotThere, match="advising has no option 'bad'"):
        catalog.build("advising", 0, tmp_path, {"bad": 0.2})


@pytest.mark.parametrize(
    "arguments",
    [["chess"], ["advising", "--noise", "2"], ["advising", "--plot", "curve.png"]],
)
def test_arguments_that_make_no_sense_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(arguments)


def test_a_run_prints_its_table_and_writes_result_and_plot(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, toys: list[dict[str, Any]]
) -> None:
    arguments = ["banking77", "--data", str(tmp_path), "--seeds", "2", "--noise", "0,.2"]
    arguments += ["--set", "layout=title", "--tasks", "9", "--no-baselines"]
    arguments += ["--json", str(tmp_path / "r.json"), "--plot", str(tmp_path / "r.svg")]
    assert command.main(arguments) == 0
    assert toys == [
        {"name": "banking77", "seed": seed, "tasks": 9, "layout": "title"} for seed in (0, 1)
    ]
    said = capsys.readouterr()
    assert "learned less similarity" in said.out
    assert "seed 1: held out" in said.err
    written = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert written["seeds"] == [0, 1]
    assert written["options"] == {"tasks": 9, "layout": "title"}
    assert len(written["conditions"]) == 2
    assert (tmp_path / "r.svg").read_text(encoding="utf-8").startswith("<svg")


def test_quick_takes_the_small_sizes_that_the_stream_has() -> None:
    assert catalog.smaller("banking77", catalog.QUICK) == catalog.QUICK
    assert set(catalog.smaller("locomo", catalog.QUICK)) == {"tasks", "held_out"}


def test_a_setting_that_the_product_does_not_have_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for name in ("depth", "store"):
        arguments = ["banking77", "--data", str(tmp_path), "--product", f"{name}=3"]
        assert command.main(arguments) == 2
        assert f"no setting {name!r}" in capsys.readouterr().err


def test_a_set_without_a_value_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert command.main(["banking77", "--data", str(tmp_path), "--set", "layout"]) == 2
    assert "Write it as NAME=VALUE" in capsys.readouterr().err
