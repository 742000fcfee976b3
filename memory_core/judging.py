"""How a report is read: evidence outranks opinion.

Self-reports saturate near "success", so each kind of evidence has a rank and a
strength, and the bare flag is the weakest. In order: exit code and test counts,
an error in which the log ends, labels of single items, the flag. Two rules are
not symmetric. A clean exit does not prove success, so a reported failure stays
one (the agent may see that the result is wrong), only weaker. And an error in
the log of a run that ended well is a handled one. And zeros alone are what a
caller writes whose schema makes it fill every field: an exit code of 0 beside
counts of no test is no evidence without a log, and an "unknown" becomes a success
by tests that passed alone, never by an exit code of 0.

The strengths order the kinds of evidence; their distances are chosen, not
measured. Of a log, test counts are read (pytest, unittest, jest and vitest, cargo, JUnit) and an
error at its end or before. This module knows no items, no learning and no storage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from memory_core.error_reading import log_lines, read_error
from memory_core.model import Outcome
from memory_core.requests import Evidence

# -- what a log says

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


# -- which evidence counts

_REWARDS: dict[Outcome, float] = {"success": 1.0, "partial": 0.5, "failure": 0.0, "unknown": 0.5}


@dataclass(frozen=True, slots=True)
class Judgement:
    """The outcome that counts, its reward in [0, 1], its strength in [0, 1], and why.

    Strength 0 means that nothing is to be learned; only "unknown" has it. `proven`: it rests
    on evidence, not on labels or the bare word.
    """

    outcome: Outcome
    reward: float
    strength: float
    why: str
    proven: bool = False


@dataclass(frozen=True, slots=True)
class _Case:
    """All that a rule looks at. `passed` and `failed` come from counts or from the log."""

    reported: Outcome
    exit_code: int | None
    passed: int | None
    failed: int | None
    counted: str
    signs: LogSigns
    has_error: bool
    helpful: int
    harmful: int
    logged: bool

    @property
    def zeros(self) -> bool:
        """Whether exit code and counts are zeros that say nothing: no test ran, by the counts."""
        counts = (self.passed, self.failed)
        return self.exit_code == 0 and counts != (None, None) and not any(counts)

    @property
    def tests(self) -> str:
        return f"{self.failed or 0:,} failed, {self.passed or 0:,} passed{self.counted}"


def _judged(case: _Case, outcome: Outcome, strength: float, why: str) -> Judgement:
    """Make the judgement; a disagreement with the report is said, with the report's word."""
    if case.reported not in (outcome, "unknown"):
        why = f"reported {case.reported}, but {why}: the evidence decides"
    return Judgement(outcome, _REWARDS[outcome], strength, why)


def _failed_tests(case: _Case) -> Judgement | None:
    """Tests that failed, whatever the exit code (`pytest || true` ends with 0)."""
    if not case.failed:
        return None
    partly = bool(case.passed) and case.reported != "failure" and not case.exit_code
    partly = partly or (bool(case.passed) and case.reported == "partial")
    if not partly:
        return _judged(case, "failure", 1.0 if case.reported == "failure" else 0.9, case.tests)
    judged = _judged(case, "partial", 0.8, case.tests)
    passed = case.passed or 0
    return Judgement(judged.outcome, passed / (passed + case.failed), judged.strength, judged.why)


def _bad_exit(case: _Case) -> Judgement | None:
    if not case.exit_code:
        return None
    why = f"exit code {case.exit_code}"
    if case.passed:
        return _judged(case, "failure", 0.6, f"{why} although all {case.passed:,} tests passed")
    if case.reported == "partial":
        return Judgement("partial", 0.5, 0.5, f"{why}, and part of the work reported as done")
    return _judged(case, "failure", 1.0 if case.reported == "failure" else 0.8, why)


def _good_end(case: _Case) -> Judgement | None:
    """Exit code 0, tests that all passed, or both."""
    if case.exit_code is None and not case.passed:
        return None
    if (case.reported == "unknown" and not case.passed) or (case.zeros and not case.logged):
        return None
    parts = ["exit code 0"] if case.exit_code == 0 else []
    if case.passed:
        parts.append(f"all {case.passed:,} tests passed{case.counted}")
    why = " and ".join(parts)
    if case.reported == "failure":
        return Judgement("failure", 0.0, 0.4, f"reported failure stands: {why} is no proof")
    if case.reported == "partial":
        return Judgement("partial", 0.5, 0.6, f"reported partial stands: {why} is no proof")
    if case.reported == "unknown":
        return Judgement("success", 1.0, 0.7, why)
    if case.signs.has_error and not case.passed:
        return Judgement("success", 1.0, 0.7, f"{why}; the error in the log was handled")
    return Judgement("success", 1.0, 1.0 if case.passed else 0.9, why)


def _log(case: _Case) -> Judgement | None:
    """An error in which the log ends; one with work after it only weakens a success."""
    kind = case.signs.error_class
    if not case.signs.has_error:
        return None
    if not case.signs.ends_in_error:
        if case.reported == "success":
            return Judgement("success", 1.0, 0.4, f"the log goes on after {kind}")
        return None
    if case.reported == "partial":
        return Judgement("partial", 0.5, 0.5, f"the log ends in {kind}")
    return _judged(
        case, "failure", 0.95 if case.reported == "failure" else 0.6, f"the log ends in {kind}"
    )


def _labels(case: _Case) -> Judgement | None:
    if not case.helpful and not case.harmful:
        return None
    mostly: Outcome = "success" if case.helpful > case.harmful else "failure"
    if case.helpful == case.harmful:
        mostly = "partial"
    why = f"{case.helpful} items labelled helpful, {case.harmful} harmful"
    if case.reported == "unknown":
        return Judgement(mostly, _REWARDS[mostly], 0.3 if mostly == "partial" else 0.5, why)
    strength = 0.9 if mostly == case.reported else 0.5
    return Judgement(case.reported, _REWARDS[case.reported], strength, f"as reported; {why}")


def _flag(case: _Case) -> Judgement:
    """The bare word. Success and failure weigh the same, or the predicted chances would be off."""
    if case.reported == "unknown":
        if case.has_error:
            return Judgement("failure", 0.0, 0.4, "no outcome given, but an error")
        return Judgement("unknown", 0.5, 0.0, "no outcome and no evidence: nothing to learn")
    if case.reported == "failure":
        return Judgement("failure", 0.0, 0.9 if case.has_error else 0.7, "as reported")
    if case.has_error:
        return Judgement(
            case.reported,
            _REWARDS[case.reported],
            0.4,
            "as reported, without proof and with an error",
        )
    return Judgement(case.reported, _REWARDS[case.reported], 0.7, "as reported, without evidence")


_EVIDENCE: tuple[Callable[[_Case], Judgement | None], ...] = (
    _failed_tests,
    _bad_exit,
    _good_end,
    _log,
)


def _case(
    reported: Outcome, evidence: Evidence | None, error: str, helpful: int, harmful: int
) -> _Case:
    given = evidence or Evidence()
    signs = read_log(given.log)
    counts = (given.tests_passed, given.tests_failed)
    from_log = counts == (None, None) and (signs.passed is not None or signs.failed is not None)
    passed, failed = (signs.passed, signs.failed) if from_log else counts
    counted = " (counted in the log)" if from_log else ""
    return _Case(
        reported,
        given.exit_code,
        passed,
        failed,
        counted,
        signs,
        bool(error.strip()),
        helpful,
        harmful,
        bool(given.log.strip()),
    )


def judge(
    reported: Outcome,
    evidence: Evidence | None = None,
    error: str = "",
    helpful: Sequence[str] = (),
    harmful: Sequence[str] = (),
) -> Judgement:
    """Give the outcome that counts, and how strongly it teaches.

    Args:
        reported: What the caller said.
        evidence: Exit code, test counts and log; explicit counts outrank the log's.
        error: The error text of the report. It says what went wrong, and proves
            nothing: agents pass the error that they solved, too.
        helpful: Ids of items labelled helpful.
        harmful: Ids of items labelled harmful.

    Example:
        >>> judge("success", Evidence(exit_code=1)).why
        'reported success, but exit code 1: the evidence decides'
    """
    case = _case(reported, evidence, error, len(helpful), len(harmful))
    for rule in _EVIDENCE:
        judgement = rule(case)
        if judgement is not None:
            return replace(judgement, proven=True)
    return _labels(case) or _flag(case)
