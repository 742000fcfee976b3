"""The workshop is fair: real programs, real failures, and nobody peeks."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from benchmarks.workshop import course as course_module
from benchmarks.workshop import matrix, report
from benchmarks.workshop.agent import Agent, plan
from benchmarks.workshop.course import ARMS, LEARNED, Course, Known
from benchmarks.workshop.figures import difference, rates
from benchmarks.workshop.memory import Memory, ServerMisbehaved
from benchmarks.workshop.model import Strategy, Task, cause
from benchmarks.workshop.runner import TIMEOUT_EXIT, run
from benchmarks.workshop.tasks import FAMILIES, STRATEGIES, TASKS
from tests.patience import PATIENCE

VARIANTS = (0, 1)
ENCODINGS = FAMILIES[0]
MARKS = ("decoy", "trap", "tempting", "right answer", "wrong answer", "solves", "pitfall")


class FakeMemory(Memory):
    """A memory without a server: offers items in the order told, keeps every call."""

    def __init__(self, first: str = "") -> None:
        self.calls: list[tuple[str, Mapping[str, Any]]] = []
        self._first = first
        self._titles: list[str] = []

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self.calls.append((tool, arguments))
        if tool == "remember":
            self._titles.append(arguments["title"])
            return {"id": f"item{len(self._titles)}", "status": "added"}
        if tool == "recall":
            return {
                "recall_id": f"recall{len(self.calls)}",
                "items": self._items(arguments["k"]),
                "mode": "similarity",
                "weight": 0.0,
            }
        return {"judged": {"outcome": arguments["outcome"]}}

    def _items(self, count: int) -> list[dict[str, Any]]:
        if not self._first:
            return []
        order = sorted(enumerate(self._titles, 1), key=lambda pair: pair[1] != self._first)
        zero = {"score": 0.0, "similarity": 0.0, "wins": 0, "losses": 0, "why": ""}
        return [
            {"id": f"item{n}", "kind": "strategy", "title": title, **zero}
            for n, title in order[:count]
        ]


def strategy_of(strategy_id: str) -> Strategy:
    return next(strategy for strategy in STRATEGIES if strategy.id == strategy_id)


def task_of(task_id: str) -> Task:
    return next(task for task in TASKS if task.id == task_id)


async def work(agent: Agent, rounds: int) -> None:
    await agent.learn_words()
    for assignments in plan(ENCODINGS.tasks, rounds, seed=0):
        for assignment in assignments:
            await agent.work(assignment)


def agent_after(memory: FakeMemory | None, rounds: int = 1, **options: Any) -> Agent:
    agent = Agent("test", [ENCODINGS], 0, memory, **options)
    anyio.run(work, agent, rounds)
    return agent


@pytest.fixture(scope="module")
def cells() -> list[matrix.Cell]:
    return matrix.cells(FAMILIES, VARIANTS, workers=2)


# -- what there is -----------------------------------------------------------------


def test_there_are_forty_tasks_in_eight_families_and_more() -> None:
    """The issue asks for at least 40 tasks in at least 8 families."""
    assert len(TASKS) >= 44
    assert len(FAMILIES) >= 8
    assert all(len(family.strategies) >= 5 for family in FAMILIES)


def test_every_task_has_six_wordings_and_shares_none() -> None:
    """Rounds are reworded, and no two tasks are asked for in the same words."""
    assert all(len(task.wordings) >= 6 for task in TASKS)
    wordings = [wording for task in TASKS for wording in task.wordings]
    assert len(set(wordings)) == len(wordings)


def test_ids_and_titles_are_unique() -> None:
    """A title or an id names one thing."""
    assert len({task.id for task in TASKS}) == len(TASKS)
    assert len({strategy.id for strategy in STRATEGIES}) == len(STRATEGIES)
    assert len({strategy.title for strategy in STRATEGIES}) == len(STRATEGIES)


def test_words_for_the_server_carry_no_mark_of_right_or_wrong() -> None:
    """Neither wordings nor strategies say which strategy a task needs."""
    texts = [wording for task in TASKS for wording in task.wordings]
    for one in STRATEGIES:
        texts += [one.title, one.description, one.content]
        assert one.kind == "strategy"
    marked = [text for text in texts for mark in MARKS if mark in text.lower()]
    assert marked == []


# -- what really happens -----------------------------------------------------------


def test_every_task_is_solved_by_one_strategy_of_its_family_and_failed_by_another(
    cells: list[matrix.Cell],
) -> None:
    """No task is hopeless and none is trivial, whichever variant of its input comes."""
    assert {(cell.task.id, cell.seed) for cell in cells} == {
        (task.id, seed) for task in TASKS for seed in VARIANTS
    }
    assert matrix.unfair(cells) == []


def test_a_task_without_a_solution_is_called_unfair(cells: list[matrix.Cell]) -> None:
    """The check of fairness can fail."""
    lost = [cell for cell in cells if cell.task is TASKS[0] and not cell.run.succeeded]
    assert matrix.unfair(lost) == [f"{TASKS[0].id}, variant {n}: nothing solves it" for n in (0, 1)]


def test_the_same_pair_ends_the_same_way_with_other_names(cells: list[matrix.Cell]) -> None:
    """Names and values of the day do not decide, the condition does."""
    ends: dict[tuple[str, str], set[bool]] = defaultdict(set)
    for cell in cells:
        ends[cell.task.id, cell.strategy.id].add(cell.run.succeeded)
    assert [pair for pair, seen in ends.items() if len(seen) > 1] == []


def test_failures_are_real_exceptions_of_many_classes(cells: list[matrix.Cell]) -> None:
    """A failure ends with a traceback, and not always with the same exception."""
    failed = [cell.run for cell in cells if not cell.run.succeeded]
    assert [run for run in failed if 'File "' not in run.error or not run.exception] == []
    assert len({run.exception for run in failed}) >= 15
    assert all(run.exit_code == 1 for run in failed)


def test_failures_of_two_variants_differ_in_text_and_share_their_cause(
    cells: list[matrix.Cell],
) -> None:
    """The label of a failure survives other file names and values."""
    texts: dict[str, set[str]] = defaultdict(set)
    for cell in cells:
        if not cell.run.succeeded:
            texts[cause(cell.task, cell.strategy, cell.run.exception)].add(cell.run.message)
    assert sum(len(seen) > 1 for seen in texts.values()) > len(texts) / 4


def test_no_strategy_is_right_for_everything(cells: list[matrix.Cell]) -> None:
    """Even the best strategy of a family fails one of its tasks."""
    failed = {cell.strategy.id for cell in cells if not cell.run.succeeded}
    assert {strategy.id for strategy in STRATEGIES} - failed == set()


def test_an_unrelated_strategy_fails_with_a_real_exception() -> None:
    """Following another family's advice is a genuine error, not a special case."""
    done = run(task_of("enc-mark"), strategy_of("csv-split"))
    assert done.exit_code == 1
    assert done.exception


# -- the runner --------------------------------------------------------------------


def test_a_success_has_exit_code_zero_and_no_error() -> None:
    """The check passed in a process of its own."""
    done = run(task_of("enc-mark"), strategy_of("enc-sig"))
    assert (done.exit_code, done.error, done.exception) == (0, "", "")


def test_a_failure_brings_its_own_traceback() -> None:
    """The error is what the interpreter wrote, down to the failing line."""
    done = run(task_of("enc-windows"), strategy_of("enc-utf8"))
    assert done.exit_code == 1
    assert done.exception == "UnicodeDecodeError"
    assert "in solve" in done.error
    assert 'path.read_text(encoding="utf-8")' in done.error
    assert "byte 0x93" in done.message


def test_an_attempt_that_hangs_is_stopped() -> None:
    """The time limit of a task is honoured and reported."""
    hang = "import threading\n\n\ndef solve():\n    threading.Event().wait()\n"
    task = Task("t", "", (), setup="", check="solve()", timeout=0.3)
    done = run(task, Strategy("s", "", "", "", hang))
    assert done.exit_code == TIMEOUT_EXIT
    assert done.exception == "TimeoutExpired"
    assert "0.3 seconds" in done.message


# -- the plan and the agent --------------------------------------------------------


def test_rounds_are_shuffled_and_reworded() -> None:
    """Each round asks for every task, in another order and in other words."""
    laid = plan(TASKS, 5, seed=1)
    orders = [[one.task.id for one in assignments] for assignments in laid]
    assert all(sorted(order) == sorted(task.id for task in TASKS) for order in orders)
    assert len({tuple(order) for order in orders}) == 5
    wordings = [one.wording for assignments in laid for one in assignments]
    assert len(set(wordings)) == len(wordings)


def test_the_same_seed_lays_out_the_same_plan() -> None:
    """All arms of a course get the same tasks in the same words."""
    assert plan(TASKS, 3, seed=4) == plan(TASKS, 3, seed=4)
    assert plan(TASKS, 3, seed=4) != plan(TASKS, 3, seed=5)


def test_the_agent_follows_the_first_recalled_strategy_and_reports_what_it_saw() -> None:
    """What is reported is the real exit code and the real traceback."""
    memory = FakeMemory(first=strategy_of("enc-utf8").title)
    agent = agent_after(memory)
    assert {attempt.strategy.id for attempt in agent.diary.attempts} == {"enc-utf8"}
    reports = [arguments for tool, arguments in memory.calls if tool == "report_outcome"]
    assert len(reports) == len(ENCODINGS.tasks)
    for sent, attempt in zip(reports, agent.diary.attempts, strict=True):
        assert sent["evidence"] == {"exit_code": attempt.run.exit_code, "log": attempt.run.error}
        assert sent["recall_id"].startswith("recall")


def test_nothing_that_the_agent_sends_names_a_task_or_a_strategy_id() -> None:
    """The server sees words, code and tracebacks, never the ids behind them."""
    memory = FakeMemory(first=strategy_of("enc-latin1").title)
    agent_after(memory, rounds=2, distil=True)
    sent = json.dumps(memory.calls, ensure_ascii=False)
    ids = [task.id for task in TASKS] + [strategy.id for strategy in STRATEGIES]
    assert [one for one in ids if one in sent] == []


def test_without_an_answer_the_agent_chooses_as_without_a_memory() -> None:
    """An empty recall leaves the agent to its own seeded choice."""
    silent, alone = agent_after(FakeMemory()), agent_after(None)
    followed = [attempt.strategy.id for attempt in silent.diary.attempts]
    assert followed == [attempt.strategy.id for attempt in alone.diary.attempts]
    assert len(set(followed)) > 1


def test_a_failure_counts_as_repeated_from_the_next_round_on() -> None:
    """Repeated means: the same task, the same strategy, an earlier round."""
    agent = agent_after(FakeMemory(first=strategy_of("enc-utf8").title), rounds=2)
    assert rates(agent.diary, 0).repeated == 0
    assert rates(agent.diary, 1).repeated == pytest.approx(1 - rates(agent.diary, 1).success)
    assert (rates(agent.diary, 0).again, rates(agent.diary, 1).again) == (0, 1)


def test_a_retry_tells_what_was_tried() -> None:
    """The second recall of a task carries the error of the first try."""
    memory = FakeMemory(first=strategy_of("enc-utf8").title)
    agent = agent_after(memory, retries=1)
    recalls = [arguments for tool, arguments in memory.calls if tool == "recall"]
    again = [arguments for arguments in recalls if "error" in arguments]
    assert len(again) == sum(attempt.number == 1 for attempt in agent.diary.attempts) > 0
    assert all(strategy_of("enc-utf8").title in arguments["context"] for arguments in again)


def test_pitfalls_are_distilled_once_per_strategy_and_exception() -> None:
    """The agent writes down what it saw, and not twice."""
    memory = FakeMemory(first=strategy_of("enc-utf8").title)
    agent = agent_after(memory, rounds=2, distil=True)
    written = [
        lesson
        for tool, arguments in memory.calls
        if tool == "report_outcome"
        for lesson in arguments.get("lessons", [])
    ]
    seen = {one.run.exception for one in agent.diary.attempts if not one.run.succeeded}
    assert len(written) == len(seen)
    assert all(lesson["kind"] == "pitfall" for lesson in written)


def test_a_server_that_judges_against_the_evidence_is_caught() -> None:
    """A contract that is broken ends the workshop."""

    class Contrary(FakeMemory):
        async def call(self, tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
            answer = await super().call(tool, arguments)
            return {"judged": {"outcome": "unknown"}} if "judged" in answer else answer

    with pytest.raises(ServerMisbehaved, match="judged 'unknown'"):
        agent_after(Contrary(first=strategy_of("enc-sig").title))


# -- figures and tables ------------------------------------------------------------


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    """One arm that always does the same, one that guesses, one that was lucky."""
    firsts = dict(zip(ARMS, ("", "enc-utf8", "enc-sig"), strict=True))
    diaries = {
        name: agent_after(
            FakeMemory(first=strategy_of(first).title) if first else None, rounds=2
        ).diary
        for name, first in firsts.items()
    }
    scorer = {"reports": 12, "weight": 0.5, "proof": {"sentence": "Not decided yet."}}
    clusters = [{"seen": 4, "summary": "UnicodeDecodeError in solve"}]
    known = Known({"enc-sig": (2, 10)}, scorer, {"clusters": clusters}, pitfalls=1)
    return Course(0, diaries, known, tmp_path_factory.mktemp("store"))


def test_the_difference_is_paired_and_its_interval_holds_it(course: Course) -> None:
    """The arm that solves one task of six more is 17 points ahead."""
    pair = (course.diaries[LEARNED], course.diaries[ARMS[1]])
    gap = difference([pair], 1)
    assert gap.value == pytest.approx(1 / 6)
    assert gap.low <= gap.value <= gap.high
    assert difference([(pair[1], pair[1])], 1).value == 0


def test_the_tables_name_the_arms_the_conditions_and_the_store(course: Course) -> None:
    """A reader finds the figures, what was learned and where it is kept."""
    ink = report.Ink(on=False)
    text = "\n".join(
        [
            *report.rounds_table([course, course], 2, ink),
            *report.verdict([course, course], 2, ink),
            *report.learned_table([ENCODINGS], course, ink, everything=True),
            *report.dropped_table(course, 2, ENCODINGS.strategies, ink),
            *report.example(course, 2, ink),
            *report.server_says(course, ink),
            *report.where(course, ink),
        ]
    )
    for part in (*ARMS, "round 2", ENCODINGS.title, "Not decided yet.", str(course.store)):
        assert part in text
    assert ("score 0" in text) == ("it has no unit" in text)
    assert "\x1b" not in text
    assert "\x1b[1m" in report.where(course, report.Ink(on=True))[0]


@pytest.mark.anyio
async def test_a_step_that_stands_still_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course_module, "PROGRESS_EVERY", 0.001)
    said: list[str] = []
    states = iter(["loading"] * 9 + ["1 of 2", "1 of 2", "2 of 2"])
    ended = anyio.Event()

    def state() -> str:
        now = next(states, "")
        if not now:
            ended.set()
        return now or "2 of 2"

    async with course_module._signs_of_life(state, said.append):
        with anyio.fail_after(PATIENCE):
            await ended.wait()
    assert said == ["loading ...", "1 of 2 ...", "2 of 2 ..."]
