"""banking77 built from a few made-up questions."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from benchmarks.learning.stream import Stream
from benchmarks.learning.streams import banking77


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    folder = tmp_path / "banking77"
    folder.mkdir()
    for name, count in (("train", 90), ("test", 30)):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "category"])
            for number in range(count):
                writer.writerow([f"{name} question {number}", f"kind_{number % 3}"])
    return tmp_path


def small(bank: Path, seed: int = 0, **more: Any) -> Stream:
    return banking77.build(seed, bank, **{"memories": 40, "tasks": 20, "held_out": 10, **more})


def test_bad_lessons_are_exactly_the_share_asked_for(bank: Path) -> None:
    for share, count in ((0.0, 0), (0.25, 10), (1.0, 40)):
        stream = small(bank, bad=share)
        kinds = {f"train question {number}": f"kind {number % 3}" for number in range(90)}
        wrong = sum(one.title != f"Procedure: {kinds[one.task]}" for one in stream.memories)
        assert wrong == count


def test_memories_tasks_and_held_out_questions_never_meet(bank: Path) -> None:
    for split, held in (("test", "test"), ("dev", "train")):
        stream = small(bank, split=split)
        texts = [[one.task for one in stream.memories]]
        texts += [[task.text for task in tasks] for tasks in (stream.tasks, stream.held_out)]
        assert [len(one) for one in texts] == [40, 20, 10]
        assert len(set().union(*texts)) == 70
        assert all(text.startswith(f"{held} question") for text in texts[2])


def test_the_same_seed_draws_the_same_bank(bank: Path) -> None:
    first, again = (small(bank, 3) for _ in range(2))
    assert (first.memories, first.tasks, first.held_out) == (
        again.memories,
        again.tasks,
        again.held_out,
    )
    assert small(bank, 4).tasks != first.tasks


def test_a_followed_procedure_is_right_or_harmful(bank: Path) -> None:
    stream = small(bank, bad=0.0)
    task = stream.tasks[0]
    right = next(m.key for m in stream.memories if m.title.endswith(task.group.replace("_", " ")))
    wrong = next(m.key for m in stream.memories if not m.title.endswith(task.group[-1]))
    good, bad = (
        stream.world.attempt(task, (right, wrong)),
        stream.world.attempt(task, (wrong, right)),
    )
    assert (good.chance, good.used, good.helpful, good.harmful) == (1.0, (right,), (right,), ())
    assert (bad.chance, bad.used, bad.helpful, bad.harmful) == (0.0, (wrong,), (), (wrong,))
    assert bad.detail["shown"] == 1.0
    assert stream.world.attempt(task, ()).chance == 0.0


@pytest.mark.parametrize("layout", banking77.LAYOUTS)
def test_a_layout_says_where_the_question_stands(bank: Path, layout: banking77.Layout) -> None:
    for memory in small(bank, layout=layout).memories:
        places = {"task": memory.task, "title": memory.title, "content": memory.content}
        assert [name for name, text in places.items() if "question " in text] == [layout]
