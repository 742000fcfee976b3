"""Writes what happened for people: rounds, what was learned, one example.

Gives lists of lines; printing them is left to the caller.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.workshop.agent import Attempt, Diary
from benchmarks.workshop.course import ARMS, LEARNED, SIMILARITY, Course
from benchmarks.workshop.figures import difference, mean, rates
from benchmarks.workshop.memory import PROJECT
from benchmarks.workshop.model import Family, Strategy, Task

WIDTH = 96
SHOWN_PER_FAMILY = 2
SHOWN_DROPPED = 6
SHOWN_MISTAKES = 3


@dataclass(frozen=True, slots=True)
class Ink:
    """Terminal colours, or none."""

    on: bool

    def _wrap(self, code: int, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on else text

    def bold(self, text: str) -> str:
        return self._wrap(1, text)

    def dim(self, text: str) -> str:
        return self._wrap(2, text)

    def good(self, text: str) -> str:
        return self._wrap(32, text)

    def bad(self, text: str) -> str:
        return self._wrap(31, text)


def rounds_table(courses: Sequence[Course], rounds: int, ink: Ink) -> list[str]:
    """Give success and repeated failures per round, mean over the seeds.

    Args:
        courses: One per seed.
        rounds: How many there were.
        ink: Colours.
    """
    over = f", mean of {len(courses)} seeds" if len(courses) > 1 else ""
    lines = [
        ink.bold(f"Tasks solved, and failures repeated from an earlier round{over}"),
        "",
        "            " + "".join(f"{name:^24}" for name in ARMS),
        "            " + "   solved   repeated    " * len(ARMS),
    ]
    for number in range(rounds):
        cells = []
        for name in ARMS:
            found = mean([rates(course.diaries[name], number) for course in courses])
            repeated = f"{found.repeated:8.0%}" if number else f"{'-':>8}"
            cell = f"{found.success:9.0%}{repeated}       "
            cells.append(ink.good(cell) if name == LEARNED else cell)
        lines.append(f"  round {number + 1:<4}" + "".join(cells))
    return lines


def verdict(courses: Sequence[Course], rounds: int, ink: Ink) -> list[str]:
    """Give the last round's differences in words, and each seed's own figures."""
    last = rounds - 1
    lines = []
    for name in (SIMILARITY, ARMS[0]):
        pairs = [(course.diaries[LEARNED], course.diaries[name]) for course in courses]
        gap = difference(pairs, last)
        lines.append(
            f"  learned solves {gap.value * 100:+.0f} points against {name} in the last round"
            f" (95 % interval {gap.low * 100:+.0f} to {gap.high * 100:+.0f})"
        )
    ours, theirs = (
        mean([rates(course.diaries[name], last) for course in courses])
        for name in (LEARNED, SIMILARITY)
    )
    lines.append(
        f"  {ours.repeated:.0%} of its attempts repeat an old failure, {theirs.repeated:.0%} of "
        f"similarity's (of all failures: {ours.again:.0%} and {theirs.again:.0%})"
    )
    if len(courses) > 1:
        lines.extend(_per_seed(course, last, ink) for course in courses)
    return lines


def _per_seed(course: Course, last: int, ink: Ink) -> str:
    cells = []
    for name in ARMS:
        found = rates(course.diaries[name], last)
        cells.append(f"{name} {found.success:.0%} (repeated {found.repeated:.0%})")
    return ink.dim(f"    seed {course.seed}, last round: {', '.join(cells)}")


# -- what was learned ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What the learning arm made of one task.

    Attributes:
        task: The task.
        first: The first attempt.
        last: The last attempt.
        won: Attempts solved with what is followed now.
        dropped: What failed most often before, None when nothing did.
        lost: How often it failed.
    """

    task: Task
    first: Attempt
    last: Attempt
    won: int
    dropped: Strategy | None
    lost: int

    @property
    def mended(self) -> bool:
        """Failed at first, solved now."""
        return not self.first.run.succeeded and self.last.run.succeeded


def changes(families: Sequence[Family], diary: Diary) -> dict[str, list[Change]]:
    """Give the change of every task of every family, by family id."""
    by_task: dict[str, list[Attempt]] = {}
    for attempt in diary.attempts:
        by_task.setdefault(attempt.assignment.task.id, []).append(attempt)
    return {
        family.id: [_change(task, by_task[task.id]) for task in family.tasks] for family in families
    }


def _change(task: Task, tried: Sequence[Attempt]) -> Change:
    last = tried[-1]
    failed = [one.strategy for one in tried if not one.run.succeeded]
    dropped = max(
        failed, key=lambda one: (failed.count(one), one.family == task.family), default=None
    )
    return Change(
        task=task,
        first=tried[0],
        last=last,
        won=sum(one.strategy == last.strategy and one.run.succeeded for one in tried),
        dropped=dropped,
        lost=failed.count(dropped) if dropped else 0,
    )


def learned_table(
    families: Sequence[Family], course: Course, ink: Ink, *, everything: bool = False
) -> list[str]:
    """Give, by family and condition, what is followed now and what was dropped.

    Args:
        families: In the order of the table.
        course: Whose learning arm is shown.
        ink: Colours.
        everything: All conditions instead of the clearest few.
    """
    lines = [ink.bold("What was learned: when this is the case, follow that")]
    found = changes(families, course.diaries[LEARNED])
    for family in families:
        of = found[family.id]
        before = sum(change.first.run.succeeded for change in of)
        now = sum(change.last.run.succeeded for change in of)
        title = f"{family.title} "
        score = f" {before} of {len(of)} solved at first, {now} now"
        lines += ["", title.ljust(WIDTH - len(score), ".") + score]
        mended = sorted((one for one in of if one.mended), key=lambda one: (-one.won, -one.lost))
        for change in mended if everything else mended[:SHOWN_PER_FAMILY]:
            lines += _change_lines(change, ink)
        if not mended:
            lines.append(ink.dim("  nothing changed for the better here"))
    return lines


def _change_lines(change: Change, ink: Ink) -> list[str]:
    lines = [f"  {change.task.condition}"]
    now = f"    now   {_short(change.last.strategy.title, 62):<62} won {change.won}"
    lines.append(ink.good(now))
    if change.dropped:
        was = f"    not   {_short(change.dropped.title, 62):<62} lost {change.lost}"
        lines.append(ink.dim(was))
    return lines


def dropped_table(
    course: Course, rounds: int, strategies: Sequence[Strategy], ink: Ink
) -> list[str]:
    """Give what the learning arm stopped doing, with the server's own counts.

    Args:
        course: Whose learning arm is shown.
        rounds: How many there were.
        strategies: All strategies.
        ink: Colours.
    """
    last = {
        attempt.strategy.id: attempt.assignment.round
        for attempt in course.diaries[LEARNED].attempts
    }
    counts = course.known.counts
    dropped = [one for one in strategies if last.get(one.id, rounds) < rounds - 1]
    dropped.sort(key=lambda one: (-counts.get(one.id, (0, 0))[1], last[one.id], one.id))
    lines = [
        ink.bold("What it stopped doing") + ink.dim("  (won and lost as the server counts them)"),
        "",
    ]
    for one in dropped[:SHOWN_DROPPED]:
        won, lost = counts.get(one.id, (0, 0))
        title = _short(one.title, 56)
        lines.append(
            f"  {title:<56} won {won:>2} lost {lost:>2}, last followed in round {last[one.id] + 1}"
        )
    return lines


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3].rstrip() + "..."


# -- one example -----------------------------------------------------------------


def example(course: Course, rounds: int, ink: Ink) -> list[str]:
    """Give one task whose order changed: the same words, two orders, two endings."""
    last = rounds - 1
    rivals = dict(_first_tries(course.diaries[SIMILARITY], last))
    best: tuple[int, Attempt, Attempt] | None = None
    for task_id, ours in _first_tries(course.diaries[LEARNED], last):
        theirs = rivals[task_id]
        if theirs.run.succeeded or not ours.run.succeeded or not ours.recalled:
            continue
        chosen = next((item for item in ours.recalled if item.title == ours.strategy.title), None)
        worth = (chosen.wins if chosen else 0) + 2 * theirs.repeated
        if best is None or worth > best[0]:
            best = (worth, theirs, ours)
    if best is None:
        return []
    _, theirs, ours = best
    return [
        ink.bold("One task, asked in the same words of both"),
        "",
        f'  "{ours.assignment.wording}"',
        "",
        *_order("similarity alone", theirs, ink),
        "",
        *_order("after learning", ours, ink),
        "",
        ink.dim("  score: what an order is made by, highest first; it has no unit"),
    ]


def _first_tries(diary: Diary, number: int) -> Iterator[tuple[str, Attempt]]:
    for attempt in diary.attempts:
        if attempt.assignment.round == number and attempt.number == 0:
            yield attempt.assignment.task.id, attempt


def _order(title: str, attempt: Attempt, ink: Ink) -> list[str]:
    lines = [f"  {title}"]
    for place, item in enumerate(attempt.recalled, start=1):
        counts = ink.dim(f"  won {item.wins}, lost {item.losses}, score {item.score:.2f}")
        lines.append(f"    {place}. {_short(item.title, 56):<56}{counts}")
    titles = [item.title for item in attempt.recalled]
    number = (
        titles.index(attempt.strategy.title) + 1 if attempt.strategy.title in titles else "none"
    )
    ended = f"    followed {number}: exit code {attempt.run.exit_code}"
    if attempt.run.succeeded:
        return [*lines, ink.good(ended)]
    said = _short(f"{attempt.run.exception}: {attempt.run.message}", 66)
    return [*lines, ink.bad(f"{ended}, {said}")]


# -- the server's own words ------------------------------------------------------


def server_says(course: Course, ink: Ink) -> list[str]:
    """Give the scorer's proof and the mistakes notebook, as the resources tell them."""
    scorer, mistakes = course.known.scorer, course.known.mistakes
    lines = [ink.bold("What the server says of itself"), ""]
    lines.append(f"  {scorer.get('reports', 0)} reports, weight {scorer.get('weight', 0):.2f}")
    sentence = str(scorer.get("proof", {}).get("sentence", ""))
    lines += [f"  {line}" for line in _wrapped(sentence)]
    clusters = mistakes.get("clusters", [])
    if clusters:
        lines += ["", f"  {len(clusters)} kinds of mistakes in the notebook, the most frequent:"]
    for cluster in clusters[:SHOWN_MISTAKES]:
        lines.append(
            f"    {cluster['seen']:>3} times  {_short(str(cluster['summary']), WIDTH - 16)}"
        )
    if course.known.pitfalls:
        lines.append(f"  {course.known.pitfalls} pitfalls distilled from real tracebacks")
    return lines


def _wrapped(text: str) -> list[str]:
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + len(word) + 1 > WIDTH - 4:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    return [*lines, line] if line else lines


def where(course: Course, ink: Ink) -> list[str]:
    """Give the store's folder and the commands that show what was learned there."""
    command = own_command()
    return [
        ink.bold("The store is kept, look at it:"),
        "",
        f"  LESSONBANK_STORE={course.store} {command} --project {PROJECT} lessons",
        f"  LESSONBANK_STORE={course.store} {command} stats",
    ]


def own_command() -> str:
    """How the console command of this environment is typed: by name where a shell finds it."""
    beside = Path(sys.executable).with_name("lessonbank")
    if shutil.which("lessonbank") or not beside.exists():
        return "lessonbank"
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)
