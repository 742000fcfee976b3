"""The order in which a stream's tasks come."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from benchmarks.learning.stream import Stream, Task

Order = Literal["own", "shuffled", "by_group", "easy_to_hard", "hard_to_easy"]
ORDERS: tuple[Order, ...] = ("own", "shuffled", "by_group", "easy_to_hard", "hard_to_easy")


def arranged(stream: Stream, order: Order, ease: Callable[[Task], float]) -> Stream:
    """Give the stream with its tasks in another order.

    Args:
        stream: In its own order.
        order: "by_group" keeps a group's tasks together, groups by first appearance.
        ease: How easy a task is without learning: plain similarity's chance of
            success. Ties fall by a draw of the stream's seed.
    """
    if order == "own":
        return stream
    chance = np.random.default_rng([stream.seed, 3])
    tasks = [stream.tasks[place] for place in chance.permutation(len(stream.tasks))]
    if order == "by_group":
        first = {group: place for place, group in enumerate(_groups(stream))}
        tasks = sorted(stream.tasks, key=lambda task: first[task.group])
    elif order != "shuffled":
        sign = -1.0 if order == "easy_to_hard" else 1.0
        ranked = {task.key: sign * ease(task) for task in tasks}
        tasks.sort(key=lambda task: ranked[task.key])
    return replace(stream, tasks=tuple(tasks))


def _groups(stream: Stream) -> list[str]:
    return list(dict.fromkeys(task.group for task in stream.tasks))
