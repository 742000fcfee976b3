"""How the command line is parsed and what all of its commands share."""

from __future__ import annotations

import argparse
import re
import sys

from server.cli.terminal import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

AGAIN = "; may be repeated"


class WrongUsage(Exception):
    """No such command, option or form; `usage` are the lines that show how it is written."""

    def __init__(self, sentence: str, usage: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.usage = sentence, usage


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Told its width: argparse makes one for every argument, and imports a lot to find it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=min(columns(sys.stdout, 80), 100) - 2)


class Parser(argparse.ArgumentParser):
    """The parser of the whole, and of every command: what is wrong becomes one sentence."""

    command_names: Sequence[str] = ()
    """Of the parser of the whole: what may be meant by a command that it does not know."""

    def __init__(self, **settings: object) -> None:
        settings.setdefault("formatter_class", _Formatter)
        settings.setdefault("allow_abbrev", False)  # --k would be --kind
        super().__init__(**settings)  # type: ignore[arg-type]

    def add_argument(self, *names: Any, **settings: Any) -> Any:
        """Add an argument; an option is also known by the tools' name of its value, unlisted."""
        action = super().add_argument(*names, **settings)
        if action.option_strings and action.nargs != 0:
            for name in (action.dest, action.dest.replace("_", "-")):
                self._option_string_actions.setdefault(f"--{name}", action)
        return action

    def error(self, message: str) -> NoReturn:
        if wrong := _WRONG_COMMAND.match(message):
            message = _no_command(wrong[1], self.command_names)
        elif wrong := _WRONG_CHOICE.match(message):
            choices = wrong[3].replace("'", "")
            message = f"{wrong[1]} = {wrong[2]} is not known; use one of {choices}"
        elif wrong := _NO_NUMBER.match(message):
            message = f"{wrong[1]} = {wrong[2]} is not valid; pass a number"
        raise WrongUsage(f"{message}. See {self.prog} --help.", self.format_usage())

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse what a command does not know itself: its usage helps, that of the top does not."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._meant(unknown)}")
        return found, unknown

    def _meant(self, unknown: list[str]) -> str:
        """What may have been meant by words that a command does not know, "" for no idea."""
        if unknown[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(unknown[0].partition("=")[0], self._option_string_actions, 1)
            return f"; you may mean {near[0]}" if near else ""
        takes_text = any(action.metavar in _TEXTS for action in self._actions)
        return '; put a text of several words in quotes: "..."' if takes_text else ""


_TEXTS = frozenset({"TASK", "ACTION", "TITLE", "CONTENT", "QUERY", "TEXT"})
"""What the usage calls a value that may have several words."""
_WRONG_CHOICE = re.compile(r"argument (\S+): invalid choice: ('.*?') \(choose from (.*)\)")
_NO_NUMBER = re.compile(r"argument (\S+): invalid (?:int|float) value: ('.*')")
_WRONG_COMMAND = re.compile(r"argument COMMAND: invalid choice: '([^']*)'")


def _no_command(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, known, 1)
    meant = f"you may mean {near[0]}" if near else f"there are {', '.join(known)}"
    return f"{word!r} is no command; {meant}"


Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives it no public name


def common(*, top: bool, project: bool = True, in_process: bool = True) -> Parser:
    """Give the options that stand before or after the command."""
    common = Parser(add_help=False)
    unset = None if top else argparse.SUPPRESS
    off = False if top else argparse.SUPPRESS
    where = "the store: a folder, or s3:// gs:// az:// db:// and a place (LESSONBANK_STORE)"
    common.add_argument("--store", metavar="STORE", default=unset, help=where)
    if project:
        said = "project of this call (LESSONBANK_PROJECT, else from git)"
        common.add_argument("--project", metavar="NAME", default=unset, help=said)
    said = "print the exact answer for programs; an error too"
    common.add_argument("--json", action="store_true", default=off, help=said)
    if in_process:
        said = "hold the memory in this process, without the shared host"
        common.add_argument("--in-process", action="store_true", default=off, help=said)
    return common


def add_global(parser: argparse.ArgumentParser) -> None:
    """Add the option for the items that every project sees."""
    parser.add_argument(
        "--global",
        dest="project",
        action="store_const",
        const="global",
        default=argparse.SUPPRESS,
        help="only what every project sees (--project global)",
    )
