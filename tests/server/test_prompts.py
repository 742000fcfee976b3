from __future__ import annotations

import pytest
from mcp import MCPError
from mcp.types import TextContent

from memory_core.requests import RememberRequest
from tests.server.connections import ERAS, connected
from tests.server.fake_memory import FakeMemory

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("era", ERAS)]

ARGUMENTS = {
    "start_task": {"task": True, "project": False},
    "debrief": {"outcome": True, "recall_id": False, "what_happened": False},
    "contrast_attempts": {"task": True, "attempts": True, "attempt_group": False},
    "review_memory": {"project": False},
}
TASK = "Rename the branch,\nthen push it."


async def rendered(era: str, name: str, arguments: dict[str, str]) -> str:
    async with connected(FakeMemory(), era) as client:
        result = await client.get_prompt(name, arguments)
    (message,) = result.messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text


async def test_four_prompts_are_listed_with_texts_for_all_arguments(era: str) -> None:
    async with connected(FakeMemory(), era) as client:
        listed = (await client.list_prompts()).prompts
    found = {
        one.name: {argument.name: bool(argument.required) for argument in one.arguments or []}
        for one in listed
    }
    assert found == ARGUMENTS
    for one in listed:
        assert one.title
        assert one.description
        assert all(argument.description for argument in one.arguments or [])


async def test_start_task_puts_the_loop_around_the_users_words(era: str) -> None:
    text = await rendered(era, "start_task", {"task": TASK, "project": "app"})
    assert TASK in text
    steps = ("call recall", "Plan, then act", "Verify", "report_outcome")
    places = [text.index(word) for word in steps]
    assert places == sorted(places)
    assert 'project="app"' in text
    assert "project=" not in await rendered(era, "start_task", {"task": TASK})


async def test_debrief_asks_differently_after_success_and_failure(era: str) -> None:
    won = await rendered(era, "debrief", {"outcome": "success", "recall_id": "recall_1"})
    lost = await rendered(era, "debrief", {"outcome": "Failure", "what_happened": "it hung"})
    assert "why it worked" in won
    assert 'recall_id="recall_1"' in won
    assert "root cause" in lost
    assert "it hung" in lost
    for text in (won, lost):
        assert "outcome_id" in text
        assert "At most 3" in text or "at most 3" in text


async def test_contrast_takes_attempts_that_were_made_or_asks_for_some(era: str) -> None:
    told = "1: rebased, conflict. 2: merged, worked."
    made = await rendered(era, "contrast_attempts", {"task": TASK, "attempts": told})
    assert told in made
    asked = await rendered(era, "contrast_attempts", {"task": TASK, "attempts": "3"})
    assert "make 3 attempts" in asked
    group = made.split('attempt_group="')[1].split('"')[0]
    assert f'attempt_group="{group}"' in asked
    named = {"task": TASK, "attempts": "3", "attempt_group": "g-7"}
    assert 'attempt_group="g-7"' in await rendered(era, "contrast_attempts", named)


async def test_review_changes_nothing_before_the_user_agrees(era: str) -> None:
    text = await rendered(era, "review_memory", {})
    assert "list_lessons" in text
    assert "before I agree" in text


async def test_no_stored_text_is_in_any_prompt(era: str) -> None:
    memory = FakeMemory()
    async with connected(memory, era) as client:
        await memory.remember(RememberRequest(title="kumquat", content="kumquat"))
        for name, arguments in ARGUMENTS.items():
            given = {key: "success" for key in arguments if key != "project"}
            assert "kumquat" not in str(await client.get_prompt(name, given))


@pytest.mark.parametrize(
    ("name", "arguments", "named"),
    [
        ("start", {"task": "x"}, "'start'"),
        ("start_task", {}, "task is missing"),
        ("start_task", {"task": " "}, "task is missing or blank"),
        ("start_task", {"task": "x", "tsak": "y"}, "'tsak'"),
        ("start_task", {"task": "x" * 32_001}, "32,001"),
        ("debrief", {"outcome": "great"}, "'great'"),
        ("contrast_attempts", {"task": "x", "attempts": "1"}, "'1'"),
        ("contrast_attempts", {"task": "x", "attempts": "99999999999"}, "'99999999999'"),
    ],
)
async def test_bad_arguments_are_invalid_params_that_name_them(
    era: str, name: str, arguments: dict[str, str], named: str
) -> None:
    async with connected(FakeMemory(), era) as client:
        with pytest.raises(MCPError) as refused:
            await client.get_prompt(name, arguments)
    assert refused.value.error.code == -32602
    assert named in refused.value.error.message


async def test_arguments_are_read_as_those_of_tools(era: str) -> None:
    """Names in other spellings, words for nothing, plain words, ids in what refers to them."""
    recall_id = f"rec_{1:028x}"
    given = {"Outcome": "completed", "recallId": f"`{recall_id}`.", "whatHappened": "None"}
    won = await rendered(era, "debrief", given)
    assert "Its outcome was: success." in won
    assert f'recall_id="{recall_id}"' in won
    assert "in the user's words" not in won
    for nothing in ("null", "None", "", " undefined "):
        text = await rendered(era, "start_task", {"task": TASK, "project": nothing})
        assert "project=" not in text
