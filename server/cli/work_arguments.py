"""The command line of work: recall, check, outcome, and what was served."""

from __future__ import annotations

from server.cli.parsing import AGAIN, Commands, Parser, add_global, common


def add_recall(commands: Commands[Parser]) -> None:
    """Add `recall`."""
    recall = commands.add_parser(
        "recall",
        parents=[common(top=False)],
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
        help=f"only this kind: strategy, pitfall or fact{AGAIN}",
    )
    recall.add_argument("--session", metavar="NAME", help="name of the working session")
    recall.add_argument("-k", "--limit", dest="k", metavar="N", help="items at most, 1 to 20 (3)")
    recall.add_argument(
        "--max-tokens", dest="max_tokens", metavar="N", help="size of the answer, from 50 (1200)"
    )
    add_global(recall)


def add_check(commands: Commands[Parser]) -> None:
    """Add `check`."""
    check = commands.add_parser(
        "check",
        parents=[common(top=False)],
        help="whether something like it failed before",
        description="Say what went wrong before in conditions like these, and what helped:\n"
        "before an action, or after an error.",
        epilog='examples:\n  lessonbank check "delete the build folder"\n'
        "  make test 2> error.txt || lessonbank check --error - < error.txt",
    )
    check.add_argument("action", nargs="?", metavar="ACTION", help="what you are about to do")
    check.add_argument(
        "--error", metavar="TEXT", help='the error that you got ("-": standard input)'
    )
    check.add_argument("--session", metavar="NAME", help="name of the working session")
    check.add_argument("-k", "--limit", dest="k", metavar="N", help="items at most, 1 to 20 (3)")
    add_global(check)


def add_outcome(commands: Commands[Parser]) -> None:
    """Add `outcome`."""
    outcome = commands.add_parser(
        "outcome",
        parents=[common(top=False)],
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
            help=f"an item that {what}{AGAIN}",
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
        help=f"what was done, in order{AGAIN}",
    )
    outcome.add_argument("--session", metavar="NAME", help="name of the working session")
    outcome.add_argument("--source", metavar="NAME", help="who reports (LESSONBANK_SOURCE)")
    outcome.add_argument("--attempt-group", metavar="NAME", help="ties attempts of one task")
    outcome.add_argument("--report-id", metavar="ID", help="the same id counts once")


def add_recalls(commands: Commands[Parser]) -> None:
    """Add `recalls`."""
    recalls = commands.add_parser(
        "recalls",
        parents=[common(top=False)],
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
