"""The workshop in the shape of the other streams."""

from __future__ import annotations

from benchmarks.learning.streams.workshop import trace_of
from benchmarks.workshop.agent import Assignment, Attempt, Diary
from benchmarks.workshop.runner import Run
from benchmarks.workshop.tasks import STRATEGIES, TASKS


def test_a_diary_becomes_a_trace_round_by_round() -> None:
    diary = Diary("learned")
    ids = [task.id for task in TASKS[:2]]
    for number, solved in ((0, (0, 1)), (1, (1, 1))):
        for task, code in zip(TASKS[:2], solved, strict=True):
            ran = Run(exit_code=1 - code, error="", exception="", message="", seconds=0.1)
            assignment = Assignment(number, task, task.wordings[0], 0)
            diary.write(Attempt(assignment, STRATEGIES[0], ran, (), "", repeated=False))
    trace = trace_of("learned", diary, 2, ids)
    assert trace.online.tolist() == [0.0, 1.0, 1.0, 1.0]
    assert trace.held_out.tolist() == [1.0, 1.0]
    assert trace.curve == [(0, 0.5), (2, 1.0)]
