"""Somebody who recalls, works and reports, so that there are outcomes to measure with.

Which lessons are good is fixed by their ids, unknown to the memory, and chance
has a say: the memory has something to learn and is never quite sure.
"""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from benchmarks.corpus import queries
from memory_core.answers import RecallAnswer
from memory_core.requests import Evidence, OutcomeRequest, RecallRequest

if TYPE_CHECKING:
    from memory_core.service.service import MemoryService

LUCK = 0.15
"""How often a good lesson fails and a bad one works."""
LEARNED_WITHIN = 120.0
ERRORS = (
    "UnicodeDecodeError: 'utf-8' codec can't decode byte 0x{a:02x} in position {b}",
    "sqlite3.OperationalError: database is locked after {b} ms",
    "TimeoutError: no answer from worker {a} within {b} seconds",
    "ValueError: time data '{a}.{b}' does not match format '%d.%m.%Y'",
    "KeyError: 'column_{a}'",
    "AssertionError: expected {a}.{b}, got {b}.{a}",
)


class Caller:
    """Works on tasks with one memory.

    Args:
        service: The memory.
        seed: Of the tasks and of chance.
    """

    def __init__(self, service: MemoryService, seed: int) -> None:
        self._service = service
        self._chance = random.Random(seed)
        self._tasks: Iterator[str] = queries(seed)
        self._session = 0

    def step(self) -> float:
        """Recall, work, report; give the seconds that the report took."""
        self._session += 1
        answer = self._service.recall(
            RecallRequest(task=next(self._tasks), session=f"session_{self._session // 5}")
        )
        request = self._report(answer)
        began = time.perf_counter()
        self._service.report_outcome(request)
        return time.perf_counter() - began

    def work(self, reports: int) -> None:
        """Report so many outcomes and wait until they are learned."""
        for _ in range(reports):
            self.step()
        self.settle()

    def settle(self) -> None:
        """Wait until every report is learned.

        Raises:
            TimeoutError: The learner does not come to an end.
        """
        trainer = self._service.core.trainer
        if trainer is not None and not trainer.settle(LEARNED_WITHIN):
            raise TimeoutError(f"reports are not learned after {LEARNED_WITHIN:.0f} seconds")

    def _report(self, answer: RecallAnswer) -> OutcomeRequest:
        used = answer.items[0].id if answer.items else ""
        good = zlib.crc32(used.encode()) % 2 == 0
        worked = good != (self._chance.random() < LUCK)
        return OutcomeRequest(
            outcome="success" if worked else "failure",
            recall_id=answer.recall_id,
            used_ids=(used,) if used and self._chance.random() < 0.5 else None,
            error="" if worked else self._error(),
            evidence=Evidence(exit_code=0 if worked else 1),
        )

    def _error(self) -> str:
        numbers = {"a": self._chance.randint(1, 255), "b": self._chance.randint(100, 9_999)}
        said = self._chance.choice(ERRORS).format(**numbers)
        lines = (
            "Traceback (most recent call last):",
            f'  File "work/step_{numbers["a"]}.py", line {numbers["b"]}, in <module>',
            "    main()",
            said,
        )
        return "\n".join(lines)
