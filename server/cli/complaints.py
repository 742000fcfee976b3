"""The memory's sentences about a wrong value, in the words of the command line."""

from __future__ import annotations

import re
from argparse import Action
from collections.abc import Iterator

from memory_core.errors import (
    InvalidInput,
    LessonbankError,
    UnknownItem,
    UnknownRecall,
    UnusableFile,
)
from server.cli.arguments import actions_of
from server.plain import sentence

_COMMANDS = {
    "list_lessons": "lessons",
    "report_outcome": "outcome",
    "report with task": "report with --task",
    "Pass next_cursor": "Pass what the last page named,",
}
"""Words of the tools, and what the commands say for them."""
_LAST = {
    "Call again with ID.": "Pass one that recall or lessons printed, or --last for the newest.",
    "returned, or the --task.": "returned, --last for the newest recall, or the --task.",
}
"""What a command with --last says besides where no id is given."""


def complaint(error: LessonbankError, command: str) -> tuple[str, int, str]:
    """Give the sentence, the exit code and the option (or "") that an error is about.

    2 is the code of a value that cannot be, as of every wrong usage; 1 of what failed, such
    as an id that nothing has.
    """
    text = sentence(error)
    if not isinstance(error, InvalidInput):
        return _with_commands(text), 1, ""
    code = 1 if isinstance(error, UnknownItem | UnknownRecall | UnusableFile) else 2
    names = dict(_names(command))
    if "old" in names:  # `projects`, whose option of this name says only where the call is from
        names["project"] = "PROJECT"
    option = next(
        (names[part] for part in reversed(error.field.split(".")) if part in names), error.field
    )
    about_several = not text.startswith(error.field)
    text = option + text[len(error.field) :] if not about_several else text
    for name, written in names.items():
        if "_" in name or about_several:
            text = re.sub(rf"(?<![\w-]){name}\b", written, text)
    for said, more in _LAST.items() if "last" in names else ():
        text = text.replace(said, more)
    return _with_commands(text), code, "" if about_several else option


def _names(command: str) -> Iterator[tuple[str, str]]:
    """The port's name of every argument of a command, and how it is written."""
    for action in actions_of(command):
        written = _written(action)
        yield action.dest, written
        if "-" in (name := written.lstrip("-")):
            yield name.replace("-", "_"), written


def _written(action: Action) -> str:
    """The long option, else what stands in the usage for a word."""
    return max(action.option_strings, key=len, default="") or str(action.metavar or action.dest)


def _with_commands(text: str) -> str:
    for tool, command in _COMMANDS.items():
        text = text.replace(tool, command)
    return text
