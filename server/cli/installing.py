"""`lessonbank install`: from its arguments to an answer and the way it is shown."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from memory_core.errors import InvalidInput
from server.cli import render_install
from server.cli.terminal import Page
from server.install.answers import AllAnswer
from server.install.clients import CLIENTS
from server.install.command import Wish, install, printed
from server.install.everywhere import install_all

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
        return install_all(wish), render_install.everywhere
    if arguments.print:
        return printed(wish), render_install.snippets
    if _asks(arguments) and _wanted(wish):
        wish = replace(wish, allow=True)
    return install(wish), render_install.installation


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
