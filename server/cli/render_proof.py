"""The proof for people. This module calls nothing and decides nothing.

Every number comes with its unit, and every term of statistics with a gloss.
"""

from __future__ import annotations

from collections.abc import Sequence

from server.cli.render import counted
from server.cli.terminal import Page, cut
from server.plain import one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from memory_core.answers import ScorerReport
    from memory_core.proof_answers import Harm, MemoryGain, MovedItem, OrderProof, Speaking

BARS = "▁▂▃▄▅▆▇█"
POINTS = 60
EXPERTS = {
    "fused": "how much similarity itself counts",
    "dense": "likeness of meaning",
    "keyword": "words in common",
    "consensus": "how many near items advise the same",
    "structure": "likeness of how the tasks are asked",
    "evidence": "its outcomes in like conditions",
    "advice": "outcomes of items that advise alike",
    "standing": "its outcomes anywhere",
    "network": "what the low-rank network expects here",
    "pair": "what the pair network expects here",
}
DIRECTIONS = {"up": "moved up", "kept": "kept its rank", "down": "moved down"}


def sparkline(points: Sequence[tuple[int, float]]) -> str:
    """Give values in [0, 1] as bars, at most 60 of them; the last one is the last value."""
    if not points:
        return ""
    count = min(len(points), POINTS)
    last = len(points) - 1
    chosen = [points[round(place * last / max(count - 1, 1))][1] for place in range(count)]
    if count == 1:
        chosen = [points[-1][1]]
    top = len(BARS) - 1
    return "".join(BARS[round(max(0.0, min(value, 1.0)) * top)] for value in chosen)


def share(value: float | None) -> str:
    """Give a share in whole per cent."""
    return "-" if value is None else f"{value:.0%}"


def ends(interval: tuple[float, float] | None) -> str:
    """Give the two ends of an interval of shares."""
    return "-" if interval is None else f"{interval[0]:.0%} to {interval[1]:.0%}"


def in_points(value: float | None, interval: tuple[float, float] | None) -> str:
    """Give a difference of two shares in points, with its interval."""
    if value is None:
        return "-"
    if interval is None:
        return f"{100 * value:+.0f} points, too few to be sure"
    low, high = interval
    return f"{100 * value:+.0f} points (95 % interval {100 * low:+.0f} to {100 * high:+.0f})"


def weight(answer: ScorerReport) -> str:
    """Give how much learning counts in the order, and what that rests on."""
    if not answer.reports:
        return "none: similarity alone serves until a report is learned"
    undecided = not answer.proof.wins + answer.proof.losses
    until = ", until held-out reports decide" if undecided else ""
    return f"{answer.weight:.2f}{until} (0: similarity alone serves, 1: learning in full)"


def proof(page: Page, answer: ScorerReport) -> None:
    """Show what learning is worth on the user's own outcomes."""
    details = answer.details
    page.line(details.verdict, "bold")
    _held_out(page, answer)
    if details.calibration:
        _calibration(page, answer)
    if details.order is not None:
        _order(page, details.order)
    if details.pushes:
        _pushes(page, answer)
    if details.moved:
        _moved(page, details.moved)
    if details.harm is not None:
        _harm(page, details.harm)
    _memory(page, details.memory)
    if details.speaking.recalls:
        page.line()
        page.line("does it know when to be silent?", "bold")
        page.pairs(spoken(details.speaking))


def short_proof(answer: ScorerReport) -> list[tuple[str, str]]:
    """Give the proof in a few lines, for `stats`."""
    details = answer.details
    order, harm, memory = details.order, details.harm, details.memory
    return [
        ("verdict", details.verdict),
        ("over time", _over_time(answer)),
        ("order", order.sentence if order else ""),
        ("harm", harm.sentence if harm else ""),
        ("memory", memory.sentence if memory else ""),
        ("more", "lessonbank proof, lessonbank eval"),
    ]


def spoken(said: Speaking) -> list[tuple[str, str]]:
    """How often the memory spoke, and what of it was followed; nothing of what never was."""
    pairs = []
    if said.recalls:
        pairs.append(("silent", f"{said.silent:,} of {said.recalls:,} (nothing fitted)"))
    if said.judged:
        pairs.append(("followed", f"{said.used:,} of {said.judged:,} served items"))
    if said.prompts:
        pairs.append(("injected", f"{said.tokens:,.0f} tokens a prompt, {said.prompts:,} prompts"))
    return pairs


def _over_time(answer: ScorerReport) -> str:
    history = answer.details.history
    if not history:
        return ""
    return f"{sparkline(history)} (0 to 1, over {counted(history[-1][0], 'report')})"


def _held_out(page: Page, answer: ScorerReport) -> None:
    proof = answer.proof
    page.line()
    page.line("learned order against similarity", "bold")
    rows = [
        ("reports", f"{answer.reports:,} taken, corrections too; {answer.pending:,} to be learned"),
        (
            "held out",
            f"{counted(proof.held_out, 'report')} (every tenth), predicted and never learned",
        ),
        (
            "won, lost",
            (
                f"{proof.wins:,} predicted better than similarity did, {proof.losses:,} worse, "
                f"{proof.ties:,} alike"
            ),
        ),
        (
            "share won",
            f"{ends(proof.interval)} (exact 95 % interval, 50 % is chance)"
            if proof.wins + proof.losses
            else "nothing decided yet",
        ),
        ("weight now", weight(answer)),
        ("over time", _over_time(answer)),
    ]
    page.pairs(rows)


def _calibration(page: Page, answer: ScorerReport) -> None:
    page.line()
    page.line("does it know how sure it is? (calibration)", "bold")
    error = answer.calibration_error
    if error is not None:
        page.line(f"  On average {100 * error:.1f} points lie between what it said and what came.")
    else:
        page.line("  Too few reports for an average error; 50 are needed.")
    rows = [
        (
            f"{row.low:.0%} to {row.high:.0%}",
            f"{row.reports:,}",
            f"{row.predicted:.0%}",
            f"{row.happened:.0%}",
        )
        for row in answer.details.calibration
    ]
    page.table(("predicted success", "reports", "said", "went well"), rows, 0, indent="  ")


def _alone(order: OrderProof) -> str:
    went = f", {share(order.same_success)} went well" if order.same else ""
    return f"{counted(order.same, 'report')}{went}"


def _order(page: Page, order: OrderProof) -> None:
    page.line()
    page.line("where learning changed the order", "bold")
    page.block(order.sentence)
    page.pairs(
        [
            ("left alone", _alone(order)),
            (
                "changed",
                (
                    f"{counted(order.changed, 'report')} "
                    f"({order.first_changed:,} with another first item), "
                    f"{share(order.changed_success)} went well; "
                    f"similarity's own order was predicted to reach {share(order.expected)}"
                ),
            ),
            ("difference", in_points(order.difference, order.difference_interval)),
            (
                "labels",
                f"of a helpful and a harmful item in one answer the learned order had the helpful "
                f"one first {order.right:,} times, similarity {order.wrong:,} times "
                f"({ends(order.pairs_interval)} for learned)"
                if order.right + order.wrong
                else "",
            ),
        ]
        if order.changed
        else [("left alone", _alone(order))]
    )
    if not order.changed:
        return
    rows = [
        (
            DIRECTIONS[group.direction],
            f"{group.judged:,}",
            f"{group.well:,}",
            share(group.well / group.judged if group.judged else None),
            ends(group.interval) if group.judged else "-",
        )
        for group in order.groups
    ]
    head = ("followed items", "judged", "went well", "share", "exact 95 % interval")
    page.table(head, rows, 0, indent="  ")
    page.line(
        "  No trial: nobody saw the other order, and predictions lag where success rises or falls.",
        "dim",
    )


def _pushes(page: Page, answer: ScorerReport) -> None:
    page.line()
    page.line("what moved the order most", "bold")
    rows = [
        (
            one.expert,
            EXPERTS.get(one.expert, ""),
            f"{answer.weights.get(one.expert, 0.0):.2f}",
            f"{one.push:.2f}",
            f"{one.decided:,}",
        )
        for one in answer.details.pushes
    ]
    head = ("expert", "what it looks at", "weight", "push", "decided")
    page.table(head, rows, 1, indent="  ")
    page.line("  push: mean points of score between what it lifts most and least.", "dim")
    page.line("  decided: reports whose first item would be another without it.", "dim")


def _moved(page: Page, moved: Sequence[MovedItem]) -> None:
    page.line()
    page.line("items moved furthest, and how it went", "bold")
    rows = [
        (
            f"{one.similarity_rank} to {one.served_rank}",
            one.verdict,
            one_line(one.title) or one.item_id,
            one_line(one.task),
        )
        for one in moved
    ]
    page.table(("rank", "went", "item", "task"), _cut(page, rows), 3, indent="  ")


def _cut(page: Page, rows: Sequence[tuple[str, str, str, str]]) -> list[tuple[str, ...]]:
    """Give the rows with titles of at most a third of the page."""
    widest = page.width // 3
    return [(rank, went, cut(title, widest), task) for rank, went, title, task in rows]


def _harm(page: Page, harm: Harm) -> None:
    page.line()
    page.line("harm found", "bold")
    page.block(harm.sentence)
    if harm.newest:
        rows = [
            (
                f"{one.similarity:.0%}",
                f"{one.learned:.0%}",
                one_line(one.first_title) or one.first_id,
                one_line(one.task),
            )
            for one in harm.newest
        ]
        page.line("  Failed; success predicted by:", "dim")
        page.table(
            ("similarity", "learned", "first item", "task"), _cut(page, rows), 3, indent="  "
        )
    if harm.labelled:
        rows_of_items = [
            (f"{one.harmful:,}", f"{one.helpful:,}", one.state, one_line(one.title) or one.item_id)
            for one in harm.labelled
        ]
        page.line("  Items that reports call harmful:", "dim")
        page.table(("harmful", "helpful", "state", "item"), rows_of_items, 3, indent="  ")


def _memory(page: Page, memory: MemoryGain | None) -> None:
    page.line()
    page.line("does memory help at all?", "bold")
    if memory is None:
        page.block(
            "Not measured: LESSONBANK_HOLDOUT is 0. With 0.1, one recall in ten is answered "
            "without memory, at random, and the difference shows here."
        )
        return
    page.block(memory.sentence)
