"""Commands that the host carries out as they were typed: parsed, asked and shown as here.

What reads a file, standard input, the terminal or the working directory, and what takes long
enough to tell how far it is, is left to the process where it was typed.
"""

from __future__ import annotations

import io
from argparse import Namespace
from collections.abc import Callable
from functools import partial

from memory_core.errors import InvalidInput, LessonbankError
from memory_core.port import METHODS
from memory_core.settings import read_settings, with_store
from memory_core.version import VERSION
from server.cli import hosting, tokens
from server.cli.arguments import WrongUsage, parser, stdin_names
from server.cli.asking import is_plain_folder
from server.cli.command import complained
from server.cli.commands import COMMANDS, Command, answered
from server.cli.edit import says_what
from server.cli.showing import shown_answer, shown_json
from server.cli.terminal import Screen, wanted_columns
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
    run = _run_of(arguments, typed, ask)
    if run is None or not _is_here(arguments, typed):
        return None
    out, err = _Written(), _Written()
    out.terminal = bool(typed.columns)
    wide = {} if wanted_columns(typed.variables) else {"COLUMNS": typed.columns}
    screen = Screen(out, err, {**typed.variables, **wide})
    try:
        run(screen)
        code = 0
    except LessonbankError as error:
        if isinstance(error, InvalidInput) and error.field == "folder":  # not seen from here
            return None
        code = complained(screen, error, arguments)
    return code, out.getvalue(), err.getvalue()


def _is_here(arguments: Namespace, typed: Typed) -> bool:
    """Whether a command means the store of this host, by a name that says so everywhere."""
    store = arguments.store or typed.variables["LESSONBANK_STORE"]
    return not store or (store == typed.store and is_plain_folder(store))


def _run_of(arguments: Namespace, typed: Typed, ask: Ask) -> Callable[[Screen], None] | None:
    """What a command does here, None where it is not to be done here."""
    action = getattr(arguments, "action", None)
    if arguments.in_process or stdin_names(arguments):
        return None
    if (arguments.command, action) in (("host", "status"), ("host", "logs"), ("token", "list")):
        return partial(_look, arguments, typed.store)
    command = COMMANDS.get(arguments.command)
    if command is None or action not in (None, "list"):  # another may name a folder
        return None
    if METHODS[command.method].upkeep:
        return None
    if command.steps and not says_what(vars(arguments)):
        return None
    return partial(_ask, arguments, command, ask)


def _ask(arguments: Namespace, command: Command, ask: Ask, screen: Screen) -> None:
    answer = answered(command, command.request(arguments), ask, screen.note)
    shown_json(arguments, answer, command.show, screen)


def _look(arguments: Namespace, store: str, screen: Screen) -> None:
    """Show what no question to the memory is needed for."""
    settings = with_store(read_settings(), store)
    if arguments.command == "host":
        host = hosting.ACTIONS[arguments.action](settings, VERSION, arguments)
        shown_answer(arguments, host, hosting.show, screen)
    else:
        listed = tokens.ACTIONS[arguments.action](settings, arguments)
        shown_answer(arguments, listed, tokens.show, screen)
