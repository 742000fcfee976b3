"""What clients and models really send, at the HTTP doors over a real store: nothing is lost."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from tests.patience import PATIENCE
from tests.server.connections import data_of, text_of
from tests.server.web.served import Server

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning"),
]
LESSON = {"title": "Strip the mark", "content": "Open it with utf-8-sig."}


@pytest.fixture(scope="module", params=["http", "sse"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    with Server(folder, transport=request.param) as server:
        yield server


@asynccontextmanager
async def calling(server: Server, token: str) -> AsyncIterator[Client]:
    """A client of the handshake era with a token, over the server's own transport."""
    headers = {"Authorization": f"Bearer {token}"}
    async with AsyncExitStack() as stack:
        way: Any
        if server.url.endswith("/sse"):
            way = sse_client(server.url, headers=headers)
        else:
            http = httpx2.AsyncClient(headers=headers, timeout=PATIENCE, trust_env=False)
            await stack.enter_async_context(http)
            way = streamable_http_client(server.url, http_client=http)
        client = await stack.enter_async_context(Client(way, mode="legacy"))
        with anyio.fail_after(PATIENCE):
            yield client


async def called(client: Client, name: str, **arguments: Any) -> dict[str, Any]:
    return data_of(await client.call_tool(name, arguments))


async def item_of(client: Client, item_id: str) -> dict[str, Any]:
    read = await client.read_resource(f"memory://lessons/{item_id}")
    found: dict[str, Any] = json.loads(str(read.contents[0].text))  # type: ignore[union-attr]
    return found


async def test_ids_of_another_project_are_taken(server: Server) -> None:
    """The id decides, as over stdio: report, lesson of the outcome, resource, forget."""
    async with calling(server, server.token("of two", "admin", "shop", "lab")) as client:
        stored = await called(client, "remember", **LESSON, project="lab")
        served = await called(client, "recall", task="strip the mark", project="lab")
        report = await called(
            client, "report_outcome", recall_id=f"`{served['recall_id']}`.", outcome="passed"
        )
        learned = await called(
            client, "remember", title="Of it", content="c", outcome_id=report["outcome_id"]
        )
        better = await called(
            client, "remember", title="Strip marks", content="c", supersedes=stored["id"]
        )
        for one in (report, learned, better):
            assert "'lab'" in one["note"]
        assert (await item_of(client, learned["id"]))["project"] == "lab"
        assert (await item_of(client, better["id"]))["project"] == "lab"
        gone = await called(client, "forget", item_id=better["id"], reason="r")
        assert gone["state"] == "retired"


async def test_ids_outside_of_a_tokens_projects_are_ids_that_nobody_gave(server: Server) -> None:
    async with calling(server, server.token("of lab", "admin", "lab")) as client:
        stored = await called(client, "remember", title="Of lab only", content="c")
        served = await called(client, "recall", task="of lab only")
    async with calling(server, server.token("of shop", "admin", "shop")) as client:
        for name, arguments in (
            ("forget", {"item_id": stored["id"], "reason": "r"}),
            ("remember", {**LESSON, "supersedes": stored["id"]}),
            ("report_outcome", {"recall_id": served["recall_id"], "outcome": "success"}),
            ("remember", {**LESSON, "outcome_id": served["recall_id"]}),
        ):
            said = await client.call_tool(name, arguments)
            assert said.is_error
            assert "known here" in text_of(said)


@pytest.mark.parametrize(
    "evidence",
    [
        {"exit_code": 1, "tests_passed": None, "tests_failed": None, "log": None},
        "{'exit_code': 1, 'tests_passed': None}",
        '```json\n{"exit_code": "1"}\n```',
        [{"exit_code": 0}, {"exit_code": 1, "log": None}],
    ],
    ids=["nulls", "python", "fence", "several"],
)
async def test_a_report_full_of_habits_arrives_whole(server: Server, evidence: Any) -> None:
    async with calling(server, server.token(f"habits {evidence!r:.20}", "write")) as client:
        served = await called(client, "recall", task="strip the mark", sessionId="s", kinds=None)
        assert "sessionId" in served["note"]
        report = await called(
            client,
            "report_outcome",
            recall_id=served["recall_id"],
            outcome="Completed",
            evidence=evidence,
            steps=["a", None],
            used_ids=None,
            error="None",
            lessons=[
                {**LESSON, "title": f"{evidence!r:.30}", "kind": None, "tags": "['x', 'y']"},
                None,
            ],
            reasoning="because",
        )
        assert report["judged"]["outcome"] == "failure"
        assert "exit code 1" in report["judged"]["why"]
        (lesson,) = report["lessons"]
        assert (await item_of(client, lesson["id"]))["tags"] == ["x", "y"]


async def test_a_token_writes_under_its_own_name_whatever_it_claims(server: Server) -> None:
    """In `remember`, in a report and in its lessons."""
    name = "true name"
    async with calling(server, server.token(name, "write")) as client:
        for number, claimed in enumerate(("owner", "system", "oauth:admin", "of two", "claimed:x")):
            lesson = {"title": f"claim {number}", "content": "c"}
            stored = await called(client, "remember", **lesson, source=claimed)
            assert (await item_of(client, stored["id"]))["source"] == name
            report = await called(
                client,
                "report_outcome",
                task=f"claim {number}",
                outcome="success",
                source=claimed,
                lessons=[{"title": f"of claim {number}", "content": "c"}],
            )
            (lesson_of_it,) = report["lessons"]
            assert (await item_of(client, lesson_of_it["id"]))["source"] == name
