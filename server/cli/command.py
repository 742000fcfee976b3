"""From arguments to an exit code.

0: well. 1: an error of the input or the memory, one sentence on standard error
(with --json {"error": ...} on standard output). 2: wrong usage.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO, TextIO

import anyio
from pydantic import BaseModel

from memory_core.addresses import place_of_store
from memory_core.bootstrap import product_version
from memory_core.errors import InvalidInput, LessonbankError, shown
from memory_core.port import Memory
from memory_core.settings import Settings, read_settings, with_store
from server.cli.arguments import parser, stdin_names
from server.cli.commands import COMMANDS, Command
from server.cli.progress import ProgressLine
from server.cli.terminal import Page, as_utf8, say
from server.plain import sentence, visible_json

OpenMemory = Callable[[Settings], Memory]

_MOST_STDIN = 8 * 1024**2
_MODEL_WAIT = 600.0
"""Seconds that a command waits for the model: nobody wants half an answer here."""


def main(
    argv: Sequence[str] | None = None,
    *,
    open_memory: OpenMemory | None = None,
    stdin: BinaryIO | None = None,
) -> int:
    """Run the command and give its exit code.

    Args:
        argv: The arguments, the process's own by default.
        open_memory: Makes the memory; by default that of the store's shared host, with
            `--in-process` one in this process.
        stdin: Where "-" reads from, the process's own by default.
    """
    for stream in (sys.stdout, sys.stderr):
        as_utf8(stream)
    top = parser(product_version())
    try:
        arguments = top.parse_args(argv)
    except SystemExit as asked:  # --help, --version, or wrong usage, already said
        return int(asked.code or 0)
    if arguments.command is None:
        top.print_help(sys.stderr)
        return 2
    if len(stdin_names(arguments)) > 1:
        say(f"lessonbank: only one of {', '.join(stdin_names(arguments))} can be read from -")
        return 2
    usual = _open_in_process if arguments.in_process else _open_hosted
    return _guarded(arguments, open_memory or usual, stdin)


def _open_hosted(settings: Settings) -> Memory:
    from server.host.client import open_hosted

    return open_hosted(settings)


def _open_in_process(settings: Settings) -> Memory:
    from memory_core.bootstrap import open_memory

    return open_memory(settings)


def _guarded(arguments: argparse.Namespace, opened: OpenMemory, stdin: BinaryIO | None) -> int:
    """Run one command; whatever ends it becomes one sentence and an exit code."""
    try:
        return _run(arguments, opened, stdin)
    except LessonbankError as error:
        return _failed(arguments, error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has what it wanted; nothing is left to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _failed(arguments: argparse.Namespace, error: LessonbankError) -> int:
    if arguments.json:
        answer = {"error": sentence(error)}
        if isinstance(error, InvalidInput):
            answer["field"] = error.field
        sys.stdout.write(json.dumps(answer) + "\n")
    else:
        say(f"lessonbank: {sentence(error)}")
    return 1


def _run(arguments: argparse.Namespace, opened: OpenMemory, stdin: BinaryIO | None) -> int:
    settings = _settings(arguments)
    level = settings.log_level or "WARNING"
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    if arguments.command == "serve":
        return _serve(arguments, settings, opened)
    apart = _APART.get(arguments.command)
    if apart is not None:
        return apart(arguments, settings)
    for name in stdin_names(arguments):
        setattr(arguments, name, _read(stdin or sys.stdin.buffer))
    command = COMMANDS[arguments.command](arguments)
    waiting = ProgressLine(sys.stderr)
    patient = dataclasses.replace(settings, model_wait=_MODEL_WAIT)
    try:
        answer = anyio.run(_asked, command, opened, patient, waiting)
    finally:
        waiting.clear()
    _show(arguments, answer, command.show)
    return 0


def _settings(arguments: argparse.Namespace) -> Settings:
    settings = read_settings()
    for note in settings.notes if not arguments.store else ():
        say(f"lessonbank: {note}")
    if arguments.store:
        settings = with_store(settings, arguments.store)
    if arguments.project and arguments.command == "serve":
        settings = dataclasses.replace(settings, project=arguments.project)
    return settings


async def _asked(
    command: Command, opened: OpenMemory, settings: Settings, waiting: ProgressLine
) -> BaseModel:
    memory = opened(settings)
    try:
        if command.needs_model:
            memory.warm()
        return await command.ask(memory, waiting)
    finally:
        with anyio.CancelScope(shield=True):
            await memory.aclose()


def _read(stream: BinaryIO) -> str:
    """Read one value from standard input; bytes that are no UTF-8 become U+FFFD."""
    return stream.read(_MOST_STDIN).decode("utf-8", "replace")


def _show(
    arguments: argparse.Namespace, answer: BaseModel, show: Callable[[Page, Any], None]
) -> None:
    if arguments.json:
        text = visible_json(answer.model_dump_json(indent=2)) + "\n"
    else:
        text = _rendered(answer, show, sys.stdout)
    sys.stdout.write(text)
    sys.stdout.flush()


def _rendered(answer: BaseModel, show: Callable[[Page, Any], None], stream: TextIO) -> str:
    page = Page.fitting(stream)
    show(page, answer)
    return page.text()


def _serve(arguments: argparse.Namespace, settings: Settings, opened: OpenMemory) -> int:
    from server.serve import run
    from server.web.options import DoorOptions

    settings, opened = _part(arguments, settings, opened)
    given: dict[str, Any] = {
        field.name: tuple(value) if isinstance(value, list) else value
        for field in dataclasses.fields(DoorOptions)
        if (value := getattr(arguments, field.name)) is not None
    }
    transport = arguments.transport or "stdio"
    run(transport, DoorOptions(**given), settings=settings, open_memory=opened)


def _part(
    arguments: argparse.Namespace, settings: Settings, opened: OpenMemory
) -> tuple[Settings, OpenMemory]:
    """The settings and the memory of a process that takes its own part in a shared store."""
    if arguments.follow:
        from server.peers.opening import open_replica

        store, remote = place_of_store(arguments.follow, settings.workdir)
        _require_shared("follow", arguments.follow, remote)
        settings = dataclasses.replace(settings, store=store, remote=remote, follow=True)
        return settings, functools.partial(open_replica, kept=bool(settings.workdir))
    if arguments.standby:
        _require_shared("standby", str(settings.store), settings.remote)
        return dataclasses.replace(settings, standby=True), _open_in_process
    return settings, opened


def _require_shared(option: str, store: str, remote: str) -> None:
    if not remote:
        raise InvalidInput(
            option,
            f"needs a shared store, {shown(store)} is a folder",
            "Use s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or db://DATABASE.",
        )


def _host(arguments: argparse.Namespace, settings: Settings) -> int:
    from server.cli import hosting

    answer = hosting.ACTIONS[arguments.action](settings, product_version(), arguments)
    _show(arguments, answer, hosting.show)
    return 1 if arguments.action == "status" and not answer.stage else 0


def _token(arguments: argparse.Namespace, settings: Settings) -> int:
    from server.cli import tokens

    answer = tokens.ACTIONS[arguments.action](settings, arguments)
    _show(arguments, answer, tokens.show)
    return 0


def _doctor(arguments: argparse.Namespace, settings: Settings) -> int:
    from memory_core.doctor import examine
    from server.cli.render import doctor
    from server.web.options import DEFAULT_PORT

    waiting = ProgressLine(sys.stderr)
    try:
        report = examine(settings, DEFAULT_PORT, tell=lambda what: waiting.show(f"checking {what}"))
    finally:
        waiting.clear()
    _show(arguments, report, doctor)
    return 0 if report.ok else 1


def _evaluate(arguments: argparse.Namespace, settings: Settings) -> int:
    from memory_core.bootstrap import evaluate
    from server.cli.render_evaluation import evaluation

    waiting = ProgressLine(sys.stderr)
    try:
        waiting.show("replaying the log")
        answer = evaluate(settings)
    finally:
        waiting.clear()
    _show(arguments, answer, evaluation)
    return 0


def _install(arguments: argparse.Namespace, settings: Settings) -> int:
    from server.cli import render_install
    from server.install.command import Wish, install, printed

    wish = Wish(
        client=arguments.client,
        scope=arguments.scope,
        config=arguments.config,
        settings=arguments.settings,
        store=arguments.store or "",
        project=arguments.project or "",
        hooks=not arguments.no_hooks,
        uninstall=arguments.uninstall,
        dry_run=arguments.dry_run,
    )
    if arguments.print:
        _show(arguments, printed(wish), render_install.snippets)
    else:
        _show(arguments, install(wish), render_install.installation)
    return 0


def _hook(arguments: argparse.Namespace, settings: Settings) -> int:
    """A hook whose options stand before it; `server.__main__` runs all others."""
    from server.hooks.command import main as hook

    given = {
        "--store": arguments.store,
        "--project": arguments.project,
        "--max-tokens": arguments.max_tokens,
    }
    return hook([arguments.client, *(f"{name}={value}" for name, value in given.items() if value)])


_APART: dict[str, Callable[[argparse.Namespace, Settings], int]] = {
    "host": _host,
    "token": _token,
    "doctor": _doctor,
    "eval": _evaluate,
    "install": _install,
    "hook": _hook,
}
"""The commands that ask no memory of their own."""
