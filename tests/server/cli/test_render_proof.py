"""The proof as people read it: every number with its unit, nothing left out, nothing forged."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_core.answers import ScorerReport
from memory_core.proof_answers import (
    ExpertPush,
    Harm,
    HarmfulItem,
    HarmReport,
    MemoryGain,
    MovedGroup,
    MovedItem,
    OrderProof,
    ProofDetails,
    ReliabilityRow,
    Speaking,
)
from memory_core.requests import Empty
from server.cli.render_proof import BARS, POINTS, proof, short_proof, sparkline, weight
from server.cli.terminal import Page, width_of
from tests.server.cli.harness import Shell
from tests.server.fake_memory import FakeMemory

ORDER = OrderProof(
    same=15,
    same_success=0.6,
    changed=133,
    first_changed=74,
    changed_success=0.6842,
    expected=0.5387,
    difference=0.1455,
    difference_interval=(0.0689, 0.2221),
    groups=(
        MovedGroup(direction="up", judged=74, well=52, interval=(0.585, 0.803)),
        MovedGroup(direction="kept", judged=59, well=39, interval=(0.526, 0.779)),
        MovedGroup(direction="down", judged=0, well=0, interval=(0.0, 1.0)),
    ),
    right=9,
    wrong=2,
    pairs_interval=(0.482, 0.977),
    sentence="Learning changed the order in 133 reports.",
)
MOVED = MovedItem(
    item_id="item_1",
    title="Open with utf-8-sig",
    recall_id="rec_1",
    task="read a file",
    similarity_rank=22,
    served_rank=1,
    verdict="badly",
    at="2026-11-01T00:00:00Z",
)
HARM = Harm(
    reports=19,
    newest=(
        HarmReport(
            outcome_id="out_1",
            recall_id="rec_1",
            task="read a file",
            first_id="item_1",
            first_title="Open with utf-8-sig",
            learned=0.64,
            similarity=0.53,
            changed=True,
            held_out=False,
            at="2026-11-01T00:00:00Z",
        ),
    ),
    labelled=(HarmfulItem(item_id="item_2", title="Guess", state="active", harmful=3, helpful=1),),
    rollbacks=2,
    sentence="19 reports failed where similarity was the better warning.",
)
MEMORY = MemoryGain(
    share=0.1,
    with_memory=60,
    with_success=45,
    with_recalls=80,
    without_memory=12,
    without_success=5,
    without_recalls=15,
    difference=0.3333,
    interval=(0.04, 0.58),
    sentence="45 of 60 reported recalls with memory went well, 5 of 12 without.",
)
DETAILS = ProofDetails(
    verdict="Learning helps.",
    history=((1, 1.0), (2, 0.5), (3, 0.0)),
    calibration=(
        ReliabilityRow(low=0.3, high=0.4, reports=1_200, predicted=0.371, happened=0.602),
    ),
    order=ORDER,
    pushes=(ExpertPush(expert="evidence", push=0.36, decided=30),),
    moved=(MOVED,),
    harm=HARM,
    memory=MEMORY,
    speaking=Speaking(
        recalls=90, silent=61, served=40, judged=30, used=21, prompts=50, tokens=17.4
    ),
)


def report(**fields: Any) -> ScorerReport:
    return ScorerReport.model_validate(
        {
            "mode": "learned",
            "version": "v148",
            "reports": 148,
            "trained": 140,
            "pending": 8,
            "weight": 0.75,
            "weights": {"evidence": 1.65},
            "proof": {
                "held_out": 14,
                "wins": 10,
                "losses": 3,
                "ties": 1,
                "interval": (0.46, 0.95),
                "gain": 0.05,
                "sentence": "On 14 held-out reports.",
            },
            "calibration_error": 0.097,
            "rollbacks": 2,
            "state": "fresh",
            "parameters": 1,
            "details": DETAILS,
            **fields,
        }
    )


def shown(answer: ScorerReport, width: int = 120) -> str:
    page = Page(width=width)
    proof(page, answer)
    return page.text()


WHOLE = (
    "Learning helps.",
    "148 taken, corrections too; 8 to be learned",
    "14 reports (every tenth), predicted and never learned",
    "10 predicted better than similarity did, 3 worse, 1 alike",
    "46% to 95% (exact 95 % interval, 50 % is chance)",
    "0.75 (0: similarity alone serves, 1: learning in full)",
    "█▅▁ (0 to 1, over 3 reports)",
    "On average 9.7 points lie between what it said and what came.",
    "133 reports (74 with another first item), 68% went well",
    "similarity's own order was predicted to reach 54%",
    "+15 points (95 % interval +7 to +22)",
    "had the helpful one first 9 times, similarity 2 times",
    "No trial: nobody saw the other order",
    "its outcomes in like conditions",
    "22 to 1 badly Open with utf-8-sig read a file",
    "19 reports failed where similarity was the better warning.",
    "45 of 60 reported recalls with memory went well, 5 of 12 without.",
    "61 of 90 (nothing fitted)",
    "21 of 30 served items",
    "17 tokens a prompt, 50 prompts",
)


@pytest.mark.parametrize("part", WHOLE)
def test_everything_of_the_proof_is_shown(part: str) -> None:
    assert part in " ".join(shown(report()).split())


def test_tables_have_each_row_with_its_numbers() -> None:
    lines = [" ".join(line.split()) for line in shown(report()).splitlines()]
    assert "30% to 40% 1,200 37% 60%" in lines
    assert "moved up 74 52 70% 58% to 80%" in lines
    assert "moved down 0 0 - -" in lines
    assert "53% 64% Open with utf-8-sig read a file" in lines
    assert "3 1 active Guess" in lines


def test_nothing_reported_yet_fits_on_a_few_lines() -> None:
    empty = report(
        details=ProofDetails(verdict="Too early to tell."),
        calibration_error=None,
        proof={
            **report().proof.model_dump(),
            **dict.fromkeys(("held_out", "wins", "losses", "ties"), 0),
        },
    )
    text = shown(empty)
    assert text.startswith("Too early to tell.\n")
    assert "nothing decided yet" in text
    assert "LESSONBANK_HOLDOUT is 0" in text
    assert len(text.splitlines()) < 15


def test_no_changed_order_shows_no_empty_table() -> None:
    order = ORDER.model_copy(update={"changed": 0, "sentence": "No report yet."})
    text = shown(report(details=DETAILS.model_copy(update={"order": order})))
    assert "No report yet." in text
    assert "moved up" not in text


@pytest.mark.parametrize("width", [60, 80, 140])
def test_lines_fit_the_page(width: int) -> None:
    long = MOVED.model_copy(update={"title": "word " * 60, "task": "task " * 60})
    details = DETAILS.model_copy(update={"moved": (long,), "pushes": ()})
    lines = shown(report(details=details), width).splitlines()
    tables = [line for line in lines if "22 to 1" in line]
    assert tables
    assert all(width_of(line) <= width for line in tables)


def test_stored_titles_cannot_move_the_cursor_or_forge_lines() -> None:
    bad = MOVED.model_copy(update={"title": "a\x1b[2J\rForged: line\nnext", "task": "x\x1b[31m"})
    text = shown(report(details=DETAILS.model_copy(update={"moved": (bad,)})))
    assert "\x1b" not in text
    assert "\r" not in text
    assert "\nForged" not in text
    assert "\nnext" not in text


def test_stats_have_the_proof_in_short() -> None:
    lines = dict(short_proof(report()))
    assert lines["verdict"] == "Learning helps."
    assert lines["over time"].startswith("█▅▁")
    assert lines["harm"] == HARM.sentence
    assert lines["memory"] == MEMORY.sentence
    assert lines["order"] == ORDER.sentence


# -- bars --------------------------------------------------------------------------


@given(st.lists(st.floats(-1, 2), min_size=1, max_size=300))
def test_bars_are_bounded_and_end_with_the_last_value(values: list[float]) -> None:
    bars = sparkline(list(enumerate(values)))
    assert len(bars) == min(len(values), POINTS)
    assert set(bars) <= set(BARS)
    last = max(0.0, min(values[-1], 1.0))
    assert bars[-1] == BARS[round(last * (len(BARS) - 1))]


def test_no_history_has_no_bars() -> None:
    assert sparkline(()) == ""


# -- the command -------------------------------------------------------------------


def test_proof_is_shown_and_waits_for_the_model(shell: Shell) -> None:
    assert shell.run("proof") == 0
    assert shell.out.startswith("Too early to tell.\n")
    assert shell.memory.warmed == 1
    assert shell.memory.closed


def test_proof_as_json_is_the_exact_answer(shell: Shell) -> None:
    class Proven(FakeMemory):
        async def _scorer(self, request: Empty) -> ScorerReport:
            return report()

    assert shell.run("--json", "proof", memory=Proven()) == 0
    assert ScorerReport.model_validate_json(shell.out) == report()


def test_stats_show_the_verdict(shell: Shell) -> None:
    assert shell.run("stats") == 0
    assert "verdict   Too early to tell." in shell.out
    assert "lessonbank proof, lessonbank eval" in shell.out


def test_a_weight_is_told_with_what_it_rests_on() -> None:
    answer = report()
    nothing = answer.model_copy(update={"reports": 0, "weight": 1.0})
    assert weight(nothing) == "none: similarity alone serves until a report is learned"
    even = answer.proof.model_copy(update={"wins": 0, "losses": 0})
    undecided = answer.model_copy(update={"proof": even, "weight": 1.0})
    assert weight(undecided).startswith("1.00, until held-out reports decide (0: ")
    assert weight(answer).startswith("0.75 (0: ")
