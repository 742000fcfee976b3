"""Commands that the host carries out as they were typed: parsed, asked and shown as here.

What reads a file, standard input, the terminal or the working directory, and what takes long
enough to tell how far it is, is left to the process where it was typed.
"""

from __future__ import annotations

import io
from argparse import Namespace

from memory_core.errors import InvalidInput, LessonbankError
from server.cli.arguments import WrongUsage, parser, stdin_names
from server.cli.asking import is_plain_folder
from server.cli.command import complained
from server.cli.commands import COMMANDS, Command, answered
from server.cli.edit import says_what
from server.cli.showing import shown_json
from server.cli.terminal import Screen, wanted_columns
from server.host.protocol import METHODS
from server.host.typed import Ask, Said, Typed


class _Written(io.StringIO):
    """What is written for a stream elsewhere, which may be a terminal."""

    terminal = False

    def isatty(self) -> bool:
        return self.terminal


def carried_out(typed: Typed, ask: Ask) -> Said | None:
    """Carry a command out; None, before anything was asked, where it is left to who typed it."""
    words = list(typed.words)
    try:
        arguments = parser(words).parse_args(words)
    except (SystemExit, WrongUsage):
        return None
    command = _command(arguments, typed)
    if command is None:
        return None
    out, err = _Written(), _Written()
    out.terminal = bool(typed.columns)
    wide = {} if wanted_columns(typed.variables) else {"COLUMNS": typed.columns}
    screen = Screen(out, err, {**typed.variables, **wide})
    try:
        answer = answered(command, command.request(arguments), ask, screen.note)
        shown_json(arguments, answer, command.show, screen)
        code = 0
    except LessonbankError as error:
        if isinstance(error, InvalidInput) and error.field == "folder":  # not seen from here
            return None
        code = complained(screen, error, arguments)
    return code, out.getvalue(), err.getvalue()


def _command(arguments: Namespace, typed: Typed) -> Command | None:
    """What arguments mean, where it can be carried out here."""
    command = COMMANDS.get(arguments.command)
    if command is None or arguments.in_process or stdin_names(arguments):
        return None
    store = arguments.store or typed.variables["LESSONBANK_STORE"]
    if store and (store != typed.store or not is_plain_folder(store)):
        return None
    if getattr(arguments, "action", None) not in (None, "list"):  # may name a folder
        return None
    if METHODS[command.method].within is None:
        return None
    return command if not command.steps or says_what(vars(arguments)) else None
