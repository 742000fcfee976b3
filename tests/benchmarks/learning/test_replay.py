"""Streams through the real service and store: same seed, same figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.learning import product
from benchmarks.learning.baselines.fixed import Cosine, Hybrid
from benchmarks.learning.catalog import DEFAULT_DATA
from benchmarks.learning.conditions import Condition, Report
from benchmarks.learning.ordering import arranged
from benchmarks.learning.replay import SIMILARITY, RivalRanker, Trace, group_ends, replay
from benchmarks.learning.running import Job, play
from benchmarks.learning.stream import Feedback, Slate, Stream, Task
from tests.benchmarks.learning.conftest import TOPICS, toy
from tests.memory_core.hash_embedder import HashEmbedder


def job(*conditions: Condition, **more: Any) -> Job:
    return Job("toy", DEFAULT_DATA, conditions=conditions, **{"baselines": False, **more})


def figures(trace: Trace) -> tuple[object, ...]:
    return (
        trace.online.tolist(),
        trace.held_out.tolist(),
        trace.curve,
        trace.backward,
        trace.calibration,
        dict(trace.details),
    )


def all_figures(traces: Mapping[str, Trace]) -> dict[str, tuple[object, ...]]:
    return {name: figures(trace) for name, trace in traces.items()}


# -- the product -----------------------------------------------------------------


def test_same_seed_gives_the_same_figures_for_product_and_baselines(
    embedder: HashEmbedder,
) -> None:
    condition = Condition(noise=0.2, delayed=True, richness="labels")
    stream = toy(rounds=8)
    first = play(stream, embedder, job(condition, baselines=True)).traces[0]
    again = play(stream, embedder, job(condition, baselines=True)).traces[0]
    assert all_figures(first) == all_figures(again)
    assert {"learned", SIMILARITY, "cosine"} <= set(first)


def test_conditions_of_a_seed_do_not_see_each_other(embedder: HashEmbedder) -> None:
    clean, noisy = Condition(richness="labels"), Condition(noise=1.0, richness="labels")
    together = play(toy(), embedder, job(noisy, clean)).traces[1]
    alone = play(toy(), embedder, job(clean)).traces[0]
    assert all_figures(together) == all_figures(alone)


def test_before_the_first_report_the_product_shows_similarity(embedder: HashEmbedder) -> None:
    traces = play(toy(), embedder, job(Condition())).traces[0]
    assert traces["learned"].as_similarity is True
    assert traces["learned"].curve[0] == traces[SIMILARITY].curve[0]


def test_the_product_learns_what_similarity_gets_wrong(embedder: HashEmbedder) -> None:
    traces = play(toy(rounds=6), embedder, job(Condition(richness="labels"))).traces[0]
    assert traces["learned"].held_out.mean() > traces[SIMILARITY].held_out.mean() + 0.2


def test_a_report_that_never_comes_teaches_nothing(embedder: HashEmbedder) -> None:
    traces = play(toy(), embedder, job(Condition(missing=1.0))).traces[0]
    assert traces["learned"].held_out.tolist() == traces[SIMILARITY].held_out.tolist()
    assert traces["learned"].hear_ms == 0.0


def test_repeated_reports_change_nothing(embedder: HashEmbedder) -> None:
    once = Condition(richness="labels")
    twice = replace(once, duplicated=True)
    before, after = play(toy(rounds=6), embedder, job(once, twice)).traces
    assert all_figures(before) == all_figures(after)


def test_held_out_recalls_change_nothing(embedder: HashEmbedder) -> None:
    stream = toy()
    served = []
    for looks in (0, 5):
        with product.shelved(stream, embedder) as shelf, product.opened(shelf) as memory:
            shown = []
            for number, task in enumerate(stream.tasks):
                for _ in range(looks):
                    memory.look(stream.held_out[0])
                shown.append(memory.show(number, task))
                attempt = stream.world.attempt(task, shown[-1])
                memory.hear(Report(number, bool(attempt.chance), used=attempt.used))
            served.append((shown, [memory.look(task) for task in stream.held_out]))
    assert served[0] == served[1]


def test_the_slate_holds_every_candidate_in_the_order_of_similarity(
    embedder: HashEmbedder,
) -> None:
    stream = toy(k=3)
    with product.shelved(stream, embedder) as shelf, product.opened(shelf) as memory:
        for task in stream.held_out:
            slate = memory.slate(task)
            assert set(slate.keys) == {one.key for one in stream.memories}
            assert memory.look(task) == slate.keys[:3]
            assert slate.panel.size == len(slate.keys)


# -- rivals ----------------------------------------------------------------------


class Scripted:
    """Shows what it is told to, and remembers what it heard."""

    def __init__(self, name: str, shows: Mapping[str, tuple[str, ...]]) -> None:
        self.name = name
        self.shows = dict(shows)
        self.heard: list[int] = []

    def show(self, number: int, task: Task) -> tuple[str, ...]:
        return self.shows.get(task.group, ())

    def look(self, task: Task) -> tuple[str, ...]:
        return self.show(-1, task)

    def hear(self, report: Report) -> None:
        self.heard.append(report.number)

    def calibration(self) -> float | None:
        return 0.125


class Forgetful(Scripted):
    """Knows the topic that it heard of last, and no other."""

    def __init__(self, stream: Stream) -> None:
        super().__init__("forgetful", {})
        self._stream = stream

    def hear(self, report: Report) -> None:
        group = self._stream.tasks[report.number].group
        self.shows = {group: (f"{group} right",)}


class Wordy:
    """A rival that keeps what it was taught; explores by turning the order round."""

    name = "wordy"

    def __init__(self) -> None:
        self.taught: list[tuple[Slate, Feedback]] = []

    def order(self, slate: Slate) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.arange(len(slate.keys))[::-1].astype(np.int64)

    def best(self, slate: Slate) -> np.ndarray[Any, np.dtype[np.int64]]:
        return np.arange(len(slate.keys), dtype=np.int64)

    def learn(self, slate: Slate, feedback: Feedback) -> None:
        self.taught.append((slate, feedback))


def test_a_rival_serves_the_same_text_once_and_learns_of_what_it_served(
    embedder: HashEmbedder,
) -> None:
    stream = toy(k=2)
    rival = Wordy()
    with product.shelved(stream, embedder) as shelf, product.opened(shelf) as memory:
        ranker = RivalRanker(rival, memory.slate, lambda key: key.split()[0], 2)
        task = stream.tasks[0]
        shown = ranker.show(0, task)
        assert len({key.split()[0] for key in shown}) == 2
        assert shown[0] == memory.slate(task).keys[-1]
        assert ranker.look(task)[0] == memory.slate(task).keys[0]
        ranker.hear(Report(0, success=True))
        ranker.hear(Report(0, success=True, repeats=True))
    slate, feedback = rival.taught[0]
    assert len(rival.taught) == 1
    assert tuple(slate.keys[row] for row in feedback.shown) == shown


def test_similarity_and_cosine_rank_the_products_candidates(embedder: HashEmbedder) -> None:
    stream = toy(k=2)
    with product.shelved(stream, embedder) as shelf, product.opened(shelf, "similarity") as memory:
        plain = RivalRanker(Hybrid(), memory.slate, memory.said, stream.k)
        cosine = RivalRanker(Cosine(), memory.slate, memory.said, stream.k)
        for task in stream.held_out:
            assert plain.look(task) == memory.look(task)
            slate = memory.slate(task)
            assert cosine.look(task)[0] == slate.keys[int(np.argmax(slate.panel.dense))]


# -- measures --------------------------------------------------------------------


def test_online_held_out_and_curve_are_the_worlds_chances() -> None:
    stream = toy()
    right = Scripted("half", {topic: (f"{topic} right",) for topic in TOPICS[:4]})
    trace = replay(stream, [right], Condition())["half"]
    assert trace.online.tolist() == [1.0] * 12 + [0.0] * 12
    assert trace.held_out.tolist() == [1.0] * 4 + [0.0] * 4
    assert trace.curve[0] == (0, 0.5)
    assert trace.curve[-1] == (24, 0.5)
    assert trace.calibration == 0.125
    assert trace.backward == 0.0
    assert trace.details == {"shown": 1.0, "nDCG": 1.0}
    assert right.heard == list(range(24))


def test_a_ranker_that_forgets_has_backward_transfer_of_minus_one() -> None:
    stream = toy()
    trace = replay(stream, [Forgetful(stream)], Condition())["forgetful"]
    assert trace.backward == -1.0


def test_all_delayed_reports_come_before_the_held_out_tasks() -> None:
    stream = toy()
    ranker = Scripted("late", {})
    replay(stream, [ranker], Condition(delayed=True))
    assert sorted(ranker.heard) == list(range(24))


def test_groups_that_come_mixed_have_no_end() -> None:
    stream = toy()
    assert group_ends(stream.tasks) == {place * 3 + 2: name for place, name in enumerate(TOPICS)}
    mixed = arranged(stream, "shuffled", lambda task: 0.0)
    assert group_ends(mixed.tasks) == {}
    assert group_ends(stream.tasks[:3]) == {}


# -- orders ----------------------------------------------------------------------


def ease(task: Task) -> float:
    return float(TOPICS.index(task.group))


def test_orders_keep_every_task_and_are_seeded() -> None:
    stream = toy()
    for order in ("own", "shuffled", "by_group", "easy_to_hard", "hard_to_easy"):
        found = arranged(stream, order, ease)
        assert sorted(task.key for task in found.tasks) == sorted(t.key for t in stream.tasks)
        assert found == arranged(stream, order, ease)
    assert arranged(stream, "own", ease) is stream
    assert arranged(stream, "shuffled", ease) != arranged(toy(1), "shuffled", ease)


def test_easy_comes_first_and_hard_last() -> None:
    easy = [ease(task) for task in arranged(toy(), "easy_to_hard", ease).tasks]
    hard = [ease(task) for task in arranged(toy(), "hard_to_easy", ease).tasks]
    assert easy == sorted(easy, reverse=True)
    assert hard == sorted(hard)


def test_by_group_brings_mixed_groups_together() -> None:
    mixed = arranged(toy(), "shuffled", ease)
    together = arranged(mixed, "by_group", ease)
    assert len(group_ends(together.tasks)) == len(TOPICS)


@pytest.mark.parametrize("order", ["easy_to_hard", "hard_to_easy"])
def test_a_job_orders_by_similaritys_chance(order: Any, embedder: HashEmbedder) -> None:
    traces = play(toy(), embedder, job(Condition(missing=1.0), order=order)).traces[0]
    online = traces[SIMILARITY].online.tolist()
    assert online == sorted(online, reverse=order == "easy_to_hard")
