"""LoCoMo: evidence retrieval. Dated turns of long conversations; questions with evidence ids.

Each conversation is a project of its own, each turn an item. What is measured is
which evidence stands among the first 5, 10 and 20 shown; an attempt succeeds
iff some evidence is among the first 5. The key has known errors, so figures are
a floor for the retrieval leg; `audited` ones leave out the questions with errors.

Data: snap-research/LoCoMo (CC BY-NC 4.0) and dial481/locomo-audit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmarks.learning.measures import ndcg, recall
from benchmarks.learning.stream import Attempt, Memory, Stream, Task

Layout = Literal["content", "title"]
SHOWN = 20
DEPTHS = (5, 10, 20)
FIRST = 5
_TURN = re.compile(r"D:?(\d+):0*(\d+)")


@dataclass(frozen=True, slots=True)
class _Question:
    key: str
    text: str
    conversation: str
    evidence: frozenset[str]
    doubtful: bool


@dataclass(frozen=True, slots=True)
class _World:
    """Knows each question's evidence, and which questions the audit found wrong."""

    questions: Mapping[str, _Question]

    def attempt(self, task: Task, shown: Sequence[str]) -> Attempt:
        question = self.questions[task.key]
        hits = [key in question.evidence for key in shown]
        found = tuple(key for key, hit in zip(shown[:FIRST], hits, strict=False) if hit)
        relevant = len(question.evidence)
        detail = {f"R@{k}": recall(hits, relevant, k) for k in DEPTHS}
        detail["nDCG@10"] = ndcg(hits, relevant, 10)
        if not question.doubtful:
            detail |= {f"audited {name}": value for name, value in detail.items()}
        return Attempt(float(bool(found)), found, helpful=found, detail=detail)


def build(
    seed: int,
    data: Path,
    *,
    tasks: int = 990,
    held_out: int = 991,
    layout: Layout = "content",
    floor: bool = False,
    k: int = SHOWN,
) -> Stream:
    """Draw one seed's stream: half of the questions is reported on, the other half is not.

    Args:
        seed: Decides which questions are reported on, and their order.
        data: The folder that holds `locomo/`.
        tasks: The most questions that are reported on.
        held_out: The most that are not.
        layout: Where a turn's words stand: in the item's content under a title
            that says who spoke and when, or in the title.
        floor: Report on none and hold out all 1,982: the retrieval leg alone.
        k: Items shown.
    """
    folder = data / "locomo"
    conversations = json.loads((folder / "locomo10.json").read_text(encoding="utf-8"))
    audit = json.loads((folder / "errors.json").read_text(encoding="utf-8"))
    doubtful = {error["question_id"] for error in audit}
    memories: list[Memory] = []
    questions: list[_Question] = []
    for number, one in enumerate(conversations):
        turns = list(_turns(one, layout))
        memories += turns
        questions += _questions(number, one, {turn.key for turn in turns}, doubtful)
    chance = np.random.default_rng([seed, 1981])
    mixed = [questions[place] for place in chance.permutation(len(questions))]
    if floor:
        tasks, held_out = 0, len(mixed)
    return Stream(
        name="locomo",
        seed=seed,
        memories=tuple(memories),
        tasks=_tasks(mixed[:tasks]),
        held_out=_tasks(mixed[tasks : tasks + held_out]),
        world=_World({question.key: question for question in mixed}),
        k=k,
    )


def _tasks(questions: Sequence[_Question]) -> tuple[Task, ...]:
    return tuple(
        Task(one.key, one.text, group=one.conversation, project=one.conversation)
        for one in questions
    )


def _turns(one: Mapping[str, Any], layout: Layout) -> Iterator[Memory]:
    """The turns of a conversation, in order."""
    said = one["conversation"]
    for session in range(1, len(said)):
        when = _date(said.get(f"session_{session}_date_time", ""))
        for turn in said.get(f"session_{session}", ()):
            words = str(turn["text"])
            if turn.get("blip_caption"):
                words += f" [shares {turn['blip_caption']}]"
            who = f"{turn['speaker']}, {when}"
            title, content = who, words
            if layout == "title":
                title, content = words[:200], f"{who}: {words}"
            key = f"{one['sample_id']} {turn['dia_id']}"
            yield Memory(key, title, content, kind="fact", project=one["sample_id"])


def _date(text: str) -> str:
    """The day of a session: '1:56 pm on 8 May, 2023' gives '8 May, 2023'."""
    return text.rpartition(" on ")[2]


def _questions(
    number: int, one: Mapping[str, Any], turns: set[str], doubtful: set[str]
) -> Iterator[_Question]:
    """The questions whose evidence names at least one turn of the conversation."""
    for place, asked in enumerate(one["qa"]):
        named = _TURN.findall(" ".join(asked.get("evidence") or ()))
        keys = {f"{one['sample_id']} D{session}:{turn}" for session, turn in named} & turns
        identity = f"locomo_{number}_qa{place}"
        if keys:
            yield _Question(
                identity,
                str(asked["question"]),
                one["sample_id"],
                frozenset(keys),
                identity in doubtful,
            )
