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
measured. This module knows no items, no learning and no storage.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from memory_core.log_signs import LogSigns, read_log
from memory_core.model import Outcome
from memory_core.requests import Evidence

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
