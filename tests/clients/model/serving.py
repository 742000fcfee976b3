"""The model behind its address: one process's thread, every client a path of its own."""

from __future__ import annotations

import gzip
import itertools
import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.clients.model import chat, gemini, messages, responses
from tests.clients.model.script import Script
from tests.clients.model.turn import JSON, Answer, Turn

_PATIENCE = 30
_DIALECTS: Mapping[str, ModuleType] = {
    "/chat/completions": chat,
    "/responses": responses,
    "/messages": messages,
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer; `at` is in seconds since the epoch."""

    at: float
    turn: Turn
    answer: Answer


@dataclass(slots=True)
class Model:
    """The scripted model: `play` a script under a label, then read what was `heard`."""

    url: str = ""
    scripts: dict[str, Script] = field(default_factory=dict)
    heard: dict[str, list[Exchange]] = field(default_factory=lambda: defaultdict(list))
    other: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def play(self, label: str, script: Script) -> str:
        """Answer requests below the address that this gives from `script`."""
        self.scripts[label] = script
        return f"{self.url}/{label}"

    async def answer(self, request: Request) -> Response:
        """Answer one request, whatever dialect its path names."""
        label, path = request.path_params["label"], "/" + request.path_params["path"]
        if request.method != "POST" or label not in self.scripts:
            self.other[label].append(f"{request.method} {path}")
            return _listing() if path.endswith("/models") else JSONResponse({}, 404)
        if path.endswith(("/count_tokens", ":countTokens")):
            return JSONResponse({"input_tokens": 1000, "totalTokens": 1000})
        dialect = _dialect(path)
        if dialect is None:
            self.other[label].append(f"POST {path}")
            return JSONResponse({}, 404)
        turn: Turn = dialect.read(await _body(request))
        said = self.scripts[label].next(turn)
        self.heard[label].append(Exchange(time.time(), turn, said))
        key = f"{next(self._numbers):024d}"
        if turn.stream or ":stream" in path:
            return StreamingResponse(
                _sse(dialect.events(turn, said, key)), media_type="text/event-stream"
            )
        return JSONResponse(dialect.whole(turn, said, key))


def _dialect(path: str) -> ModuleType | None:
    if "enerateContent" in path:
        return gemini
    return next((one for end, one in _DIALECTS.items() if path.endswith(end)), None)


async def _body(request: Request) -> JSON:
    raw = await request.body()
    if request.headers.get("content-encoding") == "gzip":
        raw = gzip.decompress(raw)
    body = json.loads(raw or b"{}")
    return body if isinstance(body, dict) else {}


def _listing() -> Response:
    one = {"id": "scripted", "object": "model", "type": "model", "created": 1, "owned_by": "tests"}
    return JSONResponse({"object": "list", "data": [one], "models": [], "has_more": False})


def _sse(events: Iterator[JSON | str]) -> Iterator[str]:
    for event in events:
        if isinstance(event, str):
            yield f"data: {event}\n\n"
            continue
        kind = event.get("type")
        head = f"event: {kind}\n" if kind else ""
        yield f"{head}data: {json.dumps(event)}\n\n"


@contextmanager
def listening() -> Iterator[Model]:
    """Serve a model on a free port of the loopback address until the end of the block."""
    model = Model()
    methods = ["GET", "POST", "HEAD"]
    app = Starlette(routes=[Route("/{label}/{path:path}", model.answer, methods=methods)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, name="scripted-model", daemon=True)
    thread.start()
    deadline = time.monotonic() + _PATIENCE
    while not server.started and thread.is_alive() and time.monotonic() < deadline:
        time.sleep(0.02)
    if not server.started:
        raise SystemExit("the scripted model did not start")
    port = server.servers[0].sockets[0].getsockname()[1]
    model.url = f"http://127.0.0.1:{port}"
    try:
        yield model
    finally:
        server.should_exit = True
        thread.join(_PATIENCE)
