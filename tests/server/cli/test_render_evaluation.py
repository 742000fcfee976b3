"""`lessonbank eval`: the page, and the command over a real store that it does not change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from memory_core.proof_answers import Evaluation, PolicyRow, ScorerRow
from server.cli.render_apart import SCORERS, evaluation
from server.cli.terminal import Page
from tests.memory_core.test_bootstrap import content, used
from tests.server.cli.harness import Shell


def scorer(name: str, **fields: Any) -> ScorerRow:
    return ScorerRow.model_validate(
        {
            "name": name,
            "log_loss": 0.603,
            "auc": 0.69,
            "calibration_error": 0.097,
            "wins": 87,
            "losses": 52,
            "ties": 9,
            "interval": (0.54, 0.7),
            "gain": 0.0465,
            "gain_interval": (0.0201, 0.0728),
            "agrees": 0.5,
            "agreed_success": 0.65,
            "verdict": "better",
            **fields,
        }
    )


def policy(name: str, **fields: Any) -> PolicyRow:
    return PolicyRow.model_validate(
        {
            "name": name,
            "covered": 90,
            "matched": 14,
            "success": 0.612,
            "interval": (0.45, 0.77),
            "served_success": 0.7,
            "difference": -0.088,
            "difference_interval": (-0.2, -0.01),
            "verdict": "worse",
            **fields,
        }
    )


ANSWER = Evaluation(
    store="store of a\x1b[2Juser",
    outcomes=150,
    scored=148,
    explored=120,
    scorers=(
        scorer("similarity", verdict="base", gain=0.0, gain_interval=None),
        scorer("cosine", auc=None, calibration_error=None, gain_interval=None),
        scorer("learned"),
    ),
    policies=(
        policy("similarity"),
        policy(
            "cosine",
            success=None,
            interval=None,
            served_success=None,
            difference=None,
            difference_interval=None,
            verdict="too few",
        ),
    ),
    memory=None,
    sentences=("The learned scorer predicted better.", "120 reports are explored."),
)


def shown(answer: Evaluation) -> str:
    page = Page(width=140)
    evaluation(page, answer)
    return page.text()


def test_every_scorer_has_its_row_and_every_column_its_gloss() -> None:
    text = shown(ANSWER)
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "learned 0.603 0.69 9.7 87 52 9 +0.046 (+0.020 to +0.073) better" in lines
    assert "similarity 0.603 0.69 9.7 87 52 9" in lines
    assert "meaning only 0.603 - - 87 52 9 +0.046 better" in lines
    for word in ("log loss:", "AUC:", "error:", "won, lost, even:", "saved:"):
        assert f"  {word}" in text
    assert "150 outcomes, 148 of them replayed" in text
    assert "The learned scorer predicted better." in text


def test_every_order_has_its_estimate_or_says_too_few() -> None:
    lines = [" ".join(line.split()) for line in shown(ANSWER).splitlines()]
    expected = "similarity 90 14 61% (45% to 77%) 70% -9 points (95 % interval -20 to -1) worse"
    assert expected in lines
    assert "meaning only 90 14 - - - too few" in lines
    assert "of 120 explored recalls" in shown(ANSWER)


def test_without_exploration_there_is_no_table_of_orders() -> None:
    text = shown(ANSWER.model_copy(update={"policies": ()}))
    assert "doubly robust" not in text


def test_without_scored_reports_only_the_sentences_stand() -> None:
    nothing = ANSWER.model_copy(
        update={"scorers": (), "policies": (), "sentences": ("Nothing to compare yet.",)}
    )
    assert "Nothing to compare yet." in shown(nothing)
    assert "log loss" not in shown(nothing)


def test_the_name_of_a_folder_cannot_move_the_cursor() -> None:
    assert "\x1b" not in shown(ANSWER)


def test_every_replayed_scorer_has_a_name_for_people() -> None:
    from memory_core.service import evaluating

    assert set(SCORERS) == set(evaluating.SCORERS)


# -- the command -------------------------------------------------------------------


@pytest.fixture
def stocked(shell: Shell) -> Path:
    used(shell.store).service.close()
    return shell.store


def test_the_command_replays_a_store_and_changes_nothing(shell: Shell, stocked: Path) -> None:
    before = content(stocked)
    assert shell.run("eval") == 0
    assert "12 outcomes, 12 of them replayed" in shell.out
    assert "LESSONBANK_EXPLORE is 0 by default" in shell.out.replace("\n  ", " ")
    assert shell.settings == []
    assert content(stocked) == before


def test_as_json_it_is_the_exact_answer(shell: Shell, stocked: Path) -> None:
    found = Evaluation.model_validate(shell.json("eval"))
    assert [row.name for row in found.scorers] == list(SCORERS)
    assert (found.outcomes, found.explored, found.policies) == (12, 0, ())


def test_no_store_is_one_sentence(shell: Shell) -> None:
    assert shell.run("eval") == 1
    assert "holds no store" in shell.err
    assert not shell.store.exists()
