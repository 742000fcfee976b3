"""One run of `lessonbank hook CLIENT`: the client's JSON in, its JSON or nothing out.

It never fails the client: whatever goes wrong, the exit code is 0 and standard
output stays empty, since exit code 2 would block a prompt. The reason is in
`hook.log` (see `server.hooks.journal`).

Each recall is asked about once, a session at most once at a stop: one line each in `hook-asked` in
the store's folder. Whoever cannot write it down does
not ask, so that nobody is asked again and again.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from memory_core.addresses import working_directory
from memory_core.projects import DEFAULT_PROJECT, derive_project, locate_project
from memory_core.settings import Settings, read_settings, with_store
from server import client_sessions, line_file
from server.client_process import client_of, runs_server
from server.hooks import claude_code, journal, starting
from server.hooks.texts import outcome_request

ASKED = "hook-asked"


def not_asked(store: Path, names: Sequence[str]) -> list[str]:
    """Give those that were not asked about yet, in their order."""
    known = set(line_file.lines(store / ASKED))
    return [one for one in names if one not in known]


def remember_asked(store: Path, names: Sequence[str]) -> None:
    """Write down that these are asked about now.

    Raises:
        OSError: It cannot be written.
    """
    line_file.append(store / ASKED, names)


WITHIN = 1.5
"""Seconds that a host which is up has for its answer."""
MAX_TOKENS = 600
FEWEST_TOKENS = 150
_MOST_BYTES = 64 * 1024**2
USAGE = (
    "lessonbank hook claude-code reads a hook's JSON from standard input; "
    "`lessonbank install claude-code` sets it up"
)

Ask = Callable[[Path, str, Mapping[str, Any]], dict[str, Any]]
Start = Callable[[Path], None]
Offers = Callable[[], bool]


class BadPayload(Exception):
    """Standard input holds no JSON object."""


@dataclass(frozen=True, slots=True)
class Memory:
    """The store, how its host is asked and started, and whether the model has its tools."""

    store: Path
    ask: Ask
    start: Start
    offers: Offers


@dataclass(slots=True)
class Hook:
    """The run's options: which client, and what wins over the environment."""

    client: str = ""
    store: str = ""
    project: str = ""
    max_tokens: int = MAX_TOKENS


def main(
    argv: Sequence[str],
    *,
    stdin: BinaryIO | None = None,
    stdout: BinaryIO | None = None,
    ask: Ask | None = None,
    start: Start | None = None,
    offers: Offers | None = None,
) -> int:
    """Run the hook; 0 whatever happens.

    Args:
        argv: What stands after `hook`.
        stdin: The payload, the process's own standard input by default.
        stdout: The answer, the process's own standard output by default.
        ask: Asks the host; `server.host.direct.ask` by default.
        start: Starts a host in the background; `server.host.starting.start` by default.
        offers: Whether the client runs our server, so that the model can have its tools; by
            default looked up among the client's processes.
    """
    store: Path | None = None
    event = "?"
    try:
        hook = options(argv)
        source = stdin or sys.stdin.buffer
        if hook.client != client_sessions.CLAUDE_CODE or source.isatty():
            sys.stderr.write(f"{USAGE}\n")
            return 0
        settings = read_settings()
        store = (with_store(settings, hook.store) if hook.store else settings).store
        payload = _payload(source)
        event = claude_code.event_of(payload)
        memory = Memory(store, ask or _asked, start or _started, offers or _offers)
        answer = _answer(hook, settings, payload, memory)
        if answer:
            _write(stdout or sys.stdout.buffer, answer)
    except BaseException as error:  # noqa: BLE001 - nothing may reach the client
        _noted(store, event, error)
    return 0


def options(argv: Sequence[str]) -> Hook:
    """Read the options by hand: argparse alone takes longer than the whole question.

    Raises:
        ValueError: An option that is not known, or has no value.
    """
    hook = Hook()
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if not name.startswith("--"):
            hook.client = word
            continue
        value = value if equals else next(words, "")
        if name == "--store" and value:
            hook.store = value
        elif name == "--project" and value:
            hook.project = value
        elif name == "--max-tokens":
            hook.max_tokens = max(FEWEST_TOKENS, int(value))
        else:
            raise ValueError("unknown option")
    return hook


def _payload(source: BinaryIO) -> dict[str, Any]:
    data = json.loads(source.read(_MOST_BYTES).decode("utf-8", "replace").lstrip("\ufeff"))
    if not isinstance(data, dict):
        raise BadPayload
    return data


def _answer(
    hook: Hook, settings: Settings, payload: dict[str, Any], memory: Memory
) -> dict[str, Any] | None:
    where = {
        "project": _project(payload, hook.project or settings.project, memory.store),
        "session": claude_code.session_of(payload),
    }
    _tell_session(memory.store, where["session"])
    if claude_code.may_ask_for_outcome(payload, os.environ):
        return _asked_at_stop(where, memory)
    question = claude_code.question(payload)
    if question is None:
        return None
    request = {**question.request, **where}
    if question.method == "recall":
        request["max_tokens"] = hook.max_tokens
    try:
        said = memory.ask(memory.store, question.method, request)
    except Exception as error:
        if question.method == "recall" and starting.is_absent(error):
            starting.start_once(memory.store, memory.start)  # the next prompt will have it
        raise
    offers = memory.offers()
    parts = [question.tell(said, hook.max_tokens, offers)]
    if question.method == "recall" and offers:
        parts.append(_asked_at_prompt(where, memory, str(said.get("recall_id"))))
    context = "\n".join(filter(None, parts))
    return claude_code.told(payload["hook_event_name"], context) if context else None


def _tell_session(store: Path, session: str) -> None:
    """Let the client's server know its session; without it a hook does all else as well."""
    client = client_of(os.getpid()) if session else None
    if client is not None:
        with contextlib.suppress(OSError):
            client_sessions.tell(store, client, session)


def _asked_at_stop(where: Mapping[str, str], memory: Memory) -> dict[str, Any] | None:
    """Ask for the outcomes of this session's open recalls, once in a session at most.

    What is asked at a stop costs the person a turn of the model.
    """
    stop = f"stop {where['session']}"
    if not where["session"] or not memory.offers() or not not_asked(memory.store, [stop]):
        return None
    asked = _open_ones(where, memory)
    if not asked:
        return None
    remember_asked(memory.store, [stop, *asked])
    return claude_code.told("Stop", outcome_request(asked))


def _asked_at_prompt(where: Mapping[str, str], memory: Memory, own: str) -> str:
    """Ask for the outcomes of the session's earlier recalls, each of them once; "" for none."""
    try:
        asked = [one for one in _open_ones(where, memory) if one != own]
        if asked:
            remember_asked(memory.store, asked)
    except Exception as error:  # noqa: BLE001 - the recall stands all the same
        _noted(memory.store, "UserPromptSubmit", error)
        return ""
    return outcome_request(asked) if asked else ""


def _open_ones(where: Mapping[str, str], memory: Memory) -> list[str]:
    """The session's open recalls that were not asked about; a check needs no outcome."""
    if not where["session"]:
        return []
    said = memory.ask(memory.store, "recalls", {**where, "open": True})
    found = [str(one["recall_id"]) for one in said.get("recalls") or () if one["door"] != "check"]
    return not_asked(memory.store, found)


def _project(payload: Mapping[str, Any], configured: str, store: Path) -> str:
    """The project of the session's folder, else the one that the client's variable names."""
    cwd = payload.get("cwd")
    folder = Path(cwd) if isinstance(cwd, str) and cwd else working_directory()
    found = derive_project(folder, configured, store)
    if found != DEFAULT_PROJECT:
        return found
    return locate_project(folder, configured, os.environ, store).name


def _asked(store: Path, method: str, request: Mapping[str, Any]) -> dict[str, Any]:
    from server.host import direct

    return direct.ask(store, method, request, within=WITHIN)


def _offers() -> bool:
    """Whether the client runs our server; where its processes cannot be seen, it may."""
    client = client_of(os.getpid())
    return client is None or runs_server(client)


def _started(store: Path) -> None:
    from server.host.starting import start

    start(store)


def _write(stdout: BinaryIO, answer: Mapping[str, Any]) -> None:
    try:
        stdout.write(json.dumps(answer).encode("ascii") + b"\n")
        stdout.flush()
    except OSError:  # the client has gone; nothing may be said about it at exit either
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())
        raise


def _noted(store: Path | None, event: str, error: BaseException) -> None:
    if store is None:
        return
    with contextlib.suppress(Exception):
        journal.note(store, event, journal.reason(error))
