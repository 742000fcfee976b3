"""The command line: names, help and examples. This module does nothing with them.

Values are not judged here: the port does that, and `server.cli.complaints` puts its sentence
into the words of the command line. Only the parsers that the words name are built, since
all of them take longer than a whole command.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence

from memory_core.version import VERSION
from server.cli.parsing import Commands, Parser, WrongUsage, common
from server.cli.showing import named

__all__ = ["WrongUsage", "parser", "stdin_names"]

DESCRIPTION = "A memory for agents that learns from outcomes what to recall."
EXAMPLES = """\
examples:
  lessonbank recall "parse a CSV export from Excel"
  lessonbank outcome failure --recall-id rec_... --exit-code 1 --error - < error.txt
  lessonbank remember "Open Excel CSVs with utf-8-sig" "Excel writes a byte order mark..."
  lessonbank lessons --sort useful
  lessonbank doctor

A "-" reads that value from standard input. An option that may be repeated says so.
Every command explains itself: lessonbank COMMAND --help.

variables (an option wins over them; docs/guide.md lists all):
  LESSONBANK_STORE    the store: a folder, or s3:// gs:// az:// db:// and a place
  LESSONBANK_PROJECT  project of calls that name none (from git, else "default")
  LESSONBANK_SOURCE   who writes (local)
  LESSONBANK_MODEL    folder or hub name of another embedding model
store of a call that names none: {store}

exit codes: 0 well, 1 it failed, 2 wrong usage (a command, an option or a value)"""

ALIASES = {
    "list": "lessons",
    "list_lessons": "lessons",
    "report": "outcome",
    "report_outcome": "outcome",
    "get": "show",
}
"""What a tool or another program calls it, taken for the command; no help names them."""

STDIN_NAMES = ("task", "action", "content", "context", "error", "log", "evidence")
"""Values that may be long: "-" reads them from standard input."""

_ROOMS = {
    "serve": "client_arguments",
    "recall": "work_arguments",
    "check": "work_arguments",
    "outcome": "work_arguments",
    "remember": "item_arguments",
    "edit": "item_arguments",
    "lessons": "item_arguments",
    "show": "item_arguments",
    "recalls": "work_arguments",
    "projects": "keeping_arguments",
    "forget": "item_arguments",
    "restore": "item_arguments",
    **dict.fromkeys(
        ("stats", "proof", "eval", "doctor", "verify", "export", "reembed", "compact"),
        "keeping_arguments",
    ),
    "host": "keeping_arguments",
    "token": "keeping_arguments",
    "install": "client_arguments",
    "hook": "client_arguments",
    "completion": "client_arguments",
}
"""Every command, as the help lists them, and the module that has its arguments."""
HOLDS_NONE = frozenset(
    {"host", "token", "install", "hook", "completion", "doctor", "verify", "export", "eval"}
)
"""The commands to which --in-process means nothing."""
COMMAND_NAMES = tuple(_ROOMS)


def parser(words: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """Give the parser of these words; without any, that of every command.

    Args:
        words: The arguments. Of an alias, the word is replaced by its command in place.
    """
    only = _command_of(words) if isinstance(words, list) else ""
    top = Parser(prog="lessonbank", description=DESCRIPTION, parents=[common(top=True)])
    top.command_names = COMMAND_NAMES
    top.add_argument("--version", action="version", version=f"lessonbank {VERSION}")
    commands = top.add_subparsers(
        dest="command",
        metavar="COMMAND",
        required=True,
        parser_class=Parser,
        prog=top.prog,  # else argparse formats a usage to get it, and imports much for that
    )
    for name in (only,) if only else _ROOMS:
        named(f"{_ROOMS[name]}:add_{name}")(commands)
    if not only:
        top.epilog = EXAMPLES.format(store=_store())
    return top


def _command_of(words: list[str]) -> str:
    """The command among the words, "" where there is none or all of them are asked about."""
    values = False
    for place, word in enumerate(words):
        if values or word.startswith("-"):
            if word in ("-h", "--help", "--version"):
                return ""
            values = not values and word in ("--store", "--project")
            continue
        words[place] = ALIASES.get(word, word)
        return words[place] if words[place] in _ROOMS else ""
    return ""


def _store() -> str:
    """The store of a call that names none, as far as it can be told without reading settings."""
    import os

    from memory_core.folders import user_data_folder

    return os.environ.get("LESSONBANK_STORE") or str(user_data_folder())


def actions_of(command: str) -> Iterator[argparse.Action]:
    """Give every argument and option of a command and of what stands below it."""
    yield from _actions(parser([command]), 2)


def _actions(of: argparse.ArgumentParser, depth: int) -> Iterator[argparse.Action]:
    for action in of._actions:  # noqa: SLF001 - argparse gives its actions no public name
        if isinstance(action, Commands):
            for below in action.choices.values() if depth else ():
                yield from _actions(below, depth - 1)
        else:
            yield action


def stdin_names(arguments: argparse.Namespace) -> Sequence[str]:
    """Give the names of the values that are to be read from standard input."""
    return [name for name in STDIN_NAMES if getattr(arguments, name, None) == "-"]
