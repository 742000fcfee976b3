from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from memory_core.answers import ListAnswer, OutcomeAnswer, RecallAnswer, RememberAnswer, StateAnswer
from memory_core.port import METHODS
from server.definitions import TOOLS, definitions
from server.instructions import INSTRUCTIONS
from tests.server.connections import ERAS, connected
from tests.server.fake_memory import FakeMemory

ADVERTISED = {
    "recall": "task context error project session kinds k max_tokens",
    "check": "action error project session k",
    "remember": (
        "title content description kind tags task project evidence supersedes source outcome_id"
    ),
    "report_outcome": (
        "outcome recall_id task used_ids helpful_ids harmful_ids error evidence steps lessons "
        "attempt_group report_id project"
    ),
    "list_lessons": "query kind state project sort limit cursor",
    "forget": "item_id reason project",
}
REQUIRED = {
    "recall": ["task"],
    "remember": ["title", "content"],
    "report_outcome": ["outcome"],
    "forget": ["item_id", "reason"],
}
HINTS = {  # read-only, destructive, idempotent, open world
    "recall": (True, False, True, False),
    "check": (True, False, True, False),
    "remember": (False, False, True, False),
    "report_outcome": (False, False, False, False),
    "list_lessons": (True, False, True, False),
    "forget": (False, True, True, False),
}


def wire() -> list[dict[str, Any]]:
    """The definitions as `tools/list` sends them."""
    return [one.model_dump(by_alias=True, mode="json", exclude_none=True) for one in definitions()]


def test_all_definitions_together_stay_under_the_token_limit() -> None:
    characters = len(json.dumps(wire(), separators=(",", ":")))
    assert characters / 4 < 2500


def test_the_tools_and_their_arguments_are_those_of_the_contract() -> None:
    assert {one["name"]: " ".join(one["inputSchema"]["properties"]) for one in wire()} == ADVERTISED
    required = {one["name"]: one["inputSchema"].get("required") for one in wire()}
    assert {name: names for name, names in required.items() if names} == REQUIRED


def test_every_annotation_is_set_and_none_is_left_to_a_default() -> None:
    for tool in wire():
        names = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
        assert tuple(tool["annotations"][name] for name in names) == HINTS[tool["name"]]


def test_what_a_client_is_told_that_a_tool_may_do_is_what_the_table_says() -> None:
    for tool in wire():
        method, told = METHODS[tool["name"]], tool["annotations"]
        assert told["readOnlyHint"] == (not method.changes)
        assert told["destructiveHint"] == method.destroys
        assert told["idempotentHint"] == method.repeats


def test_every_text_for_an_argument_belongs_to_an_argument() -> None:
    for tool in TOOLS:
        assert set(tool.arguments) <= set(tool.method.request.model_fields), tool.method.name


def test_descriptions_and_instructions_fit_what_clients_keep_of_them() -> None:
    assert all(len(tool["description"]) < 2048 for tool in wire())
    assert 500 < len(INSTRUCTIONS) < 2000
    assert len(INSTRUCTIONS.encode()) < 2048


def test_the_instructions_say_when_to_call_each_tool_of_the_loop() -> None:
    places = [INSTRUCTIONS.index(f"{name}(") for name in ("recall", "check", "report_outcome")]
    assert places == sorted(places)


def test_schemas_are_valid_and_say_nothing_twice() -> None:
    for tool in wire():
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(schema)
            text = json.dumps(schema)
            assert '"title": "' not in text
            assert "$ref" not in text


def test_a_client_that_checks_arguments_lets_aliases_through() -> None:
    for tool in wire():
        assert "additionalProperties" not in json.dumps(tool["inputSchema"])


def optional(schema: dict[str, Any], depth: int = 0) -> list[tuple[int, dict[str, Any]]]:
    """Every property that may be absent, at every depth."""
    found = []
    for name, one in schema.get("properties", {}).items():
        if name not in schema.get("required", ()):
            found.append((depth, one))
        found += optional(one.get("items", one), depth + 1)
    return found


def test_schemas_say_of_everything_that_may_be_absent_that_it_may_be_null() -> None:
    for tool in wire():
        for _, one in optional(tool["inputSchema"]):
            null = {"type": "null"} in one.get("anyOf", ())
            assert null != one.get("nullable", False), one


def test_what_has_no_empty_value_may_be_null_where_every_argument_is_required() -> None:
    """Strict schemas have models write something for each; "" and [] say nothing, 0 does."""
    for tool in wire():
        for depth, one in optional(tool["inputSchema"]):
            assert one.get("type") in ("string", "array", "object") or not depth or "anyOf" in one


def test_schemas_have_one_type_each_since_hosts_of_gemini_refuse_lists_of_types() -> None:
    for tool in wire():
        text = json.dumps(tool["inputSchema"])
        assert '"type": [' not in text
        assert '"default"' not in text  # nor do strict schemas take defaults


def test_a_client_that_checks_arguments_lets_through_what_is_moved_into_bounds() -> None:
    for tool in wire():
        for name, value in (("k", 50), ("k", 0), ("limit", 1000), ("max_tokens", 1)):
            if schema := tool["inputSchema"]["properties"].get(name):
                jsonschema.validate(value, schema)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.anyio
async def test_the_list_is_the_same_before_and_after_the_memory_was_used(era: str) -> None:
    async with connected(FakeMemory(), era) as client:
        before = await client.list_tools()
        secret = {"title": "Kumquat lesson", "content": "kumquat"}
        await client.call_tool("remember", secret)
        await client.call_tool("recall", {"task": "kumquat"})
        after = await client.list_tools(cache_mode="bypass")
    assert before.tools == after.tools
    assert "kumquat" not in str(after).lower()


@pytest.mark.anyio
async def test_clients_may_keep_the_lists_for_a_day() -> None:
    async with connected(FakeMemory(), ERAS[1]) as client:
        for listed in (
            await client.list_tools(),
            await client.list_prompts(),
            await client.list_resources(),
            await client.list_resource_templates(),
        ):
            assert listed.ttl_ms == 24 * 3600 * 1000
            assert listed.cache_scope == "public"
        read = await client.read_resource("memory://stats")
        assert (read.ttl_ms, read.cache_scope) == (0, "private")


def test_every_answer_of_the_port_is_described_by_a_schema() -> None:
    answers = {tool.method.answer for tool in TOOLS}
    assert answers == {
        RecallAnswer,
        RememberAnswer,
        OutcomeAnswer,
        ListAnswer,
        StateAnswer,
    }
