"""`python -m benchmarks.relevance.agent`: an agent at work, with prompts that nothing is known of.

The workshop's agent recalls before each task, follows the first item, really runs it and
reports the exit code. In between come prompts of our own list that have nothing to do with
the workshop, asked for by the agent and by the prompt hook. Compared: with and without them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from benchmarks.learning.embeddings import served_model
from benchmarks.learning.stream import Memory
from benchmarks.relevance.measuring import Room, filled
from benchmarks.relevance.stores import NOTHING, Asked, Stocked, prompts
from benchmarks.workshop.model import Strategy, Task
from benchmarks.workshop.runner import run
from benchmarks.workshop.tasks import FAMILIES
from memory_core.ports import Embedder

HEAD = ("noise", "round", "tasks", "success", "silent", "surely", "tokens")
LEGEND = """
success: tasks whose first item was followed and whose program really ended well
silent, surely: noise prompts that were answered with nothing, asked and for the prompt hook
tokens: injected by the hook for a noise prompt
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; 0."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.relevance.agent")
    add = parser.add_argument
    add("--rounds", type=int, default=3)
    add("--noise", type=int, default=2, help="noise prompts for each task")
    add("--seed", type=int, default=0)
    add("--cache", help="folder of the embedding cache")
    chosen = parser.parse_args(arguments)
    embedder = served_model(Path(chosen.cache) if chosen.cache else None)
    print(_line(HEAD))
    for noise in (0, chosen.noise):
        _course(embedder, chosen.rounds, noise, chosen.seed)
    print(LEGEND)
    return 0


def _course(embedder: Embedder, rounds: int, noise: int, seed: int) -> None:
    strategies = {one.id: one for family in FAMILIES for one in family.strategies}
    memories = [
        Memory(one.id, one.title, one.content, description=one.description)
        for one in strategies.values()
    ]
    tasks = [task for family in FAMILIES for task in family.tasks]
    odd = cycle([Asked(text) for subject, text in prompts("dev") if subject == NOTHING])
    chance = np.random.default_rng(seed)
    with filled(Stocked("workshop", tuple(memories), (), ()), embedder, "learned") as room:
        for number in range(rounds):
            went: list[bool] = []
            heard = []
            for place in chance.permutation(len(tasks)):
                went.append(_worked(room, tasks[place], strategies, number))
                heard += [room.hear(one) for one in islice(odd, noise)]
            room.settle()
            quiet = [not one.asked for one in heard]
            mute = [not one.uninvited for one in heard]
            tokens = [one.tokens for one in heard]
            print(_line((str(noise), str(number + 1), str(len(went)), _mean(went), _mean(quiet),
                         _mean(mute), _mean(tokens))), flush=True)  # fmt: skip


def _worked(room: Room, task: Task, strategies: dict[str, Strategy], number: int) -> bool:
    """Recall, follow the first item, run it, report; whether it went well."""
    text = task.wordings[number % len(task.wordings)]
    recall_id, keys = room.recall(Asked(text))
    if not keys:
        return False
    done = run(task, strategies[keys[0]], number)
    room.tell(recall_id, keys[0], well=done.succeeded, error=done.error)
    return done.succeeded


def _mean(values: Sequence[float]) -> str:
    return f"{float(np.mean(values)):.3f}" if values else "-"


def _line(cells: Sequence[str]) -> str:
    return "".join(cell.rjust(9) for cell in cells)


if __name__ == "__main__":
    raise SystemExit(main())
