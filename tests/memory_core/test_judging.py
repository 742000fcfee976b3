"""Evidence outranks opinion: how reports are read."""

from __future__ import annotations

import itertools

import pytest

from memory_core.judging import judge, read_log
from memory_core.model import OUTCOMES, Outcome
from memory_core.requests import Evidence

TRACE = (
    "Traceback (most recent call last):\n"
    '  File "a.py", line 1, in load\n'
    "    parse(row)\n"
    "ValueError: bad row 3\n"
)
HANDLED = f"{TRACE}retrying with utf-8-sig\nread 12 rows\nwrote 12 rows\ndone\n"


def evidence(
    exit_code: int | None = None,
    tests: tuple[int | None, int | None] = (None, None),
    log: str = "",
) -> Evidence:
    return Evidence(exit_code=exit_code, tests_passed=tests[0], tests_failed=tests[1], log=log)


TABLE: list[tuple[str, Outcome, Evidence, Outcome, float, float]] = [
    # what, reported, evidence, judged, reward, strength
    ("exit 0, success", "success", evidence(0), "success", 1.0, 0.9),
    ("exit 0 and tests, success", "success", evidence(0, (5, 0)), "success", 1.0, 1.0),
    ("exit 1, failure", "failure", evidence(1), "failure", 0.0, 1.0),
    ("exit 1, success", "success", evidence(1), "failure", 0.0, 0.8),
    ("killed, success", "success", evidence(-9), "failure", 0.0, 0.8),
    ("exit 1, unknown", "unknown", evidence(1), "failure", 0.0, 0.8),
    ("exit 1, partial", "partial", evidence(1), "partial", 0.5, 0.5),
    ("exit 1 with all tests passed", "success", evidence(1, (5, 0)), "failure", 0.0, 0.6),
    ("exit 0, failure", "failure", evidence(0), "failure", 0.0, 0.4),
    ("exit 0 and tests, failure", "failure", evidence(0, (5, 0)), "failure", 0.0, 0.4),
    ("exit 0, partial", "partial", evidence(0), "partial", 0.5, 0.6),
    ("exit 0, unknown", "unknown", evidence(0), "unknown", 0.5, 0.0),
    ("tests passed, unknown", "unknown", evidence(None, (5, 0)), "success", 1.0, 0.7),
    ("tests passed, success", "success", evidence(None, (5, None)), "success", 1.0, 1.0),
    ("exit 0 but 3 of 12 failed", "success", evidence(0, (9, 3)), "partial", 0.75, 0.8),
    ("exit 0 but all failed", "success", evidence(0, (0, 3)), "failure", 0.0, 0.9),
    ("exit 1 and 3 of 12 failed", "success", evidence(1, (9, 3)), "failure", 0.0, 0.9),
    ("3 of 12 failed, partial", "partial", evidence(1, (9, 3)), "partial", 0.75, 0.8),
    ("3 of 12 failed, failure", "failure", evidence(None, (9, 3)), "failure", 0.0, 1.0),
    ("3 of 12 failed, unknown", "unknown", evidence(None, (9, 3)), "partial", 0.75, 0.8),
    ("failed without a count of passed", "success", evidence(None, (None, 2)), "failure", 0.0, 0.9),
    ("zeros, unknown", "unknown", evidence(0, (0, 0)), "unknown", 0.5, 0.0),
    ("some zeros, unknown", "unknown", evidence(0, (0, None)), "unknown", 0.5, 0.0),
    ("other zeros, unknown", "unknown", evidence(0, (None, 0)), "unknown", 0.5, 0.0),
    ("zeros and a log, unknown", "unknown", evidence(0, (0, 0), "read"), "unknown", 0.5, 0.0),
    ("zeros and a handled error", "unknown", evidence(0, (0, 0), HANDLED), "unknown", 0.5, 0.0),
    ("zeros and an error", "unknown", evidence(0, (0, 0), TRACE), "failure", 0.0, 0.6),
    (
        "zeros and counted tests",
        "unknown",
        evidence(0, log="= 5 passed in 1s ="),
        "success",
        1,
        0.7,
    ),
    ("zeros, success", "success", evidence(0, (0, 0)), "success", 1.0, 0.7),
    ("zeros and a log, success", "success", evidence(0, (0, 0), "read"), "success", 1.0, 0.9),
    ("zeros, failure", "failure", evidence(0, (0, 0)), "failure", 0.0, 0.7),
    ("zeros, partial", "partial", evidence(0, (0, 0)), "partial", 0.5, 0.7),
    ("no exit code and no test, unknown", "unknown", evidence(None, (0, 0)), "unknown", 0.5, 0.0),
    ("an empty log, unknown", "unknown", evidence(log=" "), "unknown", 0.5, 0.0),
    ("no test ran", "success", evidence(None, (0, 0)), "success", 1.0, 0.7),
    ("handled error, exit 0", "success", evidence(0, log=HANDLED), "success", 1.0, 0.7),
    ("error at the end, exit 0", "success", evidence(0, log=TRACE), "success", 1.0, 0.7),
    ("error at the end, success", "success", evidence(log=TRACE), "failure", 0.0, 0.6),
    ("error at the end, unknown", "unknown", evidence(log=TRACE), "failure", 0.0, 0.6),
    ("error at the end, failure", "failure", evidence(log=TRACE), "failure", 0.0, 0.95),
    ("error at the end, partial", "partial", evidence(log=TRACE), "partial", 0.5, 0.5),
    ("handled error, success", "success", evidence(log=HANDLED), "success", 1.0, 0.4),
    ("handled error, failure", "failure", evidence(log=HANDLED), "failure", 0.0, 0.7),
    ("plain log, success", "success", evidence(log="wrote 12 rows"), "success", 1.0, 0.7),
    (
        "tests counted in the log",
        "success",
        evidence(log="= 3 failed, 9 passed in 0.1s ="),
        "partial",
        0.75,
        0.8,
    ),
    (
        "counts outrank the log",
        "success",
        evidence(0, (9, 0), "= 3 failed in 0.1s ="),
        "success",
        1.0,
        1.0,
    ),
]


@pytest.mark.parametrize(
    ("reported", "given", "outcome", "reward", "strength"),
    [row[1:] for row in TABLE],
    ids=[row[0] for row in TABLE],
)
def test_what_each_kind_of_evidence_decides(
    reported: Outcome, given: Evidence, outcome: Outcome, reward: float, strength: float
) -> None:
    judgement = judge(reported, given)
    assert (judgement.outcome, judgement.reward, judgement.strength) == (outcome, reward, strength)


FLAGS: list[tuple[Outcome, str, tuple[int, int], tuple[Outcome, float, float]]] = [
    # what was reported with which error and labels, and how it is judged
    ("success", "", (0, 0), ("success", 1.0, 0.7)),
    ("failure", "", (0, 0), ("failure", 0.0, 0.7)),
    ("partial", "", (0, 0), ("partial", 0.5, 0.7)),
    ("unknown", "", (0, 0), ("unknown", 0.5, 0.0)),
    ("success", "KeyError: 'a'", (0, 0), ("success", 1.0, 0.4)),
    ("failure", "KeyError: 'a'", (0, 0), ("failure", 0.0, 0.9)),
    ("unknown", "KeyError: 'a'", (0, 0), ("failure", 0.0, 0.4)),
    ("success", "", (2, 0), ("success", 1.0, 0.9)),
    ("success", "", (0, 1), ("success", 1.0, 0.5)),
    ("failure", "", (0, 1), ("failure", 0.0, 0.9)),
    ("failure", "", (1, 0), ("failure", 0.0, 0.5)),
    ("unknown", "", (1, 0), ("success", 1.0, 0.5)),
    ("unknown", "", (0, 1), ("failure", 0.0, 0.5)),
    ("unknown", "", (1, 1), ("partial", 0.5, 0.3)),
]


@pytest.mark.parametrize(("reported", "error", "labels", "expected"), FLAGS)
def test_without_evidence_labels_speak_before_the_flag(
    reported: Outcome, error: str, labels: tuple[int, int], expected: tuple[Outcome, float, float]
) -> None:
    judgement = judge(reported, None, error, ["h"] * labels[0], ["x"] * labels[1])
    assert (judgement.outcome, judgement.reward, judgement.strength) == expected


@pytest.mark.parametrize(
    ("reported", "given", "said"),
    [
        ("success", evidence(1), "reported success, but exit code 1: the evidence decides"),
        ("success", evidence(0, (0, 3)), "reported success, but 3 failed, 0 passed"),
        ("success", evidence(log=TRACE), "the log ends in ValueError: the evidence decides"),
        ("failure", evidence(0), "reported failure stands: exit code 0 is no proof"),
        ("success", evidence(0, log=TRACE), "the error in the log was handled"),
        ("success", evidence(log="2 failed, 1 passed in 0.1s"), "(counted in the log)"),
        ("success", evidence(log="2 failed, 1 passed"), "2 failed, 1 passed (counted in the log)"),
        ("success", evidence(log="2 tests failed and 1 passed."), "2 failed, 1 passed (counted"),
    ],
)
def test_a_contradiction_is_said(reported: Outcome, given: Evidence, said: str) -> None:
    assert said in judge(reported, given).why


EVERY = list(
    itertools.product(
        OUTCOMES,
        (None, 0, 1),
        ((None, None), (0, 0), (3, 0), (3, 1), (0, 1)),
        ("", TRACE, HANDLED, "fine"),
        ("", "KeyError: 'a'"),
        (((), ()), (("a",), ()), ((), ("a",))),
    )
)


def test_every_combination_is_judged_within_bounds() -> None:
    for reported, code, tests, log, error, (helpful, harmful) in EVERY:
        judgement = judge(reported, evidence(code, tests, log), error, helpful, harmful)
        assert 0.0 <= judgement.reward <= 1.0
        assert (judgement.strength == 0.0) == (judgement.outcome == "unknown")
        assert judgement.why


def test_no_report_of_failure_is_ever_turned_into_a_success() -> None:
    for reported, code, tests, log, error, (helpful, harmful) in EVERY:
        if reported == "failure":
            judgement = judge(reported, evidence(code, tests, log), error, helpful, harmful)
            assert judgement.outcome == "failure"


def test_a_non_zero_exit_code_is_never_a_success() -> None:
    for reported, code, tests, log, error, (helpful, harmful) in EVERY:
        if code:
            judgement = judge(reported, evidence(code, tests, log), error, helpful, harmful)
            assert judgement.outcome in ("failure", "partial")


SUMMARIES = [
    ("===== 3 failed, 9 passed, 1 skipped in 1.23s =====", 9, 3),
    ("===== 9 passed in 61.20s (0:01:01) =====", 9, 0),
    ("===== 1 failed, 1 error in 0.12s =====", 0, 2),
    ("9 passed, 1 warning in 0.10s", 9, 0),
    ("Ran 5 tests in 0.001s\n\nOK (skipped=1)", 5, 0),
    ("Ran 5 tests in 0.001s\n\nFAILED (failures=1, errors=2)", 2, 3),
    ("Tests:       3 failed, 9 passed, 12 total\nTime: 1 s", 9, 3),
    ("      Tests  2 passed (2)", 2, 0),
    ("test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured", 3, 1),
    ("[INFO] Tests run: 5, Failures: 1, Errors: 1, Skipped: 0", 3, 2),
    ("all done", None, None),
    ("", None, None),
]


@pytest.mark.parametrize(("log", "passed", "failed"), SUMMARIES)
def test_test_summaries_in_a_log_are_read(log: str, passed: int | None, failed: int | None) -> None:
    signs = read_log(log)
    assert (signs.passed, signs.failed) == (passed, failed)


def test_the_last_summary_counts() -> None:
    signs = read_log("== 1 failed, 2 passed in 0.1s ==\nfixed\n== 3 passed in 0.1s ==\n")
    assert (signs.passed, signs.failed) == (3, 0)


@pytest.mark.parametrize(
    ("log", "ends"),
    [
        (TRACE, True),
        (TRACE + "make: *** [test] Error 1\n", True),
        (HANDLED, False),
        (TRACE + "== 3 passed in 0.1s ==", False),
        ("grep: x: No such file or directory", False),
        ("src/x.ts(3,5): error TS2322: bad type", True),
        ("fine", False),
    ],
)
def test_an_error_with_work_after_it_does_not_end_a_log(log: str, ends: bool) -> None:
    assert read_log(log).ends_in_error is ends


def test_zeros_alone_never_make_an_unknown_a_success() -> None:
    for reported, code, tests, log, error, labels in EVERY:
        if reported == "unknown" and code == 0 and tests == (0, 0) and labels == ((), ()):
            assert judge(reported, evidence(code, tests, log), error).outcome != "success"
