"""The simulated worlds keep their promises: rich, disjoint, a known truth, room to learn."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.learning.slates import Bm25
from benchmarks.learning.stream import Stream
from benchmarks.learning.streams.simulator import build
from benchmarks.learning.streams.simulator.lessons import GENERATORS
from benchmarks.learning.streams.simulator.phrasing import (
    FAMILIES,
    STYLES,
    TOLD,
    TOLD_HELD_OUT,
)
from benchmarks.learning.streams.simulator.rules import RULES
from benchmarks.learning.streams.simulator.truth import EXAMINED, IRRELEVANT, Truth
from benchmarks.learning.streams.simulator.vocabulary import problems

NAMES = tuple(GENERATORS)


def small(generator: str, seed: int = 0, *, conflict: bool = False) -> Stream:
    return build(seed, generator=generator, tasks=300, held_out=120, conflict=conflict)


def truth_of(stream: Stream) -> Truth:
    assert isinstance(stream.world, Truth)
    return stream.world


def test_there_are_48_problems_in_12_domains_with_words_of_their_own() -> None:
    told = problems()
    assert len(told) == 48
    assert len({problem.domain for problem in told}) == 12
    signs = [sign for problem in told for sign in problem.signs]
    remedies = [remedy for problem in told for remedy in problem.remedies]
    assert len(set(signs)) == len(signs) == 48 * 5
    assert len(set(remedies)) == len(remedies) == 48 * 5
    assert all(len(problem.things) == 4 for problem in told)


def test_conditions_styles_and_rules_are_told_in_several_ways() -> None:
    values = [value for family in FAMILIES.values() for value in family]
    assert all(len(set(value.said)) == 6 for value in values)
    assert all(len(set(style)) == 3 for style in STYLES)
    assert all(len(set(rule)) == 2 for rule in RULES)
    assert not set(TOLD) & set(TOLD_HELD_OUT)


@pytest.mark.parametrize("generator", NAMES)
def test_no_two_tasks_have_the_same_text(generator: str) -> None:
    stream = small(generator)
    texts = [task.text for task in (*stream.tasks, *stream.held_out)]
    assert len(set(texts)) == len(texts) == 420


@pytest.mark.parametrize("generator", NAMES)
def test_the_same_seed_gives_the_same_stream_and_another_another(generator: str) -> None:
    one, two, other = small(generator), small(generator), small(generator, seed=1)
    assert one.memories == two.memories
    assert one.tasks == two.tasks
    assert np.array_equal(truth_of(one).table, truth_of(two).table)
    assert one.tasks != other.tasks


@pytest.mark.parametrize("generator", NAMES)
def test_some_conditions_are_met_by_held_out_tasks_alone(generator: str) -> None:
    stream = build(0, generator=generator, tasks=1200, held_out=300)
    world = truth_of(stream)
    met = {world.situations[task.key] for task in stream.tasks}
    unmet = {world.situations[task.key] for task in stream.held_out} - met
    assert len(unmet) > 10
    problems_met = {world.problems[row] for row in met}
    assert problems_met == set(range(48))


@pytest.mark.parametrize("generator", NAMES)
def test_every_problem_comes_about_equally_often(generator: str) -> None:
    stream = small(generator)
    world = truth_of(stream)
    counts = np.bincount([world.problem(task) for task in stream.tasks], minlength=48)
    assert counts.min() >= 6
    assert counts.max() <= 7


@pytest.mark.parametrize("generator", NAMES)
def test_every_situation_has_something_good_and_something_tempting_and_bad(generator: str) -> None:
    table = truth_of(small(generator)).table
    assert np.all(table.max(axis=1) >= 0.75)
    assert np.all(table.min(axis=1) <= -0.5)
    assert np.all(np.abs(table) <= 1.0)


def test_success_follows_the_examined_utilities() -> None:
    stream = small("advice")
    world, task = truth_of(stream), stream.tasks[0]
    shown = [memory.key for memory in stream.memories[:3]]
    push = 4 * sum(a * world.utility(task, key) for a, key in zip(EXAMINED, shown, strict=True))
    assert world.attempt(task, shown).chance == pytest.approx(1 / (1 + math.exp(-push)))
    assert world.attempt(task, []).chance == 0.5


def test_a_fourth_memory_is_not_looked_at() -> None:
    stream = small("advice")
    keys = [memory.key for memory in stream.memories]
    world, task = truth_of(stream), stream.tasks[0]
    assert world.attempt(task, keys[:3]).chance == world.attempt(task, keys[:4]).chance


def test_labels_and_use_are_the_truth() -> None:
    stream = small("advice")
    world, task = truth_of(stream), stream.tasks[0]
    keys = [memory.key for memory in stream.memories]
    best = world.best(task, keys)
    attempt = world.attempt(task, (best[0], best[-1], _irrelevant(world, stream)))
    assert attempt.helpful == (best[0],)
    assert attempt.harmful == (best[-1],)
    assert attempt.used == (best[0], best[-1])


def _irrelevant(world: Truth, stream: Stream) -> str:
    task = stream.tasks[0]
    return next(m.key for m in stream.memories if world.utility(task, m.key) == IRRELEVANT)


@pytest.mark.parametrize("generator", NAMES)
def test_the_oracle_has_room_above_any_fixed_order(generator: str) -> None:
    stream = small(generator)
    world = truth_of(stream)
    keys = [memory.key for memory in stream.memories]
    oracle = [world.attempt(task, world.best(task, keys)[:3]).chance for task in stream.held_out]
    first = [world.attempt(task, keys[:3]).chance for task in stream.held_out]
    assert np.mean(oracle) > 0.8
    assert np.mean(first) < 0.4


def test_what_is_right_under_one_condition_is_wrong_under_another() -> None:
    table, rows = truth_of(small("conditions")).table, truth_of(small("conditions")).problems
    first = [row for row, problem in enumerate(rows) if problem == 0]
    best = {int(np.argmax(table[row])) for row in first}
    assert len(best) == len(first) > 2
    assert all(table[row, other] < 0 for row in first for other in best - {np.argmax(table[row])})


def test_decoys_repeat_the_task_s_words_and_the_rule_does_not() -> None:
    stream = small("decoys")
    world = truth_of(stream)
    said = [f"{memory.title}\n{memory.content}\n{memory.task}" for memory in stream.memories]
    keyword, nearer, lured = Bm25(said), 0, 0
    for task in stream.tasks:
        values = world.table[world.situations[task.key]]
        right = int(np.argmax(values))
        if stream.memories[right].task:
            continue
        lured += 1
        scores = keyword.scores(task.text)
        nearer += scores[values < -0.5].max() > scores[right]
    assert lured > 100
    assert nearer / lured > 0.9


def test_under_conflict_the_style_that_is_right_first_is_wrong_later() -> None:
    stream = build(3, conflict=True, tasks=48, held_out=48)
    world = truth_of(stream)
    liked: dict[bool, dict[int, list[float]]] = {False: {}, True: {}}
    for column, memory in enumerate(stream.memories):
        problem = column // 5
        rows = [row for row, one in enumerate(world.problems) if one == problem]
        for style, ways in enumerate(STYLES):
            if any(way in memory.content for way in ways):
                worth = float(world.table[rows, column].mean())
                liked[problem >= 24].setdefault(style, []).append(worth)
    first = [float(np.mean(liked[False][style])) for style in range(len(STYLES))]
    second = [float(np.mean(liked[True][style])) for style in range(len(STYLES))]
    assert np.corrcoef(first, second)[0, 1] < -0.5


def test_under_conflict_another_style_fits_each_condition_later() -> None:
    stream = build(3, generator="conditions", conflict=True, tasks=48, held_out=48)
    world = truth_of(stream)
    fitting: dict[bool, dict[tuple[int, int], set[int]]] = {False: {}, True: {}}
    problems_at = np.array(world.problems)
    for row, problem in enumerate(world.problems):
        memory = stream.memories[int(np.argmax(world.table[row]))]
        style = next(i for i, ways in enumerate(STYLES) if any(w in memory.content for w in ways))
        first = int(np.flatnonzero(problems_at == problem)[0])
        family = int((problems_at == problem).sum())
        fitting[problem >= 24].setdefault((family, row - first), set()).add(style)
    shared = set(fitting[False]) & set(fitting[True])
    assert len(shared) >= 3
    assert all(fitting[False][key] != fitting[True][key] for key in shared)


def test_under_conflict_general_rules_are_right_first_and_near_lessons_later() -> None:
    world = truth_of(small("decoys", conflict=True))
    stream = small("decoys", conflict=True)
    for row, problem in enumerate(world.problems):
        best = stream.memories[int(np.argmax(world.table[row]))]
        assert bool(best.task) == (problem >= 24)


def test_an_unknown_generator_is_named_with_those_that_exist() -> None:
    with pytest.raises(ValueError, match=r"'gossip'.*advice, conditions, decoys"):
        build(0, generator="gossip")


def test_fewer_domains_give_fewer_memories() -> None:
    assert len(build(0, domains=2, tasks=10, held_out=5).memories) == 2 * 4 * 5
