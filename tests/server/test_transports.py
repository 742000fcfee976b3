"""Real clients of both eras over every transport, against a real process."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.client.subscriptions import ResourceUpdated

from tests.server.connections import ERAS, TRANSPORTS, client_of, data_of, text_of, until

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.parametrize("era", ERAS),
    pytest.mark.parametrize("transport", TRANSPORTS),
    # the handshake era's own calls are deprecated in the SDK; clients of it still use them
    pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning"),
]


async def test_a_client_can_work_through_the_whole_contract(
    transport: str, era: str, tmp_path: Path, served_url: Callable[[str], str]
) -> None:
    url = "" if transport == "stdio" else served_url(transport)
    heard: list[str] = []
    async with client_of(transport, era, tmp_path, url, heard) as client:
        assert client.protocol_version == ("2025-11-25" if era == "legacy" else era)
        names = [one.name for one in (await client.list_tools()).tools]
        assert names[:2] == ["recall", "check"]
        assert len((await client.list_resources()).resources) == 3
        assert len((await client.list_prompts()).prompts) == 4

        word = f"日本語{era.replace('-', '')}"  # the server of HTTP is shared with other tests
        lesson = {"title": f"{word} lesson", "content": "Ünï\n🧵"}
        stored = data_of(await client.call_tool("remember", lesson))
        recalled = data_of(await client.call_tool("recall", {"query": word}))
        assert recalled["items"][0]["content"] == "Ünï\n🧵"
        report = {
            "recall_id": recalled["recall_id"],
            "outcome": "success",
            "used_ids": stored["id"],
        }
        assert data_of(await client.call_tool("report_outcome", report))["credited"][0]["wins"] == 1

        refused = await client.call_tool("recall", {"task": ""})
        assert refused.is_error
        assert text_of(refused) == "task is blank. Write at least one word."
        odd = await client.call_tool("forget", {"item_id": "\ufdd0", "reason": "r"})
        assert "lone surrogate at position 0" in text_of(odd)
        crashed = await client.call_tool("recall", {"task": "crash with a secret"})
        assert crashed.is_error
        assert "secret" not in text_of(crashed)

        read = await client.read_resource(f"memory://lessons/{stored['id']}")
        assert "Ünï" in str(read.contents)
        with pytest.raises(MCPError, match="item_nowhere"):
            await client.read_resource("memory://lessons/item_nowhere")
        prompt = await client.get_prompt("start_task", {"task": "日本語"})
        assert "日本語" in str(prompt.messages)
        await progress_arrives(client)
        await changes_arrive(client, era, heard)


async def test_calls_that_name_no_session_get_that_of_the_transport(
    transport: str, era: str, tmp_path: Path, served_url: Callable[[str], str]
) -> None:
    url = "" if transport == "stdio" else served_url(transport)
    async with client_of(transport, era, tmp_path, url) as client:
        asked = {"task": "session"}
        told = [data_of(await client.call_tool("recall", asked))["note"] for _ in range(2)]
    assert told[0] == told[1]
    if transport == "stdio":  # one for each process
        assert re.fullmatch(r"front-[0-9a-f]{16}", told[0])
        async with client_of(transport, era, tmp_path, url) as client:
            assert data_of(await client.call_tool("recall", asked))["note"] not in ("", told[0])
    elif (transport, era) == ("http", ERAS[1]):
        assert told[0] == ""  # no session on the wire: the project's own
    else:
        assert told[0].startswith("session_")


async def progress_arrives(client: Client) -> None:
    told: list[Any] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    data_of(await client.call_tool("recall", {"task": "progress 4"}, progress_callback=hear))
    await until(lambda: len(told) == 4)
    assert told[0] == (0.25, 1.0, "step 1")
    assert told[-1] == (1.0, 1.0, "step 4")


async def changes_arrive(client: Client, era: str, heard: list[str]) -> None:
    uri = "memory://stats"
    lesson = {"title": "heard", "content": f"by subscribers of {era}"}
    if era == "legacy":
        await client.subscribe_resource(uri)
        data_of(await client.call_tool("remember", lesson))
        await until(lambda: uri in heard)
        return
    async with client.listen(resource_subscriptions=[uri]) as stream:
        data_of(await client.call_tool("remember", lesson))
        assert await anext(stream) == ResourceUpdated(uri)
