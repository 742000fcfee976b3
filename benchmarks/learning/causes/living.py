"""Lives a subject's life through the real service, as an agent would report it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.learning.causes.cases import Attempt, Case, Subject
from benchmarks.learning.product import FIRST_TIME, HOUR, Shelf, numbered_ids
from benchmarks.learning.stream import Stream, Task, World
from memory_core.answers import OutcomeAnswer
from memory_core.ports import Embedder
from memory_core.requests import CheckRequest, OutcomeRequest, RecallRequest, parse
from memory_core.service.conditions import conditions_of, views_of
from memory_core.service.service import MemoryService
from memory_core.settings import ScorerMode, Settings
from memory_core.store.lance_store import LanceStore

ERROR_TAIL = 800
"""Characters of an error's end that plain similarity compares."""

LEARNED_WITHIN = 300.0
K = 5


class Life:
    """One service and what was reported to it."""

    def __init__(self, service: MemoryService, shelf: Shelf, world: object) -> None:
        self.service, self._shelf, self._world = service, shelf, world
        self._cases: dict[str, Case] = {}
        self._first: dict[str, Case] = {}
        self.now = FIRST_TIME

    def live(self, attempts: tuple[Attempt, ...]) -> None:
        """Report everything, and wait until it is learned."""
        for attempt in attempts:
            self.now += HOUR
            if attempt.first is not None:
                self._fail(attempt, attempt.first)
            if attempt.asked and attempt.first is not None:
                self._ask(attempt, attempt.first)
            for key, case in attempt.tried:
                if case is None:
                    self._report(attempt, "success", used_ids=[self._shelf.ids[key]])
                else:
                    self._fail(attempt, case, used_ids=[self._shelf.ids[key]])
        core = self.service.core
        parts = [core.trainer, core.notebook.causes]
        if not all(part is None or part.settle(LEARNED_WITHIN) for part in parts):
            raise TimeoutError("reports are not learned in time")

    def _fail(self, attempt: Attempt, case: Case, **more: Any) -> None:
        answer = self._report(attempt, "failure", error=case.error, **more)
        self._cases[answer.outcome_id] = case
        self._first.setdefault(answer.signature, case)

    def _report(self, attempt: Attempt, outcome: str, **more: Any) -> OutcomeAnswer:
        request = {
            "outcome": outcome,
            "task": attempt.task,
            "project": attempt.project,
            "attempt_group": attempt.key,
            **more,
        }
        return self.service.report_outcome(parse(OutcomeRequest, request))

    def _ask(self, attempt: Attempt, case: Case) -> None:
        asked = {"task": case.task, "error": case.error, "project": case.project, "k": K}
        answer = self.service.recall(parse(RecallRequest, asked))
        keys = [self._shelf.keys[item.id] for item in answer.items]
        task = Task(attempt.key, case.task, error=case.error, project=case.project)
        ended = cast(World, self._world).attempt(task, keys)
        ids = self._shelf.ids
        request = {
            "outcome": "success" if ended.chance >= 0.5 else "failure",
            "recall_id": answer.recall_id,
            "attempt_group": attempt.key,
            "used_ids": [ids[key] for key in ended.used],
            "helpful_ids": [ids[key] for key in ended.helpful],
            "harmful_ids": [ids[key] for key in ended.harmful],
        }
        self.service.report_outcome(parse(OutcomeRequest, request))

    def told(self, case: Case) -> Case | None:
        """The failure that the first warning of `check` tells of, None when it warns of none.

        The task is about to be tried again with this error at hand. A warning shows
        one failure's error: the first of its cluster, or the likest by the learned
        similarity.
        """
        asked = {"action": case.task, "error": case.error, "project": case.project}
        warnings = self.service.check(parse(CheckRequest, asked)).warnings
        if not warnings:
            return None
        core = self.service.core
        likeness = core.notebook.likeness
        if likeness.metric is None:
            return self._first[warnings[0].signature_id]
        conditions = conditions_of(core.embedder, case.task, "", case.error)
        assert core.embedder is not None
        assert conditions.failure is not None
        views = views_of(core.embedder, conditions.failure)
        likest = likeness.nearest(case.project, views)[0][0].seen
        assert (likest.signature_id, likest.summary) == (
            warnings[0].signature_id,
            warnings[0].summary,
        )
        return self._cases[likest.owner]

    def nearest(self, case: Case) -> Case | None:
        """The reported failure of the project whose raw error is nearest, for comparison."""
        others = [other for other in self._cases.values() if other.project == case.project]
        embedder = self.service.core.embedder
        assert embedder is not None
        if not others:
            return None
        rows = np.stack([embedder.embed_query(o.error.strip()[-ERROR_TAIL:]) for o in others])
        return others[int(np.argmax(rows @ embedder.embed_query(case.error.strip()[-ERROR_TAIL:])))]

    def knows(self, case: Case) -> bool:
        """Whether a failure with this cause was reported."""
        return any(
            case.project == other.project and case.same(other) for other in self._cases.values()
        )


@contextmanager
def lived(subject: Subject, embedder: Embedder, mode: ScorerMode) -> Iterator[Life]:
    """A service that has lived the subject's life."""
    stream = Stream(
        subject.name, subject.seed, subject.memories, (), (), cast(World, subject.world), K
    )
    with tempfile.TemporaryDirectory(prefix="lessonbank-causes-", dir=_scratch()) as place:
        shelf = Shelf(stream, embedder, Path(place))
        folder = shelf.copy(mode)
        with numbered_ids():
            lives: list[Life] = []
            service = MemoryService(
                Settings(store=folder, scorer_mode=mode),
                LanceStore.open(folder, maintain=False),
                project="bench",
                notify=lambda _change: None,
                clock=lambda: lives[0].now if lives else FIRST_TIME,
            )
            try:
                service.attach(embedder)
                lives.append(Life(service, shelf, subject.world))
                lives[0].live(subject.life)
                yield lives[0]
            finally:
                service.close()


def _scratch() -> str | None:
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() else None
