"""What the commands that run apart from the main job answer, for people.

The store as a whole (counts, sizes, what the learner knows), the doctor, the replay of the log, an
installation. This module calls nothing and decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from server.cli.render import counted
from server.cli.render_proof import ends, in_points, share, short_proof, spoken, weight
from server.cli.terminal import Page, wrapped
from server.plain import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from memory_core.answers import Compacted, Exported, Reembedded, Shared, Stats
    from memory_core.doctor import Check, Report
    from memory_core.proof_answers import Evaluation, ScorerRow
    from server.cli.terminal import Style
    from server.install.answers import AllAnswer, FileChange, InstallAnswer, PrintAnswer

_SAID = {
    "added": "installed",
    "updated": "updated",
    "already there": "already installed",
    "removed": "removed",
    "not there": "not installed, nothing to remove",
    "left alone": "left alone: another server has this name",
}
_WOULD = {
    "added": "would be installed",
    "updated": "would be updated",
    "removed": "would be removed",
}


def installation(page: Page, answer: InstallAnswer) -> None:
    """Show what was done, or would be done."""
    for change in answer.changes:
        page.line(f"{change.part}: {_word(change, dry_run=answer.dry_run)}", "bold")
        page.pairs([("file", change.file), ("copy of what was there", change.backup)])
        for line in change.diff.splitlines():
            page.line(f"  {line}")
    _notes(page, answer.notes)


def everywhere(page: Page, answer: AllAnswer) -> None:
    """Show what was done for each client, and which of those known are not here."""
    said: list[str] = []
    for one in answer.done:
        page.line(one.client, "bold")
        for change in one.changes:
            page.pairs([(f"{change.part}: {_word(change, dry_run=one.dry_run)}", change.file)])
            for line in change.diff.splitlines():
                page.line(f"  {line}")
        said += [note for note in one.notes if note not in said]
    for failed in answer.failed:
        page.line(f"{failed.client}: failed", "bold")
        page.block(failed.error)
    if answer.absent:
        page.block(f"Not on this machine: {', '.join(answer.absent)}.", indent="")
    if not answer.done and not answer.failed:
        page.line("Or name one: lessonbank install CLIENT", "dim")
    _notes(page, tuple(said))


def snippets(page: Page, answer: PrintAnswer) -> None:
    """Show what belongs into which file; the text can be pasted."""
    for one in answer.snippets:
        page.line(one.file, "bold")
        for line in one.text.splitlines():
            page.line(line)
    _notes(page, answer.notes)


def _word(change: FileChange, *, dry_run: bool) -> str:
    return _WOULD.get(change.status, _SAID[change.status]) if dry_run else _SAID[change.status]


def _notes(page: Page, notes: tuple[str, ...]) -> None:
    for note in notes:
        page.line()
        page.block(note, indent="")


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


_MARKS: dict[str, tuple[str, Style]] = {
    "ok": ("ok", "green"),
    "warn": ("warn", "yellow"),
    "fail": ("FAIL", "red"),
    "not checked": ("-", "dim"),
}


_INDENT = 21
"""Columns before what was found."""


def doctor(page: Page, report: Report) -> None:
    """Show every check, with the next move under what is not well."""
    for check in report.checks:
        _check(page, check)
    worst = sum(check.status == "fail" for check in report.checks)
    warnings = sum(check.status == "warn" for check in report.checks)
    page.line()
    if worst:
        page.line(f"{worst} of {len(report.checks)} checks failed.", "red", "bold")
    elif warnings:
        page.line(f"It works; {counted(warnings, 'warning')}.", "yellow")
    else:
        page.line("All is well.", "green")


def _check(page: Page, check: Check) -> None:
    mark, style = _MARKS[check.status]
    first, *rest = wrapped(one_line(check.found), page.width - _INDENT) or [""]
    page.line(f"{page.styled(mark.ljust(4), style)}  {check.name:<13}  {first}")
    for line in rest:
        page.line(f"{'':{_INDENT}}{line}")
    if check.move:
        page.block(f"-> {one_line(check.move)}", " " * _INDENT, "bold")


def _size(count: float) -> str:
    """Give a number of bytes for people."""
    for unit in ("bytes", "kB", "MB"):
        if abs(count) < 1024:
            return f"{count:,.0f} {unit}" if unit == "bytes" else f"{count:,.1f} {unit}"
        count /= 1024
    return f"{count:,.1f} GB"


def _shared(shared: Shared | None) -> list[tuple[str, str]]:
    if shared is None:
        return []
    says = f"{shared.role}; {counted(shared.waiting, 'record')} to be sent"
    return [("shared store", f"{says}, {shared.behind_seconds:.0f} s behind")]


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))


def stats(page: Page, answer: Stats) -> None:
    """Show counts, sizes and what the learner knows of itself."""
    learner, proof = answer.learner, answer.learner.proof
    page.line(f"lessonbank {answer.version}", "bold")
    page.pairs(
        [
            ("store", answer.store),
            ("size", f"{_size(answer.bytes)}, {counted(answer.fragments, 'fragment')}"),
            ("unindexed", counted(answer.unindexed, "item")),
            *_shared(answer.shared),
            ("model", f"{answer.embedder or 'none yet'}, {answer.dimension} dimensions"),
            ("state", answer.readiness),
        ]
    )
    page.line()
    page.line(f"items: {sum(answer.items.values()):,}", "bold")
    page.pairs([("by state", _counts(answer.items)), ("by kind", _counts(answer.kinds))])
    page.line()
    page.line(f"outcomes: {sum(answer.outcomes.values()):,}", "bold")
    page.pairs([("judged", _counts(answer.outcomes))])
    page.line()
    page.line(f"recalls: {answer.recalls:,}", "bold")
    page.pairs(spoken(answer.speaking))
    if answer.projects:
        page.line()
        page.line("projects", "bold")
    page.pairs((name, counted(count, "item")) for name, count in sorted(answer.projects.items()))
    page.line()
    page.line("learner", "bold")
    page.pairs(
        [
            ("mode", f"{learner.mode}, {learner.state}"),
            (
                "reports",
                f"{learner.reports:,} taken, corrections too; {learner.pending:,} to be learned",
            ),
            ("weight", weight(learner)),
            (
                "experts",
                ", ".join(f"{name} {value:.2f}" for name, value in learner.weights.items()),
            ),
            (
                "held out",
                f"{proof.held_out:,}: {proof.wins} won, {proof.losses} lost, {proof.ties} even",
            ),
            ("proof", proof.sentence),
            *short_proof(learner),
        ]
    )


def compacted(page: Page, answer: Compacted) -> None:
    """Show what compaction did."""
    page.line(
        f"{counted(answer.fragments_before, 'fragment')} became {answer.fragments_after:,}; "
        f"{_size(answer.bytes_before)} became {_size(answer.bytes_after)}."
    )


def reembedded(page: Page, answer: Reembedded) -> None:
    """Show what re-embedding did."""
    done = counted(answer.items, "item")
    if answer.skipped and not answer.items:
        said = f"Nothing to do: {counted(answer.skipped, 'item')} had these vectors already."
    elif answer.skipped:
        said = f"{done} got new vectors, {answer.skipped:,} had them already."
    else:
        said = f"{done} got new vectors."
    page.line(said)
    page.pairs(
        [
            ("model", f"{answer.embedder}, {answer.dimension} dimensions"),
            ("recalls", f"{answer.recalls:,} in the log, learned again from it"),
        ]
    )


def exported(page: Page, answer: Exported) -> None:
    """Say what was written where."""
    page.line(f"Written to {answer.place}: {_counts(answer.rows)}.")
