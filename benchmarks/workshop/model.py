"""What the workshop is made of: tasks, strategies and families of both.

Knows nothing of memory, servers or scores. Which strategy solves which task is
nowhere written down: running the code is the only way to find out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Strategy:
    """One piece of advice in words, and the Python it stands for.

    Attributes:
        id: Stable name; the server never sees it.
        title: What a person would call the advice.
        description: When somebody would reach for it.
        content: The advice, one to three sentences.
        code: Source that defines ``solve(...)`` with the family's arguments.
        family: Set by :func:`family`.
        kind: The kind the lesson is remembered as.
    """

    id: str
    title: str
    description: str
    content: str
    code: str
    family: str = ""
    kind: str = "strategy"


@dataclass(frozen=True, slots=True)
class Task:
    """One small programming task with real input and a real check.

    Attributes:
        id: Stable name; the server never sees it.
        condition: The fact that decides, in a few words, for the final table only.
        wordings: At least six ways a person would ask for it.
        setup: Source that makes the input; may use ``SEED`` and ``pick(...)``.
        check: Source that calls ``solve`` and asserts the result.
        shared: Source that runs before ``setup``, common to the family.
        family: Set by :func:`family`.
        timeout: Seconds an attempt may take.
    """

    id: str
    condition: str
    wordings: tuple[str, ...]
    setup: str
    check: str
    shared: str = ""
    family: str = ""
    timeout: float = 10.0


@dataclass(frozen=True, slots=True)
class Family:
    """Tasks that look alike and the strategies somebody might try on them."""

    id: str
    title: str
    tasks: tuple[Task, ...]
    strategies: tuple[Strategy, ...] = field(default=())


def family(
    id: str,
    title: str,
    *,
    tasks: Sequence[Task],
    strategies: Sequence[Strategy],
    shared: str = "",
) -> Family:
    """Tie tasks and strategies to one family.

    Args:
        id: Stable name of the family.
        title: Its name in the final table.
        tasks: The tasks; each gets the family and the shared source.
        strategies: The strategies; each gets the family.
        shared: Source that every setup of the family starts with.

    Returns:
        The family, its members bound to it.
    """
    return Family(
        id=id,
        title=title,
        tasks=tuple(replace(task, family=id, shared=shared) for task in tasks),
        strategies=tuple(replace(strategy, family=id) for strategy in strategies),
    )


def cause(task: Task, strategy: Strategy, exception: str) -> str:
    """Name what lies behind a failure, whatever the file names of the day were.

    Two runs of one strategy on one task fail for the same reason even when the
    setup chose other names and values, so this label is the ground truth for
    "same cause, other identifiers".

    Args:
        task: The task that was attempted.
        strategy: The strategy that was followed.
        exception: The class of the exception, e.g. ``UnicodeDecodeError``.

    Returns:
        A stable label.

    Example:
        >>> t = Task("t", "c", (), "", "")
        >>> cause(t, Strategy("s", "", "", "", ""), "ValueError")
        't/s/ValueError'
    """
    return f"{task.id}/{strategy.id}/{exception}"
