"""Which lessons a simulated memory holds and what they are worth, by generator.

`advice`: per problem one right lesson, two wrong ones of which at least one repeats
the task's words, one that is right under one condition only, one that is neutral.
What gives right and wrong away is the style of the advice, differently by domain.

`conditions`: per problem one lesson for each value of a family of conditions;
each is right under its own value and wrong under the others, and does not name
it. The style of the advice goes with the value, across problems.

`decoys`: per problem four lessons that repeat its words. For most problems all of
them are wrong or idle, and what is right is a general rule that several problems
share, in other words; for the others one of the four is right and the rule is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from textwrap import shorten

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.stream import Memory
from benchmarks.learning.streams.simulator.phrasing import (
    AGAIN,
    FAMILIES,
    NEUTRAL,
    PLAIN,
    STYLES,
    TEMPTING,
    Condition,
    chosen,
    sentence,
    told,
)
from benchmarks.learning.streams.simulator.rules import RULES
from benchmarks.learning.streams.simulator.truth import IRRELEVANT
from benchmarks.learning.streams.simulator.vocabulary import HELD_OUT_SIGNS, Problem

Rng = np.random.Generator
RIGHT, WRONG, ALSO_WRONG, NEITHER = 0.9, -0.8, -0.6, -0.1
FITTING, UNFITTING = 0.95, -0.5
RULE_RIGHT = (0.9, 0.75)
DECOYS = (WRONG, ALSO_WRONG, -0.2, NEITHER)
LURED = 0.65
"""The share of problems whose near lessons are all decoys."""
DOMAIN_SHARE = 0.8
STYLE_NOISE = 0.5
FEW = 3
"""Families of conditions in one world of `conditions`: each is met by many problems."""
EXCEPTIONS = 0.1
LONGEST_TITLE = 200
"""Characters that the product takes."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a task is about: a problem under a condition, which may matter or not."""

    problem: int
    condition: Condition


@dataclass(frozen=True, slots=True)
class Lessons:
    """The memories and their worth: `worth` is float64[situations, memories]."""

    memories: tuple[Memory, ...]
    situations: tuple[Situation, ...]
    worth: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A lesson before the table is made: who says what, and what it is worth where."""

    title: str
    text: str
    task: str
    worth: Callable[[int, Condition], float]


def situations_of(
    problems: tuple[Problem, ...], rng: Rng, count: int = len(FAMILIES)
) -> tuple[Situation, ...]:
    """Give every problem one of `count` families of conditions; a situation for each value."""
    drawn_families = rng.permutation(len(FAMILIES))[:count]
    families = [list(FAMILIES.values())[int(place)] for place in drawn_families]
    drawn = rng.permutation(np.arange(len(problems)) % count)
    return tuple(
        Situation(place, condition)
        for place in range(len(problems))
        for condition in families[drawn[place]]
    )


def advice(problems: tuple[Problem, ...], rng: Rng, *, conflict: bool) -> Lessons:
    """See the module. `conflict`: what is right in the first half of the domains is wrong after."""
    situations = situations_of(problems, rng)
    taste = _tastes(problems, rng, conflict=conflict)
    drafts = []
    for place, problem in enumerate(problems):
        styles = rng.permutation(len(STYLES))[:5]
        liked = taste[problem.domain][styles] + rng.normal(0, STYLE_NOISE, 5) * (not conflict)
        order = styles[np.argsort(-liked, kind="stable")]
        remedies = rng.permutation(5)
        values = [s.condition for s in situations if s.problem == place]
        special = values[int(rng.integers(len(values)))]
        plans = (
            (PLAIN, order[0], _always(RIGHT)),
            (TEMPTING, order[4], _always(WRONG)),
            (TEMPTING if rng.random() < 0.5 else PLAIN, order[3], _always(ALSO_WRONG)),
            (PLAIN, order[1], _only(special, FITTING, UNFITTING)),
            (NEUTRAL, order[2], _always(NEITHER)),
        )
        for (frames, style, worth), remedy in zip(plans, remedies, strict=True):
            text = _said(rng, problem, frames, int(remedy), int(style))
            title = _title(rng, problem, 4)
            drafts.append(_Draft(title, text, "", _about(place, worth)))
    return _gathered(drafts, situations)


def conditions(problems: tuple[Problem, ...], rng: Rng, *, conflict: bool) -> Lessons:
    """See the module. `conflict`: the styles change sides in the second half of the domains."""
    situations = situations_of(problems, rng, FEW)
    styles = {family: rng.permutation(len(STYLES))[:4] for family in FAMILIES}
    halves = _halves(problems)
    drafts = []
    for place, problem in enumerate(problems):
        values = [s.condition for s in situations if s.problem == place]
        ties = list(range(len(values)))
        if conflict and halves[problem.domain]:
            ties = ties[1:] + ties[:1]
        if not conflict and rng.random() < EXCEPTIONS:
            ties = [int(tie) for tie in rng.permutation(len(values))]
        remedies = rng.permutation(5)
        for value, tie, remedy in zip(values, ties, remedies, strict=False):
            text = _said(rng, problem, PLAIN, int(remedy), int(styles[value.family][tie]))
            worth = _about(place, _only(value, RIGHT, ALSO_WRONG))
            drafts.append(_Draft(_title(rng, problem, 4), text, "", worth))
        text = _said(rng, problem, TEMPTING, int(remedies[4]), int(rng.integers(len(STYLES))))
        drafts.append(_Draft(_title(rng, problem, 4), text, "", _about(place, _always(NEITHER))))
    return _gathered(drafts, situations)


def decoys(problems: tuple[Problem, ...], rng: Rng, *, conflict: bool) -> Lessons:
    """See the module. `conflict`: all problems of the first half are lured, none of the second."""
    situations = situations_of(problems, rng)
    rules = [int(rule) for rule in rng.permutation(len(RULES))]
    halves = _halves(problems)
    causes = _causes(problems, len(rules), rng)
    lured = (rng.random(len(problems)) < LURED).tolist()
    if conflict:
        lured = [not halves[problem.domain] for problem in problems]
    drafts = []
    for place, problem in enumerate(problems):
        values = DECOYS if lured[place] else (RIGHT, *DECOYS[1:])
        for worth, remedy in zip(values, rng.permutation(5)[:4], strict=True):
            text = _said(rng, problem, TEMPTING, int(remedy), int(rng.integers(len(STYLES))))
            drafts.append(_draft(rng, problem, text, _about(place, _always(worth))))
    for cause in sorted(set(causes)):
        served = tuple(place for place, one in enumerate(causes) if one == cause)
        right_for = tuple(place for place in served if lured[place])
        for text, worth in zip(RULES[rules[cause]], RULE_RIGHT, strict=True):
            titles = "; ".join(_title(rng, problems[place], 4) for place in served)
            title = shorten(titles, LONGEST_TITLE, placeholder="")
            drafts.append(_Draft(title, text, "", _for_all(right_for, worth)))
    return _gathered(drafts, situations)


GENERATORS: dict[str, Callable[..., Lessons]] = {
    "advice": advice,
    "conditions": conditions,
    "decoys": decoys,
}


# -- what a lesson is worth --------------------------------------------------------


def _always(value: float) -> Callable[[Condition], float]:
    return lambda _: value


def _only(special: Condition, fitting: float, unfitting: float) -> Callable[[Condition], float]:
    return lambda condition: fitting if condition is special else unfitting


def _about(place: int, worth: Callable[[Condition], float]) -> Callable[[int, Condition], float]:
    return lambda problem, condition: worth(condition) if problem == place else IRRELEVANT


def _for_all(served: tuple[int, ...], worth: float) -> Callable[[int, Condition], float]:
    return lambda problem, _: worth if problem in served else IRRELEVANT


def _tastes(
    problems: tuple[Problem, ...], rng: Rng, *, conflict: bool
) -> dict[str, NDArray[np.float64]]:
    """What each domain thinks of each style, float64[styles]; one sign everywhere and details."""
    everywhere = rng.normal(0, 1, len(STYLES))
    tastes = {}
    for domain, second in _halves(problems).items():
        own = rng.normal(0, 1, len(STYLES))
        if conflict:
            tastes[domain] = -everywhere if second else everywhere
        else:
            tastes[domain] = (1 - DOMAIN_SHARE) * everywhere + DOMAIN_SHARE * own
    return tastes


def _halves(problems: tuple[Problem, ...]) -> dict[str, bool]:
    """Each domain, in order, and whether it lies in the second half."""
    domains = list(dict.fromkeys(problem.domain for problem in problems))
    return {domain: 2 * place >= len(domains) for place, domain in enumerate(domains)}


def _causes(problems: tuple[Problem, ...], count: int, rng: Rng) -> list[int]:
    """A cause for each problem; every cause is shared by about three problems."""
    wanted = min(count, max(len(problems) // 3, 1))
    causes = [place % wanted for place in range(len(problems))]
    return [causes[int(place)] for place in rng.permutation(len(problems))]


# -- texts -------------------------------------------------------------------------


def _said(rng: Rng, problem: Problem, frames: tuple[str, ...], remedy: int, style: int) -> str:
    """A lesson's text; its style is said twice, in other words."""
    known = problem.signs[: len(problem.signs) - HELD_OUT_SIGNS]
    first, second = (STYLES[style][int(i)] for i in rng.permutation(len(STYLES[style]))[:2])
    body = chosen(rng, frames).format(
        thing=chosen(rng, problem.things),
        sign=chosen(rng, known),
        remedy=problem.remedies[remedy],
        style=first,
        domain=problem.domain,
    )
    return f"{sentence(body)} {chosen(rng, AGAIN).format(style=second)}"


def _draft(
    rng: Rng, problem: Problem, text: str, worth: Callable[[int, Condition], float]
) -> _Draft:
    """A lesson about one problem; its task is a past one in a wording of training's."""
    past = told(rng, problem, "", held_out=False)
    return _Draft(_title(rng, problem, 4), text, past, worth)


def _title(rng: Rng, problem: Problem, count: int) -> str:
    """What a lesson is filed under: some of the problem's things, in random order."""
    drawn = rng.permutation(len(problem.things))[:count]
    return sentence(f"{problem.domain}: {', '.join(problem.things[int(i)] for i in drawn)}")


def _gathered(drafts: list[_Draft], situations: tuple[Situation, ...]) -> Lessons:
    memories = tuple(
        Memory(key=f"m{place:04d}", title=draft.title, content=draft.text, task=draft.task)
        for place, draft in enumerate(drafts)
    )
    worth = np.array(
        [[draft.worth(s.problem, s.condition) for draft in drafts] for s in situations]
    )
    return Lessons(memories, situations, worth)
