"""The answers about a store as a whole, for people: counts, sizes, what the learner knows."""

from __future__ import annotations

from server.cli.render import counted
from server.cli.render_proof import short_proof, spoken, weight
from server.cli.terminal import Page

TYPE_CHECKING = False
if TYPE_CHECKING:
    from memory_core.answers import Compacted, Exported, Reembedded, Shared, Stats


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
