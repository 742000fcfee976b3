"""`lessonbank install`: from its arguments to an answer and the way it is shown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from memory_core.errors import InvalidInput
from server.cli import render_apart
from server.cli.terminal import Page
from server.install.answers import AllAnswer, Failed, InstallAnswer
from server.install.clients import CLIENTS, PROJECT, Machine, is_here
from server.install.command import Wish, install, printed
from server.install.invocation import Invocation


def install_all(
    wish: Wish, *, machine: Machine | None = None, invocation: Invocation | None = None
) -> AllAnswer:
    """Install into all that are there, or uninstall; one that fails does not stop the others.

    Raises:
        InvalidInput: A file of one client is named, or the scope is not everybody's.
    """
    for name in ("config", "settings"):
        if getattr(wish, name):
            raise InvalidInput(name, "names a file of one client", "Leave --all out.")
    if wish.scope == PROJECT:
        raise InvalidInput("scope", "= 'project' is of one client", "Leave --all or --scope out.")
    here = machine or Machine.this()
    done: list[InstallAnswer] = []
    failed: list[Failed] = []
    absent: list[str] = []
    for name, client in CLIENTS.items():
        if not is_here(client, here):
            absent.append(name)
            continue
        try:
            done.append(install(replace(wish, client=name), machine=here, invocation=invocation))
        except InvalidInput as error:
            failed.append(Failed(client=name, error=str(error)))
    return AllAnswer(done=tuple(done), failed=tuple(failed), absent=tuple(absent))


Shown = tuple[BaseModel, Callable[[Page, Any], None]]


def run(arguments: argparse.Namespace) -> Shown:
    """Install, uninstall or say what would be done.

    Raises:
        InvalidInput: It cannot be done; then nothing was changed.
    """
    wish = Wish(
        client=arguments.client or "",
        scope=arguments.scope,
        config=arguments.config,
        settings=arguments.settings,
        store=arguments.store or "",
        project=arguments.project or "",
        hooks=not arguments.no_hooks,
        allow=arguments.allow,
        uninstall=arguments.uninstall,
        dry_run=arguments.dry_run,
    )
    if arguments.everywhere == bool(wish.client):
        raise InvalidInput(
            "client",
            "and --all exclude each other" if wish.client else "is missing",
            f"Name one of {', '.join(CLIENTS)}, or pass --all.",
        )
    if arguments.everywhere and arguments.print:
        raise InvalidInput("print", "shows one client", "Name it in place of --all.")
    if arguments.everywhere:
        return install_all(wish), render_apart.everywhere
    if arguments.print:
        return printed(wish), render_apart.snippets
    if _asks(arguments) and _wanted(wish):
        wish = replace(wish, allow=True)
    return install(wish), render_apart.installation


def exit_code(answer: BaseModel) -> int:
    """1 when a client failed."""
    return 1 if isinstance(answer, AllAnswer) and answer.failed else 0


def _asks(arguments: argparse.Namespace) -> bool:
    """Whether a person sits there who has not said what is allowed."""
    said = arguments.allow or arguments.uninstall or arguments.dry_run or arguments.json
    return not said and sys.stdin.isatty() and sys.stdout.isatty()


def _wanted(wish: Wish) -> bool:
    """Ask whether the tools may be called unasked, where that would change anything."""
    plain = install(replace(wish, dry_run=True))
    allowing = install(replace(wish, dry_run=True, allow=True))
    if plain.changes == allowing.changes:
        return False
    title = CLIENTS[wish.client].title
    sys.stdout.write(f"May {title} call lessonbank's tools without asking each time? [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
