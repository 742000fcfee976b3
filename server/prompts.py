"""The four prompts: what a user can ask for by name, and how a request becomes a message."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import mcp_types as types
from mcp import MCPError

from memory_core.errors import InvalidInput, shown
from memory_core.vocabulary import fold, says_nothing
from server import prompt_texts
from server.plain import cleaned, sentence
from server.surrogates import refuse_mark

_LONGEST_NAME = 64
_LONGEST = 32_000
"""Characters of one prompt argument."""


@dataclass(frozen=True, slots=True)
class PromptText:
    """A prompt: what clients list of it, and how its arguments become its text."""

    name: str
    title: str
    description: str
    arguments: tuple[types.PromptArgument, ...]
    render: Callable[[Mapping[str, str]], str]


def _argument(name: str, description: str, required: bool = False) -> types.PromptArgument:
    return types.PromptArgument(name=name, description=description, required=required)


_PROJECT = _argument("project", "Who shares the lessons; default: this workspace")

PROMPTS: tuple[PromptText, ...] = (
    PromptText(
        "start_task",
        "Start a task with memory",
        "Do a task the learning way: recall, check at risky steps, verify, report the outcome.",
        (_argument("task", "What is to be done, in full sentences", required=True), _PROJECT),
        prompt_texts.start_task,
    ),
    PromptText(
        "debrief",
        "Debrief a finished task",
        "Look back on a success or a failure, report it with evidence, and keep up to 3 lessons.",
        (
            _argument("outcome", "success, partial, failure or unknown", required=True),
            _argument("recall_id", "The recall_id of the task, if recall was called"),
            _argument("what_happened", "What went well or wrong, in your words"),
        ),
        prompt_texts.debrief,
    ),
    PromptText(
        "contrast_attempts",
        "Contrast several attempts",
        "Compare several attempts at one task and keep what made the difference.",
        (
            _argument("task", "The task that all attempts share", required=True),
            _argument(
                "attempts",
                "What was tried and how each ended; or a number (2 to 10), to make as many now",
                required=True,
            ),
            _argument("attempt_group", "Id that ties them together; default: made from the task"),
        ),
        prompt_texts.contrast_attempts,
    ),
    PromptText(
        "review_memory",
        "Review the memory",
        "Go through what is stored, find what is wrong, doubled or missing, propose changes.",
        (_PROJECT,),
        prompt_texts.review_memory,
    ),
)


def listed() -> list[types.Prompt]:
    """Give the prompts of `prompts/list`, the same on every call."""
    return [
        types.Prompt(
            name=one.name,
            title=one.title,
            description=one.description,
            arguments=list(one.arguments),
        )
        for one in PROMPTS
    ]


def rendered(name: str, arguments: Mapping[str, str] | None) -> types.GetPromptResult:
    """Give a prompt's message.

    Raises:
        MCPError: Invalid params, with one sentence that names the value.
    """
    try:
        prompt = _named(name)
        given = _checked(prompt, arguments or {})
        text = prompt.render(given)
    except InvalidInput as error:
        raise MCPError(types.INVALID_PARAMS, sentence(error)) from None
    message = types.PromptMessage(role="user", content=types.TextContent(type="text", text=text))
    return types.GetPromptResult(description=prompt.description, messages=[message])


def _named(name: str) -> PromptText:
    for prompt in PROMPTS:
        if prompt.name == name:
            return prompt
    known = ", ".join(one.name for one in PROMPTS)
    raise InvalidInput("prompt", f"= {shown(name)} is not known", f"The prompts are: {known}.")


def _checked(prompt: PromptText, arguments: Mapping[str, str]) -> dict[str, str]:
    """Give the arguments cleaned; the first that is wrong ends it."""
    names = [one.name for one in prompt.arguments]
    known = f"It takes: {', '.join(names)}."
    given: dict[str, str] = {}
    for written, value in arguments.items():
        key = written if written in names else fold(written[:_LONGEST_NAME]).replace(" ", "_")
        if key not in names:
            refuse_mark(f"a name in {prompt.name}", written)
            raise InvalidInput(shown(written), f"is no argument of {prompt.name}", known)
        refuse_mark(f"{prompt.name}.{key}", value)
        if len(value) > _LONGEST:
            size = f"has {len(value):,} characters, at most {_LONGEST:,} fit"
            raise InvalidInput(key, size, "Shorten it.")
        if value.strip() and not says_nothing(value):
            given[key] = cleaned(value)
    for one in prompt.arguments:
        if one.required and not given.get(one.name, "").strip():
            again = f"Ask for {prompt.name} again with {one.name}."
            raise InvalidInput(one.name, "is missing or blank", again)
    return given
