"""The replay of the log for people. This module calls nothing and decides nothing."""

from __future__ import annotations

from collections.abc import Sequence

from memory_core.proof_answers import Evaluation, ScorerRow
from server.cli.render import counted
from server.cli.render_proof import ends, in_points, share
from server.cli.terminal import Page
from server.plain import one_line

SCORERS = {
    "similarity": "similarity",
    "cosine": "meaning only",
    "counters": "wins and losses",
    "evidence": "evidence only",
    "learned": "learned",
}
"""The replayed scorers as they are shown."""


def evaluation(page: Page, answer: Evaluation) -> None:
    """Show what the replay of the log found."""
    page.line(one_line(answer.store), "dim")
    page.block(
        f"{counted(answer.outcomes, 'outcome')}, {answer.scored:,} of them replayed: each is "
        "predicted from earlier ones only.",
        "",
        "bold",
    )
    for sentence in answer.sentences:
        page.line()
        page.block(sentence)
    if answer.scorers:
        _predictions(page, answer.scorers)
        _replay(page, answer.scorers)
    if answer.policies:
        _policies(page, answer)


def _predictions(page: Page, rows: Sequence[ScorerRow]) -> None:
    page.line()
    page.line("who predicts your outcomes best", "bold")
    table = [
        (
            SCORERS.get(row.name, row.name),
            f"{row.log_loss:.3f}",
            "-" if row.auc is None else f"{row.auc:.2f}",
            "-" if row.calibration_error is None else f"{100 * row.calibration_error:.1f}",
            f"{row.wins:,}",
            f"{row.losses:,}",
            f"{row.ties:,}",
            _gain(row),
            "" if row.verdict == "base" else row.verdict,
        )
        for row in rows
    ]
    head = ("scorer", "log loss", "AUC", "error", "won", "lost", "even", "saved", "verdict")
    page.table(head, table, 0, indent="  ")
    for line in (
        "log loss: surprise at what happened, lower is better; 0.693 is a coin.",
        "AUC: how often a success was predicted above a failure, 0.50 is guessing.",
        "error: mean points between predicted and real success (calibration).",
        "won, lost, even: report by report against similarity.",
        "saved: log loss less than similarity's, with its 95 % interval.",
    ):
        page.line(f"  {line}", "dim")


def _gain(row: ScorerRow) -> str:
    if row.verdict == "base":
        return ""
    if row.gain_interval is None:
        return f"{row.gain:+.3f}"
    return f"{row.gain:+.3f} ({row.gain_interval[0]:+.3f} to {row.gain_interval[1]:+.3f})"


def _replay(page: Page, rows: Sequence[ScorerRow]) -> None:
    if all(row.agrees is None for row in rows):
        return
    page.line()
    page.line("who would have served the same first item", "bold")
    table = [
        (SCORERS.get(row.name, row.name), share(row.agrees), share(row.agreed_success))
        for row in rows
    ]
    page.table(("scorer", "agrees", "then it went well"), table, 0, indent="  ")
    for line in (
        "Only a replay of what was served: it says nothing of the other recalls.",
        "Orders that agree may do so on the easy tasks: do not compare these rows.",
    ):
        page.line(f"  {line}", "dim")


def _policies(page: Page, answer: Evaluation) -> None:
    page.line()
    page.line("what each order would have led to (doubly robust estimate)", "bold")
    table = [
        (
            SCORERS.get(row.name, row.name),
            f"{row.covered:,}",
            f"{row.matched:,}",
            "-" if row.success is None else f"{row.success:.0%} ({ends(row.interval)})",
            share(row.served_success),
            "-" if row.difference is None else in_points(row.difference, row.difference_interval),
            row.verdict,
        )
        for row in answer.policies
    ]
    head = ("order of", "could", "shown", "would go well", "went well", "difference", "verdict")
    page.table(head, table, 0, indent="  ")
    for line in (
        f"could: of {answer.explored:,} explored recalls those that could have shown its set.",
        "shown: those that did show it. went well: what was served on the same recalls.",
        "Recalls whose outcome was never reported are not in it.",
    ):
        page.line(f"  {line}", "dim")
