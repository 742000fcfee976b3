from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from mcp import MCPError
from mcp.types import (
    PromptReference,
    ReadResourceResult,
    ResourceTemplateReference,
    TextResourceContents,
)

from memory_core.answers import Mistakes, Stats
from memory_core.errors import StoreUnavailable
from memory_core.port import Change
from memory_core.requests import Empty, MistakesRequest, OutcomeRequest, RememberRequest
from server import completions, resources
from server.resources import uris_of
from tests.server.connections import ERAS, connected, data_of
from tests.server.fake_memory import FakeMemory

pytestmark = pytest.mark.anyio
both_eras = pytest.mark.parametrize("era", ERAS)

LESSON = RememberRequest(title="A lesson", content="first\nsecond", task="its task")


def text_of(result: ReadResourceResult) -> str:
    (content,) = result.contents
    assert isinstance(content, TextResourceContents)
    return content.text


@both_eras
async def test_three_resources_and_two_templates_are_listed(era: str) -> None:
    async with connected(FakeMemory(), era) as client:
        listed = await client.list_resources()
        templates = await client.list_resource_templates()
    assert [one.uri for one in listed.resources] == [
        "memory://mistakes",
        "memory://scorer",
        "memory://stats",
    ]
    assert [one.uri_template for one in templates.resource_templates] == [
        "memory://lessons/{id}",
        "memory://projects/{project}/brief",
    ]
    assert all(one.title and one.description and one.mime_type for one in listed.resources)
    for one in templates.resource_templates:
        assert one.title
        assert one.description
        assert one.mime_type


@both_eras
async def test_each_resource_reads_as_what_the_memory_holds(era: str) -> None:
    memory = FakeMemory()
    async with connected(memory, era) as client:
        stored = await memory.remember(LESSON)
        await memory.report_outcome(
            OutcomeRequest(task="x", outcome="failure", error="E1", used_ids=(stored.id,))
        )

        async def read(uri: str) -> Any:
            return json.loads(text_of(await client.read_resource(uri)))

        whole = await read(f"memory://lessons/{stored.id}")
        assert (whole["content"], whole["losses"]) == ("first\nsecond", 1)
        assert whole["outcomes"][0]["error"] == "E1"
        assert (await read("memory://mistakes"))["clusters"][0]["summary"] == "E1"
        assert (await read("memory://scorer"))["proof"]["sentence"] == "None yet."
        assert (await read("memory://stats"))["projects"] == {"default": 1}
        brief = text_of(await client.read_resource("memory://projects/default/brief"))
        assert "not instructions" in brief.splitlines()[0]
        assert "> - A lesson" in brief


@both_eras
@pytest.mark.parametrize(
    "uri",
    [
        "memory://lessons/item_nowhere",
        "memory://lessons/",
        "memory://lessons/a/b",
        "memory://lessons/%00",
        f"memory://lessons/{'x' * 200}",
        "memory://nothing",
        "file:///etc/passwd",
        "memory://projects/brief",
    ],
)
async def test_an_unknown_resource_is_invalid_params_that_name_it(era: str, uri: str) -> None:
    async with connected(FakeMemory(), era) as client:
        with pytest.raises(MCPError) as refused:
            await client.read_resource(uri)
    assert refused.value.error.code == -32602
    assert refused.value.error.data == {"uri": uri}
    assert uri.rsplit("/", 1)[-1][:20] in refused.value.error.message


@both_eras
async def test_an_item_is_read_by_its_id_whatever_its_project(era: str) -> None:
    memory = FakeMemory()
    async with connected(memory, era) as client:
        stored = await memory.remember(LESSON.model_copy(update={"project": "other"}))
        read = await client.read_resource(f"memory://lessons/{stored.id}")
        assert json.loads(str(read.contents[0].text))["project"] == "other"  # type: ignore[union-attr]


@both_eras
async def test_a_resource_is_found_by_its_uri_as_clients_write_it(era: str) -> None:
    memory = FakeMemory()
    async with connected(memory, era) as client:
        item = (await memory.remember(LESSON)).id
        for form in (
            f"memory://lessons/{item}/",
            f"memory://lessons/{item.upper()}",
            f"Memory://Lessons/{item}?view=1#top",
            f"memory:/lessons/{item}.",
            f"memory://lessons/%22{item}%22",
        ):
            assert LESSON.title in text_of(await client.read_resource(form)), form
        for form in ("memory://Stats/", "memory:///stats", "memory://stats?x=1"):
            assert "projects" in text_of(await client.read_resource(form)), form
        brief = text_of(await client.read_resource("memory://projects/default/brief/"))
        assert "not instructions" in brief


@both_eras
async def test_a_memory_that_cannot_serve_a_resource_says_why(era: str) -> None:
    class Gone(FakeMemory):
        async def _stats(self, request: Empty) -> Stats:
            raise StoreUnavailable("The store is gone. Restore it.")

        async def _mistakes(self, request: MistakesRequest) -> Mistakes:
            raise KeyError(f"a secret of {request.project}")

    async with connected(Gone(), era) as client:
        with pytest.raises(MCPError, match=r"The store is gone\. Restore it\.") as told:
            await client.read_resource("memory://stats")
        assert told.value.error.code == -32603
        with pytest.raises(MCPError, match="server's log") as hidden:
            await client.read_resource("memory://mistakes")
        assert "secret" not in str(hidden.value.error)


class Waiting(FakeMemory):
    """A memory that waits for its store, as a standby does."""

    async def _stats(self, request: Empty) -> Stats:
        await anyio.sleep_forever()
        raise AssertionError("it never wakes up")


@both_eras
async def test_a_resource_that_takes_too_long_is_given_up(
    era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "WITHIN", 0.05)
    async with connected(Waiting(), era) as client:
        with pytest.raises(MCPError, match=r"memory://stats.* took longer") as told:
            await client.read_resource("memory://stats")
        assert told.value.error.code == -32603
        assert text_of(await client.read_resource("memory://scorer"))


@both_eras
async def test_a_resource_that_is_too_large_is_not_sent(
    era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = FakeMemory()
    async with connected(memory, era) as client:
        stored = await memory.remember(LESSON)
        uri = f"memory://lessons/{stored.id}"
        size = len(text_of(await client.read_resource(uri)))
        monkeypatch.setattr(resources, "MOST_RESULT", size)
        assert len(text_of(await client.read_resource(uri))) == size
        monkeypatch.setattr(resources, "MOST_RESULT", size - 1)
        with pytest.raises(MCPError, match=f"has {size:,} characters") as told:
            await client.read_resource(uri)
        assert told.value.error.code == -32603


async def test_a_memory_that_does_not_answer_soon_completes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(completions, "WITHIN", 0.05)
    async with connected(Waiting(), ERAS[0]) as client:
        prompt = PromptReference(type="ref/prompt", name="start_task")
        found = await client.complete(prompt, {"name": "project", "value": ""})
    assert found.completion.values == []


@both_eras
async def test_ids_projects_and_outcomes_are_completed(era: str) -> None:
    memory = FakeMemory()
    async with connected(memory, era) as client:
        stored = await memory.remember(LESSON)
        await memory.remember(LESSON.model_copy(update={"project": "zebra"}))

        async def complete(ref: Any, name: str, value: str) -> list[str]:
            return (await client.complete(ref, {"name": name, "value": value})).completion.values

        lesson = ResourceTemplateReference(type="ref/resource", uri="memory://lessons/{id}")
        assert await complete(lesson, "id", "item_") == [stored.id]
        assert await complete(lesson, "id", "nothing") == []
        prompt = PromptReference(type="ref/prompt", name="debrief")
        assert await complete(prompt, "outcome", "su") == ["success"]
        assert await complete(prompt, "project", "Z") == ["zebra"]
        assert await complete(PromptReference(type="ref/prompt", name="no"), "x", "") == []


async def test_a_memory_that_cannot_answer_completes_nothing() -> None:
    class Gone(FakeMemory):
        async def _stats(self, request: Empty) -> Stats:
            raise StoreUnavailable("gone")

    async with connected(Gone(), ERAS[0]) as client:
        prompt = PromptReference(type="ref/prompt", name="start_task")
        found = await client.complete(prompt, {"name": "project", "value": ""})
    assert found.completion.values == []


def test_changes_name_the_resources_that_they_touch() -> None:
    assert uris_of(Change("item", "item_1")) == ("memory://lessons/item_1",)
    assert uris_of(Change("project", "a")) == ("memory://projects/a/brief",)
    assert uris_of(Change("stats")) == ("memory://stats",)
    assert uris_of(Change("project", "my app/ü")) == (
        "memory://projects/my%20app%2F%C3%BC/brief",
        "memory://projects/my app/ü/brief",
    )


@both_eras
async def test_a_project_with_an_unusual_name_has_a_brief(era: str) -> None:
    memory = FakeMemory()
    async with connected(memory, era) as client:
        stored = await client.call_tool(
            "remember", {"title": "odd", "content": "c", "project": "my app/ü"}
        )
        data_of(stored)
        read = await client.read_resource("memory://projects/my%20app%2F%C3%BC/brief")
    assert "> - odd" in text_of(read)
