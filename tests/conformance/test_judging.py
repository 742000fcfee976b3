from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conformance.judging import (
    NOT_ENDED,
    Check,
    Verdict,
    baseline_in,
    judge,
    results_in,
    unscored_in,
)

GOOD, BAD = Check("a", "SUCCESS"), Check("b", "FAILURE", "it broke")
WARNED, TOLD, SKIPPED = Check("b", "WARNING"), Check("b", "INFO"), Check("b", "SKIPPED")


def test_without_a_baseline_every_failure_and_every_warning_is_a_problem() -> None:
    verdict = judge({"one": [GOOD, BAD, TOLD], "two": [WARNED]}, [])
    assert verdict == Verdict(1, 0, ("FAILURE one:b it broke", "WARNING two:b"))


def test_an_entry_excuses_the_one_check_that_it_names() -> None:
    verdict = judge({"one": [GOOD, BAD, Check("c", "FAILURE")]}, ["one:b"])
    assert verdict == Verdict(1, 1, ("FAILURE one:c",))


def test_an_entry_without_a_check_excuses_the_whole_scenario() -> None:
    assert judge({"one": [GOOD, BAD, WARNED]}, ["one"]) == Verdict(1, 2, ())


@pytest.mark.parametrize("checks", [[GOOD], [], [TOLD]])
def test_a_scenario_that_fails_nowhere_makes_its_entry_stale(checks: list[Check]) -> None:
    assert judge({"one": checks}, ["one"]).problems == ("STALE one",)


def test_a_check_that_passes_makes_its_entry_stale() -> None:
    assert judge({"one": [GOOD, BAD]}, ["one:a", "one:b"]).problems == ("STALE one:a",)


@pytest.mark.parametrize("checks", [[GOOD], [GOOD, SKIPPED], [GOOD, TOLD]])
def test_a_check_that_was_not_reached_keeps_its_entry(checks: list[Check]) -> None:
    assert judge({"one": checks}, ["one:b"]) == Verdict(1, 0, ())


def test_an_entry_of_a_scenario_that_did_not_run_is_stale() -> None:
    assert judge({"one": [GOOD]}, ["two", "two:a"]).problems == ("STALE two", "STALE two:a")


def test_results_are_read_from_the_folders_of_the_suite(tmp_path: Path) -> None:
    written = [{"id": "a", "status": "SUCCESS"}, {"id": "b", "status": "INFO", "details": {}}]
    _folder(tmp_path, "tools-list-2").write_text(json.dumps(written), encoding="utf-8")
    _folder(tmp_path, "ping")
    (tmp_path / "something else").mkdir()
    assert results_in(tmp_path) == {"ping": [NOT_ENDED], "tools-list-2": [GOOD, TOLD]}


def _folder(tmp_path: Path, scenario: str) -> Path:
    folder = tmp_path / f"server-{scenario}-2026-11-21T09-47-55-298Z"
    folder.mkdir()
    return folder / "checks.json"


def test_entries_of_a_baseline_are_read_without_its_comments(tmp_path: Path) -> None:
    file = tmp_path / "baseline.yml"
    file.write_text("# - no\nserver:\n  # why\n  - one\n  - two:b # c\n", encoding="utf-8")
    assert baseline_in(file) == ["one", "two:b"]


def test_only_the_part_that_is_not_scored_is_read_as_such(tmp_path: Path) -> None:
    file = tmp_path / "requirements.yaml"
    file.write_text(
        "# not_scored\nserver:\n  - ping\n\nnot_scored:\n  - scenario: tasks\n    leg: server\n",
        encoding="utf-8",
    )
    assert unscored_in(file) == {"tasks"}


def test_no_baseline_names_an_entry_twice(repository: Path) -> None:
    files = sorted((repository / "tests" / "conformance" / "baselines").glob("*.yml"))
    assert len(files) == 4
    for file in files:
        entries = baseline_in(file)
        assert entries
        assert len(entries) == len(set(entries)), file.name
