"""A real server over a real store, without a model, and what is needed to call it."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx2

from memory_core.shelf import FolderShelf
from server.tokens import FILE, TokenBook
from tests.patience import PATIENCE
from tests.server.connections import MODERN, Announcing

META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}
ACCEPTED = "application/json, text/event-stream"
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


class Server(Announcing):
    """`lessonbank serve` as a process of its own; keyword search answers at once.

    Args:
        folder: Where its store and its log go.
        words: Further words of the command.
        transport: "http" or "sse".
        program: Python to run in place of the command's module.
        port: Of the door, 0 for any.
        more: Further variables of its environment.
    """

    def __init__(
        self,
        folder: Path,
        *words: str,
        transport: str = "http",
        program: str = "",
        port: int = 0,
        **more: str,
    ) -> None:
        self.store = folder / "store"
        self.book = TokenBook(FolderShelf(self.store / FILE), "local")
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("LESSONBANK_")}
        mine = {
            "LESSONBANK_STORE": str(self.store),
            "LESSONBANK_MODEL": "nonexistent",
            "LESSONBANK_PROJECT": "shop",
        }
        started = ["-c", program] if program else ["-m", "server"]
        command = [sys.executable, *started, "serve", "--in-process", "--port", str(port)]
        folder.mkdir(exist_ok=True)
        super().__init__(
            [*command, "--transport", transport, *words],
            {**inherited, **mine, **more},
            folder / "server.log",
        )
        self.root = self.url.rsplit("/", 1)[0]

    def token(self, name: str, scope: str = "admin", *projects: str, **more: Any) -> str:
        """Make a token, and give its text."""
        return self.book.create(name, scope=scope, projects=projects, **more)[1]

    # -- calling -------------------------------------------------------------------

    def http(self, **more: Any) -> httpx2.Client:
        """A client without tokens or proxies."""
        return httpx2.Client(timeout=PATIENCE, trust_env=False, **more)

    def ask(self, token: str, method: str, params: dict[str, Any], name: str = "") -> Any:
        """Send one request of the newer protocol; gives the answer's JSON."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": META}}
        headers = {
            **({"Authorization": f"Bearer {token}"} if token else {}),
            "Accept": ACCEPTED,
            "MCP-Protocol-Version": MODERN,
            "Mcp-Method": method,
            **({"Mcp-Name": name} if name else {}),
        }
        with self.http() as http:
            answer = http.post(self.url, headers=headers, json=body)
        said = answer.text
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            said = next(x for x in said.splitlines() if x.startswith("data: {"))[6:]
        return json.loads(said)

    def call(self, token: str, tool: str, **arguments: Any) -> tuple[bool, Any]:
        """Call a tool; gives whether it went well, and its data or its sentence."""
        params = {"name": tool, "arguments": arguments}
        result = self.ask(token, "tools/call", params, tool)["result"]
        if result["isError"]:
            return False, result["content"][0]["text"]
        return True, result["structuredContent"]

    def read(self, token: str, uri: str) -> tuple[bool, str]:
        """Read a resource; gives whether it went well, and its text or the error's sentence."""
        answer = self.ask(token, "resources/read", {"uri": uri}, uri)
        if "error" in answer:
            return False, answer["error"]["message"]
        return True, answer["result"]["contents"][0]["text"]

    def metrics(self, token: str) -> str:
        """What a scrape with this token shows."""
        with self.http() as http:
            answer = http.get(f"{self.root}/metrics", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
        return answer.text
