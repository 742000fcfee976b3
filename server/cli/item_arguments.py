"""The command line of checking and correcting: names, help and examples."""

from __future__ import annotations

import argparse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_AGAIN = "; may be repeated"


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


def add_item(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the item that a command is about: its id, a part of it, or the last one."""
    parser.add_argument(
        "item_id", nargs="?", metavar="ID", help=f"{what}; its beginning or end is enough"
    )
    parser.add_argument(
        "--last", action="store_true", default=None, help="the item of this project stored last"
    )


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add what a list of items may be narrowed by."""
    parser.add_argument("--tag", metavar="TAG", help="only with this tag")
    parser.add_argument(
        "--source", dest="written_by", metavar="NAME", help="only what this source wrote"
    )
    for name, what in (("since", "from"), ("until", "up to")):
        parser.add_argument(
            f"--{name}", metavar="WHEN", help=f"only {what} a date, a time, or 12h, 7d, 2w ago"
        )


def add_check(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add `check`."""
    check = commands.add_parser(
        "check",
        parents=[common],
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


def add_edit(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add `edit`."""
    edit = commands.add_parser(
        "edit",
        parents=[common],
        help="correct an item; it keeps its record where it says the same",
        description="Put a corrected item in the place of an old one, which stays readable.\n"
        "Where nothing changes but spelling, case, punctuation, tags or the task, the\n"
        "record (won, lost, shown, what was learned of it) passes on; else the new item\n"
        "starts anew. It is said which, and --keep-record and --new-record decide it.\n"
        "With no option the item opens in an editor ($VISUAL, else $EDITOR).\n"
        "`lessonbank restore ID` of the old item takes its record back.",
        epilog='examples:\n  lessonbank edit item_... --title "Open Excel CSVs with utf-8-sig"\n'
        "  lessonbank edit item_... --tag csv --tag excel\n"
        "  lessonbank edit item_... --keep-record --content - < better.txt\n"
        "  lessonbank edit item_...",
    )
    add_item(edit, "as recall or lessons printed it")
    edit.add_argument("--title", metavar="TEXT", help="one line")
    edit.add_argument("--content", metavar="TEXT", help='the lesson ("-": standard input)')
    edit.add_argument(
        "--description", metavar="TEXT", help='when to use it, and when not ("" for none)'
    )
    edit.add_argument("--kind", metavar="KIND", help="strategy, pitfall or fact")
    edit.add_argument("--task", metavar="TEXT", help='the task that it came from ("" for none)')
    edit.add_argument(
        "--tag",
        dest="tags",
        action="append",
        metavar="TAG",
        help=f'in place of the tags that it has ("" for none){_AGAIN}',
    )
    record = edit.add_mutually_exclusive_group()
    for name, what in (
        ("keep", "it means the same: its record passes on"),
        ("new", "it means something else: it starts without a record"),
    ):
        record.add_argument(
            f"--{name}-record", dest="record", action="store_const", const=name, help=what
        )
    edit.add_argument("--source", metavar="NAME", help="who says so (LESSONBANK_SOURCE)")
    add_global(edit)
