"""From arguments to an exit code.

0: well. 1: it failed. 2: wrong usage, a value that cannot be as well as a command that does
not exist. What went wrong is one sentence on standard error, with --json an object on
standard output. A command that asks the host imports next to nothing: see `server.cli.asking`.
"""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from collections.abc import Sequence

from memory_core.errors import LessonbankError
from server.cli.arguments import HOLDS_NONE, WrongUsage, parser, stdin_names
from server.cli.commands import COMMANDS, answered, command_of
from server.cli.progress import ProgressLine
from server.cli.showing import shown_json
from server.cli.terminal import Screen, as_utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from server.cli.in_process import OpenMemory

_MOST_STDIN = 17 * 1024**2
"""Bytes: what is cut here is more than any argument takes, in every script."""


def main(
    argv: Sequence[str] | None = None,
    *,
    open_memory: OpenMemory | None = None,
    stdin: BinaryIO | None = None,
    key: str = "",
) -> int:
    """Run the command and give its exit code.

    Args:
        argv: The arguments, the process's own by default.
        open_memory: Makes the memory; by default that of the store's shared host, with
            `--in-process` one in this process.
        stdin: Where "-" reads from, the process's own by default.
        key: What the host may know this command by from a first attempt.
    """
    for stream in (sys.stdout, sys.stderr):
        as_utf8(stream)
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = parser(words).parse_args(words)
        if arguments.in_process and arguments.command in HOLDS_NONE:
            raise WrongUsage(f"--in-process means nothing to {arguments.command}. Leave it out.")
        named = stdin_names(arguments)
        if len(named) > 1:
            raise WrongUsage(f"only one of {', '.join(named)} can be read from -.")
    except SystemExit as asked:  # --help and --version have said what was asked
        return int(asked.code or 0)
    except WrongUsage as wrong:
        return told(Screen(), wrong.sentence, "--json" in words, usage=wrong.usage)
    return _guarded(arguments, open_memory, stdin, key or os.urandom(12).hex())


def told(
    screen: Screen,
    sentence: str,
    as_json: bool,
    *,
    code: int = 2,
    usage: str = "",
    field: str = "",
) -> int:
    """Say what went wrong and give the exit code."""
    if as_json:
        import json

        named = {"field": field} if field else {}
        screen.print(json.dumps({"error": sentence, **named}) + "\n")
    else:
        from server.plain import cleaned

        screen.note(f"{usage}lessonbank: {cleaned(sentence)}\n")
    return code


def complained(screen: Screen, error: LessonbankError, arguments: Namespace) -> int:
    """Say in the words of the command line what the memory refused; give the exit code."""
    from server.cli.complaints import complaint

    sentence, code, field = complaint(error, arguments.command)
    return told(screen, sentence, arguments.json, code=code, field=field)


def _guarded(
    arguments: Namespace, opened: OpenMemory | None, stdin: BinaryIO | None, key: str
) -> int:
    """Run one command; whatever ends it becomes one sentence and an exit code."""
    try:
        if arguments.command not in COMMANDS:
            from server.cli.apart import run

            return run(arguments, opened)
        return _run(arguments, opened, stdin, key)
    except LessonbankError as error:
        return complained(Screen(), error, arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader has what it wanted; nothing is left to flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(arguments: Namespace, opened: OpenMemory | None, stdin: BinaryIO | None, key: str) -> int:
    for name in stdin_names(arguments):
        setattr(arguments, name, _read(stdin or sys.stdin.buffer))
    command = command_of(arguments)
    given = command.request(arguments)
    screen = Screen()
    waiting = ProgressLine(sys.stderr)
    try:
        if opened is None and not arguments.in_process:
            from server.cli.asking import asker

            ask = asker(command, arguments, waiting.tell, key)
            answer = answered(command, given, ask, screen.note)
        else:
            from server.cli import in_process
            from server.cli.asking import settings_of

            answer = in_process.ask(
                command,
                given,
                settings_of(arguments),
                opened or in_process.open_here,
                tell=waiting.tell,
                note=screen.note,
            )
    finally:
        waiting.clear()
    shown_json(arguments, answer, command.show, screen)
    return 0


def _read(stream: BinaryIO) -> str:
    """Read one value from standard input; bytes that are no UTF-8 become U+FFFD."""
    return stream.read(_MOST_STDIN).decode("utf-8", "replace")
