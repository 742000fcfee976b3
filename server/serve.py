"""Serves one memory over one transport, and ends cleanly.

The process answers `initialize` before anything heavy is imported; writes
nothing but JSON-RPC to standard output; and leaves within two seconds of the
end of input, SIGTERM or SIGINT, with everything that was acknowledged stored (ten
where it holds a shared store itself, see `server.ending`).
It leaves with `os._exit`: a thread that waits for standard input can be neither
joined nor cancelled. This module knows no tool; `memory_core.bootstrap` makes
the memory.
"""

from __future__ import annotations

import functools
import io
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Literal, NoReturn

import anyio
from mcp.server.stdio import stdio_server

from memory_core.addresses import working_directory
from memory_core.errors import InvalidInput, shown
from memory_core.port import Memory
from memory_core.projects import Located, locate_project
from memory_core.settings import Settings
from server.app import Front
from server.client_sessions import ClientSession
from server.ending import Ending
from server.lines import lines, taken_stdin
from server.stdio_door import Wire
from server.web.options import DoorOptions

logger = logging.getLogger(__name__)

Transport = Literal["stdio", "http", "sse"]
TRANSPORTS: tuple[Transport, ...] = ("stdio", "http", "sse")

OpenMemory = Callable[[Settings], Memory]

_ANSWER_WITHIN = 0.8
"""Seconds that calls under way get to be answered when the process is to end."""


def run(
    transport: str = "stdio",
    options: DoorOptions | None = None,
    *,
    settings: Settings,
    open_memory: OpenMemory | None = None,
) -> NoReturn:
    """Serve until the end of input or a signal, then end the process.

    Args:
        transport: "stdio", "http" (streamable HTTP at /mcp) or "sse" (at /sse).
        options: Of the HTTP doors. The URL is printed to standard error when
            connections are accepted.
        settings: All settings.
        open_memory: Makes the memory, cheaply and without loading anything;
            that of the store's shared host by default.

    Raises:
        InvalidInput: An argument cannot be served; nothing was started.
    """
    if transport not in TRANSPORTS:
        known = ", ".join(TRANSPORTS)
        raise InvalidInput(
            "transport", f"= {shown(transport)} is not known", f"Use one of {known}."
        )
    find = functools.partial(
        locate_project, working_directory(), settings.project, os.environ, settings.store
    )
    located = find()
    settings = replace(settings, project=located.name)
    opened = functools.partial(open_memory or _open_memory, settings)
    if transport == "stdio":
        _log_to_stderr(settings.log_level or "WARNING")
        anyio.run(_serve_stdio, opened, settings, located, find)
    else:
        from server.web.serving import serve_http

        serve_http(transport, (options or DoorOptions()).checked(), settings, opened)
    raise AssertionError("the doors end the process themselves")


def _open_memory(settings: Settings) -> Memory:
    from server.host.client import open_hosted

    return open_hosted(settings)


def _log_to_stderr(level: str) -> None:
    """Send the log to standard error, as UTF-8 whatever the console's code page."""
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    logging.basicConfig(
        stream=sys.stderr, level=level, format="%(levelname)s %(name)s: %(message)s", force=True
    )


def _nothing() -> anyio.AsyncFile[str]:
    """What the SDK reads in place of standard input, which is read here."""
    return anyio.wrap_file(io.StringIO())


async def _serve_stdio(
    opened: Callable[[], Memory],
    settings: Settings,
    located: Located,
    find: Callable[[], Located],
) -> NoReturn:
    ending = Ending()
    front: Front | None = None
    source = taken_stdin()
    async with stdio_server(stdin=_nothing()) as (_, write):
        wire = Wire(write, ending)
        # The SDK has moved the wire away from descriptor 1 by now. What is still
        # printed must not be drained onto it when the SDK moves it back.
        sys.stdout = sys.stderr
        try:
            memory = opened()
            ending.allow_for(memory, settings)
            front = Front(
                memory, session=ClientSession(settings.store, os.environ), located=located
            )
            async with front.running(), anyio.create_task_group() as tasks:
                tasks.start_soon(wire.pump, lines(source), _ANSWER_WITHIN)
                options = front.server.create_initialization_options()
                await front.server.run(wire.incoming, wire, options)
                while wire.begun_again:
                    wire.begun_again = False
                    await front.server.run(wire.incoming, wire, options)
                find()  # once more: there is a store now that remembers the folder
                ending.begin()
        except BaseException as error:  # noqa: BLE001  # logged and turned into the exit code
            await ending.leave(front, error)
        if not wire.at_end:  # a thread still waits for input: the SDK would wait for the thread
            await ending.leave(front)
    await ending.leave(front)
