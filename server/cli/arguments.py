"""The command line: names, help and examples. This module does nothing with them.

Values are not judged here: the port does that, and `server.cli.complaints` puts its sentence
into the words of the command line. Only the parsers that the words name are built, since
all of them take longer than a whole command.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Iterator, Sequence

from memory_core.version import VERSION
from server.cli.item_arguments import add_check, add_edit, add_filters, add_global, add_item
from server.cli.terminal import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

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
_AGAIN = "; may be repeated"


class WrongUsage(Exception):
    """No such command, option or form; `usage` are the lines that show how it is written."""

    def __init__(self, sentence: str, usage: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.usage = sentence, usage


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Told its width: argparse makes one for every argument, and imports a lot to find it."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=min(columns(sys.stdout, 80), 100) - 2)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: object) -> None:
        settings.setdefault("formatter_class", _Formatter)
        super().__init__(**settings)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        if wrong := _WRONG_COMMAND.match(message):
            message = _no_command(wrong[1])
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
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


_WRONG_CHOICE = re.compile(r"argument (\S+): invalid choice: ('.*?') \(choose from (.*)\)")
_NO_NUMBER = re.compile(r"argument (\S+): invalid (?:int|float) value: ('.*')")
_WRONG_COMMAND = re.compile(r"argument COMMAND: invalid choice: '([^']*)'")


def _no_command(word: str) -> str:
    from difflib import get_close_matches

    near = get_close_matches(word, COMMAND_NAMES, 1)
    meant = f"you may mean {near[0]}" if near else f"there are {', '.join(COMMAND_NAMES)}"
    return f"{word!r} is no command; {meant}"


Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives it no public name


def _common(*, top: bool, project: bool = True, in_process: bool = True) -> _Parser:
    """Give the options that stand before or after the command."""
    common = _Parser(add_help=False)
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


def _add_serve(commands: Commands[_Parser]) -> None:
    serve = commands.add_parser(
        "serve",
        parents=[_common(top=False)],
        help="serve the memory over MCP",
        description="Serve the memory over MCP until the end of input, SIGTERM or SIGINT.",
        epilog="examples:\n  lessonbank serve\n  lessonbank serve --transport http --port 8377\n"
        "  lessonbank serve --transport http --host 0.0.0.0 --allowed-host memory.example.org \\\n"
        "    --tls-cert chain.pem --tls-key key.pem",
    )
    # Unset here, so that the defaults are written down once, in server.web.options.
    serve.add_argument("--transport", metavar="WAY", help="stdio (default), http or sse")
    serve.add_argument(
        "--host", metavar="ADDRESS", help="address of http and sse (default 127.0.0.1)"
    )
    serve.add_argument(
        "--port", type=int, metavar="N", help="port of http and sse, 0 for any (default 8377)"
    )
    part = serve.add_mutually_exclusive_group()
    part.add_argument(
        "--follow",
        metavar="URL",
        help="answer from a copy of a shared store (s3://, db://...) that another process writes",
    )
    part.add_argument(
        "--standby",
        action="store_true",
        help="write to the shared store, once the process that does so is gone",
    )
    serve.add_argument(
        "--no-auth",
        dest="auth",
        action="store_false",
        default=None,
        help="ask for no token (on a loopback address only)",
    )
    serve.add_argument(
        "--stateless", action="store_true", default=None, help="http keeps no sessions"
    )
    for name, what in (
        ("host", "a further name that clients may call this server by"),
        ("origin", "a browser page's origin that may call, such as https://app.example.org"),
    ):
        serve.add_argument(
            f"--allowed-{name}",
            dest=f"allowed_{name}s",
            action="append",
            metavar="NAME",
            help=what + _AGAIN,
        )
    serve.add_argument("--tls-cert", metavar="FILE", help="certificate chain (PEM), for https")
    serve.add_argument("--tls-key", metavar="FILE", help="its key, if it is not in the same file")
    serve.add_argument(
        "--rate", type=int, metavar="N", help="requests per minute and token (default 12000)"
    )


def _add_recall(commands: Commands[_Parser]) -> None:
    recall = commands.add_parser(
        "recall",
        parents=[_common(top=False)],
        help="what earlier work says about a task",
        description="Show the items that help most with a task, by what became of them before.",
        epilog='examples:\n  lessonbank recall "parse dates from a CSV"\n'
        '  lessonbank recall "fix the import" --error - < traceback.txt',
    )
    recall.add_argument(
        "task", metavar="TASK", help='what you are about to do ("-": standard input)'
    )
    recall.add_argument("--context", metavar="TEXT", help="what was tried, and the present state")
    recall.add_argument("--error", metavar="TEXT", help="the error text, if there is one")
    recall.add_argument(
        "--kind",
        dest="kinds",
        action="append",
        metavar="KIND",
        help=f"only this kind: strategy, pitfall or fact{_AGAIN}",
    )
    recall.add_argument("--session", metavar="NAME", help="name of the working session")
    recall.add_argument("-k", "--limit", dest="k", metavar="N", help="items at most, 1 to 20 (3)")
    recall.add_argument(
        "--max-tokens", dest="max_tokens", metavar="N", help="size of the answer, from 50 (1200)"
    )
    add_global(recall)


def _add_remember(commands: Commands[_Parser]) -> None:
    remember = commands.add_parser(
        "remember",
        parents=[_common(top=False)],
        help="store a lesson or a fact",
        description="Store one item; it is on disk when the command ends.",
        epilog='example:\n  lessonbank remember "Open Excel CSVs with utf-8-sig" \\\n'
        '    "Excel writes a byte order mark; utf-8-sig takes it off." --task "read a CSV export"',
    )
    remember.add_argument("title", metavar="TITLE", help="one line")
    remember.add_argument("content", metavar="CONTENT", help='the lesson ("-": standard input)')
    remember.add_argument("--description", metavar="TEXT", help="when to use it, and when not")
    remember.add_argument("--kind", metavar="KIND", help="strategy (default), pitfall or fact")
    remember.add_argument("--task", metavar="TEXT", help="the task that it came from")
    remember.add_argument(
        "--tag", dest="tags", action="append", metavar="TAG", help=f"a word to find it by{_AGAIN}"
    )
    remember.add_argument("--evidence", metavar="TEXT", help="what it rests on")
    remember.add_argument("--supersedes", metavar="ID", help="the item that it replaces")
    remember.add_argument("--source", metavar="NAME", help="who says so (LESSONBANK_SOURCE)")
    remember.add_argument(
        "--outcome-id", dest="outcome_id", metavar="ID", help="the outcome it was learned from"
    )
    add_global(remember)


def _add_outcome(commands: Commands[_Parser]) -> None:
    outcome = commands.add_parser(
        "outcome",
        parents=[_common(top=False)],
        help="report how it went",
        description="Report what became of a recall, or of a task; the memory learns from it.",
        epilog="examples:\n  lessonbank outcome success --recall-id rec_... --used item_...\n"
        '  pytest > log.txt; lessonbank outcome failure --task "fix the import" \\\n'
        "    --exit-code $? --log - < log.txt",
    )
    outcome.add_argument("outcome", metavar="OUTCOME", help="success, partial, failure or unknown")
    outcome.add_argument(
        "--recall-id", dest="recall_id", metavar="ID", help="the recall that was followed"
    )
    outcome.add_argument(
        "--last", action="store_true", default=None, help="the recall of this project served last"
    )
    outcome.add_argument("--task", metavar="TEXT", help="the task, when there was no recall")
    for name, what in (("used", "was used"), ("helpful", "helped"), ("harmful", "did harm")):
        outcome.add_argument(
            f"--{name}",
            dest=f"{name}_ids",
            action="append",
            metavar="ID",
            help=f"an item that {what}{_AGAIN}",
        )
    outcome.add_argument("--error", metavar="TEXT", help="the error text")
    for name, what in (
        ("exit-code", "exit code of the program"),
        ("tests-passed", "how many tests passed"),
        ("tests-failed", "how many tests failed"),
    ):
        outcome.add_argument(f"--{name}", metavar="N", help=what)
    outcome.add_argument("--log", metavar="TEXT", help="what the program printed")
    outcome.add_argument(
        "--step",
        dest="steps",
        action="append",
        metavar="TEXT",
        help=f"what was done, in order{_AGAIN}",
    )
    outcome.add_argument("--session", metavar="NAME", help="name of the working session")
    outcome.add_argument("--source", metavar="NAME", help="who reports (LESSONBANK_SOURCE)")
    outcome.add_argument("--attempt-group", metavar="NAME", help="ties attempts of one task")
    outcome.add_argument("--report-id", metavar="ID", help="the same id counts once")


def _add_lessons(commands: Commands[_Parser]) -> None:
    lessons = commands.add_parser(
        "lessons",
        parents=[_common(top=False)],
        help="list what is stored",
        description="List stored items.",
        epilog="examples:\n  lessonbank lessons --sort useful\n"
        '  lessonbank lessons "excel" --kind pitfall --limit 5',
    )
    lessons.add_argument(
        "query",
        nargs="?",
        metavar="QUERY",
        help="only items with these words, or that say much the same",
    )
    lessons.add_argument("--kind", metavar="KIND", help="strategy, pitfall or fact (all)")
    lessons.add_argument("--state", metavar="STATE", help="active (default), retired or archived")
    add_filters(lessons)
    lessons.add_argument("--sort", metavar="ORDER", help="recent (default), wins, losses or useful")
    lessons.add_argument("--limit", metavar="N", help="lines at most, 1 to 100 (20)")
    lessons.add_argument("--cursor", metavar="TEXT", help="next page, as the last page named it")
    add_global(lessons)


def _add_recalls(commands: Commands[_Parser]) -> None:
    recalls = commands.add_parser(
        "recalls",
        parents=[_common(top=False)],
        help="what was served, when, and how it ended",
        description="List what was recalled, checked and put into prompts, newest first, with\n"
        "the items that were served and the outcome, if there is one.",
        epilog="examples:\n  lessonbank recalls --since 2d\n"
        "  lessonbank recalls --open --session main --json",
    )
    recalls.add_argument(
        "--open", action="store_true", default=None, help="only those without an outcome"
    )
    recalls.add_argument("--session", metavar="NAME", help="only those of this working session")
    recalls.add_argument("--since", metavar="WHEN", help="a date, a time, or 12h, 7d, 2w ago")
    recalls.add_argument("--before", metavar="ID", help="only those older than this recall")
    recalls.add_argument("--limit", metavar="N", help="lines at most, 1 to 100 (20)")


def _add_projects(commands: Commands[_Parser]) -> None:
    projects = commands.add_parser(
        "projects",
        parents=[_common(top=False)],
        help="list projects, rename, merge, move items",
        description="List the projects of the store, rename one, put one into another, or move\n"
        "items. Old names keep working. Where a project is asked for, the path of a\n"
        "folder (such as . or ~/shop) means the project of that folder.",
        epilog="examples:\n  lessonbank projects list\n"
        "  lessonbank projects rename shop-1a2b3c4d shop\n"
        "  lessonbank projects merge shop-old shop\n"
        "  lessonbank projects move --from default .\n"
        "  lessonbank projects move --item item_... global",
    )
    actions = projects.add_subparsers(dest="action", metavar="ACTION")
    plain = _common(top=False)
    actions.add_parser(
        "list",
        parents=[plain],
        help="all projects, the fullest first (default)",
        description="List all projects, the fullest first.",
    )
    for name, what in (
        ("rename", "give a project another name"),
        ("merge", "put a project into another one"),
    ):
        one = actions.add_parser(
            name, parents=[plain], help=what, description=f"{what.capitalize()}."
        )
        one.add_argument("old", metavar="PROJECT", help="its present name, or a folder")
        one.add_argument("into", metavar="INTO", help="the name, or a folder")
    move = actions.add_parser(
        "move", parents=[plain], help="move items", description="Move items into a project."
    )
    move.add_argument("into", metavar="INTO", help="the project, or a folder")
    which = move.add_mutually_exclusive_group(required=True)
    which.add_argument("--from", dest="old", metavar="PROJECT", help="all its active items")
    which.add_argument(
        "--item", dest="item_ids", action="append", metavar="ID", help=f"this item{_AGAIN}"
    )


def _add_show(commands: Commands[_Parser]) -> None:
    show = commands.add_parser(
        "show",
        parents=[_common(top=False)],
        help="a whole item and its history",
        description="Show one item in full: its text, where it came from, and every outcome\n"
        "that touched it.",
        epilog="example:\n  lessonbank show item_...",
    )
    add_item(show, "as recall or lessons printed it")


def _add_forget(commands: Commands[_Parser]) -> None:
    forget = commands.add_parser(
        "forget",
        parents=[_common(top=False)],
        help="retire an item (recoverable)",
        description="Retire an item: it is recalled no more. Its text and its record stay, and\n"
        "`lessonbank restore` brings it back.",
        epilog='example:\n  lessonbank forget item_... --reason "Excel 2024 writes no mark"',
    )
    add_item(forget, "as recall or lessons printed it")
    forget.add_argument("--reason", metavar="TEXT", required=True, help="why; kept with the item")
    add_global(forget)


def _add_restore(commands: Commands[_Parser]) -> None:
    restore = commands.add_parser(
        "restore",
        parents=[_common(top=False)],
        help="bring an item back",
        description="Make a retired item active again, with the record that it had.",
        epilog="example:\n  lessonbank restore item_...",
    )
    restore.add_argument("item_id", metavar="ID", help="see lessonbank lessons --state retired")
    restore.add_argument(
        "--reason",
        metavar="TEXT",
        default="restored by command",
        help='why; kept with the item ("restored by command")',
    )
    add_global(restore)


def _add_keeping(name: str) -> Callable[[Commands[_Parser]], None]:
    what, more, in_process = _KEEPING[name]

    def add(commands: Commands[_Parser]) -> None:
        commands.add_parser(
            name,
            parents=[_common(top=False, in_process=in_process)],
            help=what,
            description=f"{what[0].upper()}{what[1:]}.{more}",
        )

    return add


_KEEPING = {
    "stats": (
        "counts, sizes and what the learner knows of itself",
        "\nIt waits until the learner stands at the end of its log.",
        True,
    ),
    "proof": (
        "what learning is worth on your own outcomes",
        "\nIt waits until the learner stands at the end of its log.",
        True,
    ),
    "eval": (
        "replay your log offline and compare scorers; changes nothing",
        "\nIt loads torch and, with a thousand reports, takes minutes.",
        False,
    ),
    "doctor": (
        "check this machine, the model and the store",
        "\nIt loads all libraries and the model, as the first recall does. Changes nothing.",
        False,
    ),
    "reembed": (
        "compute all vectors anew with the model in use",
        "\nFor after a change of LESSONBANK_MODEL; vectors that are right already stay.",
        True,
    ),
    "compact": (
        "merge small files and drop old versions",
        "\nThe memory does so by itself; this does it now.",
        True,
    ),
}


def _add_host(commands: Commands[_Parser]) -> None:
    host = commands.add_parser(
        "host",
        parents=[_common(top=False, project=False, in_process=False)],
        help="the process that holds the memory for all clients",
        description="Show, stop or restart the process that holds a store's memory for all its\n"
        "clients. It is started by the first one that needs it and ends by itself.",
        epilog="examples:\n  lessonbank host status\n  lessonbank host logs --lines 20",
    )
    host.add_argument(
        "action",
        choices=("status", "stop", "restart", "logs"),
        metavar="ACTION",
        help="status, stop, restart or logs",
    )
    host.add_argument("--now", action="store_true", help="stop: kill it, without finishing calls")
    host.add_argument("--lines", type=int, default=50, metavar="N", help="lines of the log (50)")


def _add_token(commands: Commands[_Parser]) -> None:
    token = commands.add_parser(
        "token",
        help="tokens of the HTTP doors: make, list, revoke",
        description="Make, list and revoke the tokens that HTTP and SSE clients must send.",
        epilog="examples:\n  lessonbank token create --name ci --scope write --project shop\n"
        "  lessonbank token list\n  lessonbank token revoke ci",
    )
    actions = token.add_subparsers(dest="action", metavar="ACTION", required=True)
    plain = _common(top=False, project=False, in_process=False)
    create = actions.add_parser(
        "create",
        parents=[plain],
        help="make one; it is shown once",
        description="Make a token and print it, this once: a hash of it is stored.",
    )
    create.add_argument("--name", default="", metavar="NAME", help="under which its holder writes")
    create.add_argument(
        "--scope", default="write", metavar="SCOPE", help="read, write (default) or admin"
    )
    create.add_argument(
        "--project",
        dest="projects",
        action="append",
        default=[],
        metavar="NAME",
        help=f"only this project (all){_AGAIN}",
    )
    create.add_argument(
        "--expires", default="90d", metavar="TIME", help="such as 12h, 90d or never (90d)"
    )
    create.add_argument(
        "--trusted", action="store_true", help="learn its reports in full, without a quota"
    )
    actions.add_parser(
        "list",
        parents=[plain],
        help="all tokens, without their texts",
        description="List all tokens, those that have run out and were revoked too.",
    )
    revoke = actions.add_parser(
        "revoke",
        parents=[plain],
        help="refuse a token from now on",
        description="Refuse a token from now on; running servers hear of it.",
    )
    revoke.add_argument("token", metavar="ID", help="id, or the name where it is the only one")


def _add_install(commands: Commands[_Parser]) -> None:
    install = commands.add_parser(
        "install",
        parents=[_common(top=False, in_process=False)],
        help="set up a client: its configuration, and hooks",
        description="Add lessonbank to a client's configuration; all that is there stays, and a\n"
        "copy is kept beside the file. Claude Code also gets hooks.",
        epilog="clients:\n  claude-code, claude-desktop, cline, codex, continue, copilot-cli,\n"
        "  cursor, gemini-cli, opencode, qwen-code, vscode, windsurf, zed\n\n"
        "examples:\n  lessonbank install claude-code --allow\n"
        "  lessonbank install --all --dry-run\n  lessonbank install cursor --uninstall",
    )
    install.add_argument("client", nargs="?", metavar="CLIENT", help="which client, see below")
    install.add_argument(
        "--all", dest="everywhere", action="store_true", help="every client that is on this machine"
    )
    install.add_argument(
        "--scope", default="user", metavar="SCOPE", help="user (default) or project"
    )
    install.add_argument("--config", default="", metavar="FILE", help="another file of servers")
    install.add_argument(
        "--settings", default="", metavar="FILE", help="another file of Claude Code's hooks"
    )
    install.add_argument(
        "--allow",
        action="store_true",
        help="let the model call the tools without asking each time (default: it asks)",
    )
    install.add_argument("--no-hooks", action="store_true", help="leave Claude Code's hooks out")
    what = install.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="show the change, write nothing")
    what.add_argument("--print", action="store_true", help="print what to paste, write nothing")
    install.add_argument("--uninstall", action="store_true", help="take it out again")


def _add_hook(commands: Commands[_Parser]) -> None:
    hook = commands.add_parser(
        "hook",
        parents=[_common(top=False, in_process=False)],
        help="what a client runs by itself (see install)",
        description="Read a hook's JSON from standard input and answer it; never fails the client.",
    )
    hook.add_argument("client", metavar="CLIENT", help="claude-code")
    hook.add_argument(
        "--max-tokens", dest="max_tokens", metavar="N", help="size of what is added (600)"
    )


def _add_completion(commands: Commands[_Parser]) -> None:
    completion = commands.add_parser(
        "completion",
        help="print what makes your shell complete commands and options",
        description="Print a script for your shell that completes commands and options.",
        epilog="examples:\n  lessonbank completion bash"
        " > ~/.local/share/bash-completion/completions/lessonbank\n"
        '  lessonbank completion zsh > "${fpath[1]}/_lessonbank"\n'
        "  lessonbank completion fish > ~/.config/fish/completions/lessonbank.fish",
    )
    completion.add_argument("shell", choices=SHELLS, metavar="SHELL", help="bash, zsh or fish")


SHELLS = ("bash", "zsh", "fish")

_ADDERS: dict[str, Callable[[Commands[_Parser]], None]] = {
    "serve": _add_serve,
    "recall": _add_recall,
    "check": lambda commands: add_check(commands, _common(top=False)),
    "outcome": _add_outcome,
    "remember": _add_remember,
    "edit": lambda commands: add_edit(commands, _common(top=False)),
    "lessons": _add_lessons,
    "show": _add_show,
    "recalls": _add_recalls,
    "projects": _add_projects,
    "forget": _add_forget,
    "restore": _add_restore,
    **{name: _add_keeping(name) for name in _KEEPING},
    "host": _add_host,
    "token": _add_token,
    "install": _add_install,
    "hook": _add_hook,
    "completion": _add_completion,
}
HOLDS_NONE = frozenset({"host", "token", "install", "hook", "completion", "doctor", "eval"})
"""The commands to which --in-process means nothing."""
COMMAND_NAMES = tuple(_ADDERS)
"""Every command, as the help lists them."""


def parser(words: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """Give the parser of these words; without any, that of every command.

    Args:
        words: The arguments. Of an alias, the word is replaced by its command in place.
    """
    only = _command_of(words) if isinstance(words, list) else ""
    top = _Parser(prog="lessonbank", description=DESCRIPTION, parents=[_common(top=True)])
    top.add_argument("--version", action="version", version=f"lessonbank {VERSION}")
    commands = top.add_subparsers(
        dest="command",
        metavar="COMMAND",
        required=True,
        parser_class=_Parser,
        prog=top.prog,  # else argparse formats a usage to get it, and imports much for that
    )
    for name in (only,) if only else _ADDERS:
        _ADDERS[name](commands)
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
        return words[place] if words[place] in _ADDERS else ""
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
