"""The six tools as clients see them: names, texts, schemas and annotations.

The definitions are built once and never change while the process lives; no
stored text is ever in them. This module calls nothing: see `server.tools`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import mcp_types as types
from pydantic import BaseModel

from memory_core import model
from memory_core.answers import Credited, LessonLine, NearDuplicate
from memory_core.port import Memory, Method
from server.schemas import Untold, input_schema, output_schema, without

MAX_RESULT_CHARACTERS = 100_000
"""More than the largest answer: 20,000 tokens of recalled text at 4 characters each."""


@dataclass(frozen=True, slots=True)
class ToolText:
    """What a tool is called and says of itself.

    `untold` are the learner's own numbers: they say nothing to a model and stay in the
    port's answer, for commands and measurements. An item's `score` is told, since programs
    that act for a model choose by it; the text leaves it out.
    """

    method: Method[Any, Any]
    title: str
    description: str
    arguments: dict[str, str]
    large: bool = False
    leave_out: tuple[str, ...] = field(default=())
    untold: Untold = field(default_factory=dict)

    def told(self, answer: BaseModel) -> dict[str, Any]:
        """Give the answer as data, without what is untold."""
        told: dict[str, Any] = without(answer.model_dump(mode="json"), self.untold)
        return told


_OF_A_RECALL: Untold = {"weight": {}, "items": {"similarity": {}, "source": {}}}
_OF_A_LESSON: Untold = {"near_duplicates": {"similarity": {}}}
_OF_A_REPORT: Untold = {
    "learning": {"weight": {}, "proof": {}},
    "lessons": {**_OF_A_LESSON, "note": {}, "next": {}},
}

TOOLS: tuple[ToolText, ...] = (
    ToolText(
        method=Memory.recall,
        title="Recall lessons",
        untold=_OF_A_RECALL,
        large=True,
        leave_out=("door",),
        description=(
            "Call first, before you plan or act on a task or subtask. Gives lessons of earlier "
            "work that fit (strategies, pitfalls, facts, with wins and losses) and warnings of "
            "like failures: notes to weigh, not orders. Do what `next` says and keep recall_id "
            "for report_outcome. abstained: nothing fits, go on without."
        ),
        arguments={
            "task": "What you are about to do, in full; read whole, 8,000 characters are kept",
            "context": "What was tried, present state, versions",
            "error": "The error you face, verbatim",
            "project": "Who shares lessons; default: this workspace",
            "session": "One id per conversation",
            "k": "1 to 20, default 3",
            "max_tokens": "Cap of the answer, default 1200",
        },
    ),
    ToolText(
        method=Memory.check,
        title="Check before acting",
        untold=_OF_A_RECALL,
        leave_out=("door",),
        description=(
            "Call right before a risky or unfamiliar action (command, edit, migration), and as "
            "soon as an error appears. Pass action, error or both. Gives what went wrong before "
            "in like conditions and, with an error, each lesson that fits it. Empty: nothing is "
            "known of it."
        ),
        arguments={
            "action": "What you are about to do",
            "error": "The error you got, verbatim",
        },
    ),
    ToolText(
        method=Memory.remember,
        title="Remember a lesson",
        untold=_OF_A_LESSON,
        description=(
            "Store one lesson for later tasks; it is on disk when this returns. Call after "
            "report_outcome, with its outcome_id. One general idea per call: when it applies, "
            "what to do, why. No secrets, no diary. To correct a stored item pass its id as "
            "supersedes."
        ),
        arguments={
            "title": "The lesson in one line",
            "content": "What to do or avoid, and why",
            "description": "When to use it, and when not",
            "kind": "strategy (default): worked; pitfall: failed; fact: holds",
            "task": "Task it came from",
            "evidence": "What proves it: output, test, trace",
            "supersedes": "Id of the item it replaces",
            "outcome_id": "Outcome it was learned from",
        },
    ),
    ToolText(
        method=Memory.report_outcome,
        title="Report an outcome",
        untold=_OF_A_REPORT,
        leave_out=("session", "source"),
        description=(
            "Call when a task or an attempt ends, above all when it failed: recall learns from "
            "nothing else. Say what really happened and pass evidence (exit code, test counts, "
            "log): it outranks opinion. Reporting a recall_id again corrects it. Then do what "
            "`next` says, usually write up to 3 lessons."
        ),
        arguments={
            "outcome": "partial: some of it works; unknown: not verified",
            "recall_id": "From recall or check; else give task",
            "used_ids": "Recalled ids you followed; [] if none",
            "harmful_ids": "Those that misled you",
            "error": "The last error, verbatim",
            "steps": "What you did, in order; 2,000 characters of each are kept",
            "lessons": "At most 3 (5 with attempt_group)",
            "attempt_group": "One id for all attempts of a task",
            "report_id": "Unique id: makes a retry safe",
        },
    ),
    ToolText(
        method=Memory.list_lessons,
        title="List lessons",
        description=(
            "Browse or search what is stored, to review, tidy up or find an id. For a task call "
            "recall."
        ),
        arguments={
            "state": "Default active",
            "sort": "Default recent",
            "limit": "1 to 100, default 20",
            "cursor": "next_cursor of the last page",
        },
        leave_out=("tag", "written_by", "since", "until"),
    ),
    ToolText(
        method=Memory.forget,
        title="Forget a lesson",
        description=(
            "Take a wrong or outdated item out of recall; only the user can bring it back. To "
            "replace it, call remember with supersedes."
        ),
        arguments={"reason": "Why it should not be recalled"},
    ),
)
"""In the order of `tools/list`."""


def _definition(tool: ToolText, told: set[str]) -> types.Tool:
    method = tool.method
    meta: dict[str, Any] = {"anthropic/maxResultSizeChars": MAX_RESULT_CHARACTERS}
    return types.Tool(
        name=method.name,
        title=tool.title,
        description=tool.description,
        input_schema=input_schema(method.request, tool.arguments, tool.leave_out),
        output_schema=output_schema(method.answer, told, tool.untold),
        annotations=types.ToolAnnotations(
            read_only_hint=not method.changes,
            destructive_hint=method.destroys,
            idempotent_hint=method.repeats,
            open_world_hint=False,
        ),
        _meta=meta if tool.large else None,
    )


_PLAIN = (LessonLine, NearDuplicate, Credited)
"""Parts of answers that name no property which earlier ones did not, or that nobody looks up."""


def definitions() -> list[types.Tool]:
    """Give the tools of `tools/list`, the same on every call."""
    told = {str(list(choices)) for choices in (model.KINDS, model.STATES, model.OUTCOMES)}
    told |= {one.__name__ for one in _PLAIN}
    return [_definition(tool, told) for tool in TOOLS]
