"""Where a command's memory is, and its question to it: the shared host, or this process.

Light while a host runs and the environment holds no setting but the plain ones.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from itertools import count

from memory_core.folders import user_data_folder
from server.cli.commands import Ask, Command
from server.host.asking import ask_host, key_of
from server.typed import SETTINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from memory_core.settings import Settings

    Tell = Callable[[float, str], None]

MODEL_WAIT = 600.0
"""Seconds that a command waits for the model: nobody wants half an answer here."""


def asker(command: Command, arguments: Namespace, tell: Tell, key: str) -> Ask:
    """Give what makes a command's calls of the shared host; `key` is the command's."""
    numbers = count()

    def ask(method: str, given: dict[str, Any]) -> dict[str, Any]:
        named = arguments.store or os.environ.get("LESSONBANK_STORE", "")
        store, settings = _store(named, arguments)
        return ask_host(
            store,
            method,
            given,
            home=os.environ.get("LESSONBANK_PROJECT", "").strip(),
            source=os.environ.get("LESSONBANK_SOURCE", "").strip() or "local",
            wait=MODEL_WAIT,
            loads=command.loads,
            tell=tell,
            key=key_of(method, key, next(numbers)),
            settings=settings,
        )

    return ask


def _store(value: str, arguments: Namespace) -> tuple[str, Settings | None]:
    """The store's folder; the settings too, where they had to be read as a whole."""
    others = any(name.startswith("LESSONBANK_") and name not in SETTINGS for name in os.environ)
    if not others and (not value or is_plain_folder(value)):
        return value or user_data_folder(), None
    settings = settings_of(arguments)
    return str(settings.store), settings


def is_plain_folder(value: str) -> bool:
    """Whether a folder is written out: nothing in it is to be replaced or understood."""
    marks = ("$", "~", "://", "'", '"')
    return (
        os.path.isabs(value)
        and value.isprintable()
        and value == value.strip()
        and not any(mark in value for mark in marks)
    )


def settings_of(arguments: Namespace) -> Settings:
    """All settings, of the environment and of the options that win over it."""
    from dataclasses import replace

    from memory_core.settings import read_settings, with_store

    settings = read_settings()
    for note in settings.notes if not arguments.store else ():
        sys.stderr.write(f"lessonbank: {note}\n")
    if arguments.store:
        settings = with_store(settings, arguments.store)
        _say_where(arguments.store, settings)
    if arguments.project and arguments.command == "serve":
        settings = replace(settings, project=arguments.project)
    return settings


def _say_where(named: str, settings: Settings) -> None:
    """Say which folder a relative one means where no store is there yet."""
    relative = not os.path.isabs(os.path.expanduser(os.path.expandvars(named)))
    if relative and not settings.remote and not settings.store.exists():
        from memory_core.errors import shown

        where = settings.store.absolute()
        sys.stderr.write(f"lessonbank: --store {shown(named)} is {where}, a new store.\n")
