"""What a log says of how a run ended: test counts, and an error at its end or before.

Test summaries of pytest, unittest, jest and vitest, cargo and JUnit are read.
This module knows no outcomes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from memory_core.error_reading import log_lines, read_error

_SUMMARY_LINES = 60
_LINES_AFTER = 2
"""Lines that may follow the error in which a log ends, not counting its own stack."""


@dataclass(frozen=True, slots=True)
class LogSigns:
    """Signs in a log; `passed` and `failed` are None where no test summary stands."""

    passed: int | None = None
    failed: int | None = None
    has_error: bool = False
    ends_in_error: bool = False
    error_class: str = ""


_PYTEST = re.compile(r"=+ (?=.{0,200}\b(?:passed|failed|errors?|deselected)\b).{1,200} in [0-9.]+s")
_QUIET = re.compile(
    r"(?=.{0,80}\b(?:passed|failed|error))[0-9]+ \w+(?:, [0-9]+ \w+){0,6} in [0-9.]+s"
)
_BARE = re.compile(
    r"(?=.{0,80}\b(?:passed|failed)\b)"
    r"[0-9]+ (?:tests? )?[a-z]+(?:(?:,| and|, and) [0-9]+ (?:tests? )?[a-z]+){0,6}\.?$"
)
"""Counts alone on a line, as an agent tells them."""
_JEST = re.compile(r"\s*Tests:?\s+(?=.{0,120}[0-9]+ (?:passed|failed)).{1,200}$")
_CARGO = re.compile(r"test result: \w+\. (?P<counts>.{1,200})")
_JUNIT = re.compile(
    r".{0,40}Tests run: (?P<run>[0-9]+), Failures: (?P<f>[0-9]+), Errors: (?P<e>[0-9]+)"
)
_RAN = re.compile(r"Ran (?P<run>[0-9]+) tests? in [0-9.]+s")
_UNITTEST = re.compile(r"(?P<ok>OK)(?: \(.{1,80}\))?$|FAILED \((?P<counts>.{1,80})\)$")
_COUNT = re.compile(r"(?P<n>[0-9]+) (?:tests? )?(?P<what>passed|failed|errors?)\b")
_PAIR = re.compile(r"(?P<what>failures|errors)=(?P<n>[0-9]+)")


def _counts(text: str) -> tuple[int, int]:
    passed = failed = 0
    for match in _COUNT.finditer(text):
        if match["what"] == "passed":
            passed += int(match["n"])
        else:
            failed += int(match["n"])
    return passed, failed


def _unittest(lines: Sequence[str], index: int) -> tuple[int, int] | None:
    """Read "Ran 5 tests" with the verdict that stands below it."""
    ran = _RAN.match(lines[index])
    if ran is None:
        return None
    for line in lines[index + 1 : index + 5]:
        verdict = _UNITTEST.match(line)
        if verdict:
            failed = sum(int(pair["n"]) for pair in _PAIR.finditer(verdict["counts"] or ""))
            return int(ran["run"]) - failed, failed
    return None


def _summary(lines: Sequence[str], index: int) -> tuple[int, int] | None:
    """Give (passed, failed) where this line is a test summary."""
    line = lines[index]
    if _PYTEST.match(line) or _QUIET.match(line) or _JEST.match(line) or _BARE.match(line):
        return _counts(line)
    cargo = _CARGO.match(line)
    if cargo:
        return _counts(cargo["counts"])
    junit = _JUNIT.match(line)
    if junit:
        failed = int(junit["f"]) + int(junit["e"])
        return int(junit["run"]) - failed, failed
    return _unittest(lines, index)


def _tests(lines: Sequence[str]) -> tuple[int | None, int | None]:
    """Give the counts of the last test summary near the log's end."""
    for index in range(len(lines) - 1, max(-1, len(lines) - 1 - _SUMMARY_LINES), -1):
        counts = _summary(lines, index)
        if counts is not None:
            return counts
    return None, None


_STACK = re.compile(
    r"\s|at |from |goroutine |note: |npm (?:ERR!|error)|make|\.\.\. |Node\.js v|exit status|\^"
)


def read_log(log: str) -> LogSigns:
    """Give the signs that a log holds; none for a blank one."""
    if not log.strip():
        return LogSigns()
    lines = [line for line in log_lines(log) if line.strip()]
    passed, failed = _tests(lines)
    error = read_error(lines)
    if error is None:
        return LogSigns(passed, failed)
    after = [line for line in lines[error.line + 1 :] if not _STACK.match(line)]
    ends = len(after) <= _LINES_AFTER and not passed and not error.weak
    return LogSigns(passed, failed, True, ends, error.type)
