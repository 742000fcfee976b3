"""What a run of the suite showed, against the baseline that says what is known to fail.

The rules are the suite's own, applied to every scenario that ran: those that a revision
requires and those that it only reports. Warnings count as failures, and an entry of the
baseline that no longer fails is a failure too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

FAILING = frozenset({"FAILURE", "WARNING"})
_ENTRY = re.compile(r"^\s*- ([^\s#]+)", re.MULTILINE)
_UNSCORED = re.compile(r"^  - scenario: (\S+)", re.MULTILINE)
_FOLDER = re.compile(r"server-(.+)-\d{4}-\d{2}-\d{2}T[\d-]+Z")


@dataclass(frozen=True, slots=True)
class Check:
    """One check of one scenario; ids may occur more than once in a scenario."""

    id: str
    status: str
    message: str = ""

    @property
    def failing(self) -> bool:
        """Whether it failed or warned."""
        return self.status in FAILING


Results = Mapping[str, Sequence[Check]]
"""The checks of each scenario by its name."""

NOT_ENDED = Check("runs-to-its-end", "FAILURE", "the scenario left no results")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts of checks, and one line for each problem."""

    passed: int
    expected: int
    problems: tuple[str, ...]


def results_in(folder: Path) -> dict[str, list[Check]]:
    """Read what the suite wrote to its output folder."""
    found: dict[str, list[Check]] = {}
    for run in sorted(folder.iterdir()):
        if match := _FOLDER.fullmatch(run.name):
            found[match[1]] = _checks_in(run / "checks.json")
    return found


def _checks_in(file: Path) -> list[Check]:
    if not file.exists():
        return [NOT_ENDED]
    return [
        Check(one["id"], one["status"], one.get("errorMessage", ""))
        for one in json.loads(file.read_text(encoding="utf-8"))
    ]


def baseline_in(file: Path) -> list[str]:
    """Read the entries of a baseline: `scenario` or `scenario:check-id`."""
    return _ENTRY.findall(file.read_text(encoding="utf-8"))


def unscored_in(requirements: Path) -> set[str]:
    """Read the scenarios that a revision's requirements report without counting them."""
    _, _, unscored = requirements.read_text(encoding="utf-8").partition("\nnot_scored:")
    return set(_UNSCORED.findall(unscored))


def judge(results: Results, baseline: Sequence[str]) -> Verdict:
    """Count what passed and what was expected to fail; all else that failed is a problem."""
    passed = expected = 0
    problems = []
    for scenario, checks in results.items():
        for check in checks:
            if not check.failing:
                passed += check.status == "SUCCESS"
            elif scenario in baseline or f"{scenario}:{check.id}" in baseline:
                expected += 1
            else:
                problems.append(f"{check.status} {scenario}:{check.id} {check.message}".rstrip())
    problems += [f"STALE {entry}" for entry in baseline if _stale(entry, results)]
    return Verdict(passed, expected, tuple(problems))


def _stale(entry: str, results: Results) -> bool:
    """Whether an entry excuses nothing; a check that was not reached is no proof of that."""
    scenario, _, check_id = entry.partition(":")
    checks = results.get(scenario)
    if checks is None:
        return True
    named = [one for one in checks if check_id in ("", one.id)]
    if any(one.failing for one in named):
        return False
    return not check_id or any(one.status == "SUCCESS" for one in named)
