"""The command line: names, help and examples. This module does nothing with them.

Values are not judged here: the port does that, so that a wrong value gets the
same sentence as in a tool. Only a wrong command or option is a usage error.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

DESCRIPTION = "A memory for agents that learns from outcomes what to recall."
EXAMPLES = """\
examples:
  lessonbank serve
  lessonbank recall "parse a CSV export from Excel"
  lessonbank outcome failure --recall-id rec_... --exit-code 1 --error - < error.txt
  lessonbank remember "Open Excel CSVs with utf-8-sig" "Excel writes a byte order mark..."
  lessonbank lessons --sort useful
  lessonbank doctor

A "-" reads that value from standard input. Settings come from LESSONBANK_*
variables; --store and --project win over them.
exit codes: 0 well, 1 an error of the input or the memory, 2 wrong usage."""

STDIN_NAMES = ("task", "content", "context", "error", "log", "evidence")
"""Values that may be long: "-" reads them from standard input."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, **settings: object) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**settings)  # type: ignore[arg-type]


def _common(*, top: bool, project: bool = True) -> _Parser:
    """Give the options that stand before or after the command."""
    common = _Parser(add_help=False)
    unset = None if top else argparse.SUPPRESS
    where = "folder or URL (s3://, gs://, az://, db://) of the store"
    common.add_argument("--store", metavar="STORE", default=unset, help=where)
    if project:
        common.add_argument("--project", metavar="NAME", default=unset, help="project of this call")
    common.add_argument(
        "--json",
        action="store_true",
        default=False if top else argparse.SUPPRESS,
        help="print the exact answer for programs",
    )
    common.add_argument(
        "--in-process",
        action="store_true",
        default=False if top else argparse.SUPPRESS,
        help="hold the memory in this process, without the shared host",
    )
    return common


def _add_serve(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    serve = commands.add_parser(
        "serve",
        parents=[common],
        help="serve the memory over MCP",
        description="Serve the memory over MCP until the end of input, SIGTERM or SIGINT.",
        epilog="examples:\n  lessonbank serve\n  lessonbank serve --transport http --port 8377\n"
        "  lessonbank serve --transport http --host 0.0.0.0 --allowed-host memory.example.org \\\n"
        "    --tls-cert chain.pem --tls-key key.pem",
    )
    # Unset here, so that the defaults are written down once, in server.web.options.
    serve.add_argument("--transport", help="stdio (default), http or sse")
    serve.add_argument("--host", help="address of http and sse (default 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port of http and sse, 0 for any (default 8377)")
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
            f"--allowed-{name}", dest=f"allowed_{name}s", action="append", metavar="NAME", help=what
        )
    serve.add_argument("--tls-cert", metavar="FILE", help="certificate chain (PEM), for https")
    serve.add_argument("--tls-key", metavar="FILE", help="its key, if it is not in the same file")
    serve.add_argument("--rate", type=int, help="requests per minute and token (default 12000)")


def _add_recall(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    recall = commands.add_parser(
        "recall",
        parents=[common],
        help="what earlier work says about a task",
        description="Show the items that help most with a task, by what became of them before.",
        epilog='examples:\n  lessonbank recall "parse dates from a CSV"\n'
        '  lessonbank recall "fix the import" --error - < traceback.txt',
    )
    recall.add_argument("task", help='what you are about to do ("-": standard input)')
    recall.add_argument("--context", help="what was tried, and the present state")
    recall.add_argument("--error", help="the error text, if there is one")
    recall.add_argument(
        "--kind", dest="kinds", action="append", metavar="KIND", help="only this kind"
    )
    recall.add_argument("--session", help="name of the working session")
    recall.add_argument("-k", "--limit", dest="k", help="items at most, 1 to 20 (3)")
    recall.add_argument("--max-tokens", dest="max_tokens", help="size of the answer (1200)")


def _add_remember(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    remember = commands.add_parser(
        "remember",
        parents=[common],
        help="store a lesson or a fact",
        description="Store one item; it is on disk when the command ends.",
        epilog='example:\n  lessonbank remember "Open Excel CSVs with utf-8-sig" '
        '"Excel writes a byte order mark; utf-8-sig takes it off." --task "read a CSV export"',
    )
    remember.add_argument("title", help="one line")
    remember.add_argument("content", help='the lesson ("-": standard input)')
    remember.add_argument("--description", help="when to use it, and when not")
    remember.add_argument("--kind", help="strategy (default), pitfall or fact")
    remember.add_argument("--task", help="the task that it came from")
    remember.add_argument("--tag", dest="tags", action="append", help="may be given several times")
    remember.add_argument("--evidence", help="what it rests on")
    remember.add_argument("--supersedes", metavar="ID", help="the item that it replaces")
    remember.add_argument("--source", help="who says so")
    remember.add_argument("--outcome-id", dest="outcome_id", help="the outcome it was learned from")


def _add_outcome(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    outcome = commands.add_parser(
        "outcome",
        parents=[common],
        help="report how it went",
        description="Report what became of a recall, or of a task; the memory learns from it.",
        epilog="examples:\n  lessonbank outcome success --recall-id rec_... --used item_...\n"
        '  pytest > log.txt; lessonbank outcome failure --task "fix the import" '
        "--exit-code $? --log - < log.txt",
    )
    outcome.add_argument("outcome", help="success, partial, failure or unknown")
    outcome.add_argument("--recall-id", dest="recall_id", help="the recall that was followed")
    outcome.add_argument("--task", help="the task, when there was no recall")
    for name, what in (("used", "was used"), ("helpful", "helped"), ("harmful", "did harm")):
        outcome.add_argument(
            f"--{name}",
            dest=f"{name}_ids",
            action="append",
            metavar="ID",
            help=f"an item that {what}",
        )
    outcome.add_argument("--error", help="the error text")
    outcome.add_argument("--exit-code", dest="exit_code", help="exit code of the program")
    outcome.add_argument("--tests-passed", dest="tests_passed", help="how many tests passed")
    outcome.add_argument("--tests-failed", dest="tests_failed", help="how many tests failed")
    outcome.add_argument("--log", help="what the program printed")
    outcome.add_argument("--step", dest="steps", action="append", help="what was done, in order")
    outcome.add_argument("--session", help="name of the working session")
    outcome.add_argument("--source", help="who reports")
    outcome.add_argument("--attempt-group", dest="attempt_group", help="ties attempts of one task")
    outcome.add_argument("--report-id", dest="report_id", help="the same id counts once")


def _add_lessons(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    lessons = commands.add_parser(
        "lessons", parents=[common], help="list what is stored", description="List stored items."
    )
    lessons.add_argument("query", nargs="?", help="only items that match")
    lessons.add_argument("--kind", help="strategy, pitfall or fact")
    lessons.add_argument("--state", help="active (default), retired or archived")
    lessons.add_argument("--sort", help="recent (default), wins, losses or useful")
    lessons.add_argument("--limit", help="lines at most, 1 to 100 (20)")
    lessons.add_argument("--cursor", help="next page, as the last page named it")


def _add_recalls(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    recalls = commands.add_parser(
        "recalls",
        parents=[common],
        help="recalls that have no outcome yet",
        description="List the recalls that have no outcome yet, newest first.",
        epilog="examples:\n  lessonbank recalls\n  lessonbank recalls --open --session main --json",
    )
    recalls.add_argument(
        "--open", action="store_true", default=None, help="those without an outcome (default)"
    )
    recalls.add_argument("--session", help="only those of this working session")
    recalls.add_argument("--limit", help="lines at most, 1 to 100 (20)")


def _add_keeping(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    show = commands.add_parser("show", parents=[common], help="a whole item and its history")
    show.add_argument("item_id", metavar="ID")
    forget = commands.add_parser("forget", parents=[common], help="retire an item (recoverable)")
    forget.add_argument("item_id", metavar="ID")
    forget.add_argument("--reason", required=True, help="why; kept with the item")
    restore = commands.add_parser("restore", parents=[common], help="bring an item back")
    restore.add_argument("item_id", metavar="ID")
    restore.add_argument("--reason", default="restored by command", help="why; kept with the item")
    for name, what in (
        ("stats", "counts, sizes and what the learner knows of itself"),
        ("proof", "what learning is worth on your own outcomes"),
        ("eval", "replay your log offline and compare scorers; changes nothing"),
        ("doctor", "check this machine, the model and the store"),
        ("reembed", "compute all vectors anew with the model in use"),
        ("compact", "merge small files and drop old versions"),
    ):
        commands.add_parser(name, parents=[common], help=what, description=f"{what.capitalize()}.")


def _add_host(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    host = commands.add_parser(
        "host",
        parents=[common],
        help="the process that holds the memory for all clients",
        description="Show, stop or restart the process that holds a store's memory for all its\n"
        "clients. It is started by the first one that needs it and ends by itself.",
        epilog="examples:\n  lessonbank host status\n  lessonbank host logs --lines 20",
    )
    host.add_argument("action", choices=("status", "stop", "restart", "logs"))
    host.add_argument("--now", action="store_true", help="stop: kill it, without finishing calls")
    host.add_argument("--lines", type=int, default=50, help="lines of the log (50)")


def _add_token(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    token = commands.add_parser(
        "token",
        help="tokens of the HTTP doors: make, list, revoke",
        description="Make, list and revoke the tokens that HTTP and SSE clients must send.",
        epilog="examples:\n  lessonbank token create --name ci --scope write --project shop\n"
        "  lessonbank token list\n  lessonbank token revoke ci",
    )
    actions = token.add_subparsers(dest="action", metavar="ACTION", required=True)
    plain = _common(top=False, project=False)
    create = actions.add_parser("create", parents=[plain], help="make one; it is shown once")
    create.add_argument("--name", default="", help="under which its holder writes")
    create.add_argument("--scope", default="write", help="read, write (default) or admin")
    create.add_argument(
        "--project",
        dest="projects",
        action="append",
        default=[],
        metavar="NAME",
        help="only this project; may be given several times (default: all)",
    )
    create.add_argument("--expires", default="90d", help="such as 12h, 90d or never (90d)")
    create.add_argument(
        "--trusted", action="store_true", help="learn its reports in full, without a quota"
    )
    actions.add_parser("list", parents=[plain], help="all tokens, without their texts")
    revoke = actions.add_parser("revoke", parents=[plain], help="refuse a token from now on")
    revoke.add_argument("token", metavar="ID", help="id, or the name where it is the only one")


def _add_install(commands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    install = commands.add_parser(
        "install",
        parents=[common],
        help="set up a client: its configuration, and hooks",
        description="Add lessonbank to a client's configuration; all that is there stays, and a\n"
        "copy is kept beside the file. Claude Code also gets hooks.",
        epilog="examples:\n  lessonbank install claude-code\n"
        "  lessonbank install vscode --dry-run\n  lessonbank install cursor --uninstall",
    )
    install.add_argument("client", help="claude-code, claude-desktop, cursor, vscode or windsurf")
    install.add_argument("--scope", default="user", help="user (default) or project")
    install.add_argument("--config", default="", metavar="FILE", help="another file of servers")
    install.add_argument(
        "--settings", default="", metavar="FILE", help="another file of Claude Code's hooks"
    )
    install.add_argument("--no-hooks", action="store_true", help="leave Claude Code's hooks out")
    what = install.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="show the change, write nothing")
    what.add_argument("--print", action="store_true", help="print what to paste, write nothing")
    install.add_argument("--uninstall", action="store_true", help="take it out again")
    hook = commands.add_parser(
        "hook",
        parents=[common],
        help="what a client runs by itself (see install)",
        description="Read a hook's JSON from standard input and answer it; never fails the client.",
    )
    hook.add_argument("client", help="claude-code")
    hook.add_argument("--max-tokens", dest="max_tokens", help="size of what is added (600)")


def parser(version: str) -> argparse.ArgumentParser:
    """Give the parser of the whole command."""
    top = _Parser(
        prog="lessonbank", description=DESCRIPTION, epilog=EXAMPLES, parents=[_common(top=True)]
    )
    top.add_argument("--version", action="version", version=f"lessonbank {version}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    common = _common(top=False)
    for add in (
        *(_add_serve, _add_recall, _add_remember, _add_outcome, _add_lessons),
        *(_add_recalls, _add_keeping, _add_host, _add_token, _add_install),
    ):
        add(commands, common)
    return top


def stdin_names(arguments: argparse.Namespace) -> Sequence[str]:
    """Give the names of the values that are to be read from standard input."""
    return [name for name in STDIN_NAMES if getattr(arguments, name, None) == "-"]
