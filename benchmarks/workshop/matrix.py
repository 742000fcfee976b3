"""Tries every strategy of a family on every task of it, for real.

The agent never sees this table. It is how we know that the workshop is fair:
each task can be solved, and each task can be failed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from benchmarks.workshop.model import Family, Strategy, Task
from benchmarks.workshop.runner import Run, run


@dataclass(frozen=True, slots=True)
class Cell:
    """What happened when a task was attempted with a strategy."""

    task: Task
    strategy: Strategy
    seed: int
    run: Run


def cells(families: Iterable[Family], seeds: Sequence[int] = (0,), workers: int = 2) -> list[Cell]:
    """Attempt every task with every strategy of its family.

    Args:
        families: The families to try.
        seeds: Variants of the setups to try.
        workers: Processes at a time.

    Returns:
        One cell per task, strategy and seed, in that order.
    """
    todo = [
        (task, strategy, seed)
        for family in families
        for task in family.tasks
        for strategy in family.strategies
        for seed in seeds
    ]
    with ThreadPoolExecutor(workers) as pool:
        runs = pool.map(lambda cell: run(*cell), todo)
        return [Cell(*cell, run=done) for cell, done in zip(todo, runs, strict=True)]


def table(found: Sequence[Cell]) -> str:
    """Write the matrix as text, a block per task.

    Args:
        found: What :func:`cells` returned.

    Returns:
        Lines such as ``ok    12 ms  enc-sig`` under each task's name.
    """
    lines: list[str] = []
    last = ""
    for cell in found:
        if cell.task.id != last:
            last = cell.task.id
            lines.append(f"{cell.task.family} / {cell.task.id}: {cell.task.condition}")
        seen = f"{cell.run.exception}: {cell.run.message}"[:100] if cell.run.exit_code else ""
        mark = "ok  " if cell.run.succeeded else "FAIL"
        spent = f"{cell.run.seconds * 1000:5.0f} ms"
        lines.append(f"  {mark} {spent}  #{cell.seed} {cell.strategy.id:<16} {seen}")
    return "\n".join(lines)


def unfair(found: Sequence[Cell]) -> list[str]:
    """Name the task variants that nothing of their family solves, or nothing fails.

    Args:
        found: What :func:`cells` returned.

    Returns:
        One sentence each, in the order of the tasks; empty when all are fair.
    """
    ends: dict[str, set[bool]] = {}
    for cell in found:
        name = f"{cell.task.id}, variant {cell.seed}"
        ends.setdefault(name, set()).add(cell.run.succeeded)
    complaints = {frozenset({False}): "nothing solves it", frozenset({True}): "nothing fails it"}
    return [
        f"{name}: {complaints[frozenset(seen)]}" for name, seen in ends.items() if len(seen) == 1
    ]
