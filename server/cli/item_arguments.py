"""The command line of items: stored, corrected, listed, shown, retired."""

from __future__ import annotations

import argparse

from server.cli.parsing import AGAIN, Commands, Parser, add_global, common


def add_remember(commands: Commands[Parser]) -> None:
    """Add `remember`."""
    remember = commands.add_parser(
        "remember",
        parents=[common(top=False)],
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
        "--tag", dest="tags", action="append", metavar="TAG", help=f"a word to find it by{AGAIN}"
    )
    remember.add_argument("--evidence", metavar="TEXT", help="what it rests on")
    remember.add_argument("--supersedes", metavar="ID", help="the item that it replaces")
    remember.add_argument("--source", metavar="NAME", help="who says so (LESSONBANK_SOURCE)")
    remember.add_argument(
        "--outcome-id", dest="outcome_id", metavar="ID", help="the outcome it was learned from"
    )
    add_global(remember)


def add_edit(commands: Commands[Parser]) -> None:
    """Add `edit`."""
    edit = commands.add_parser(
        "edit",
        parents=[common(top=False)],
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
        help=f'in place of the tags that it has ("" for none){AGAIN}',
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


def add_lessons(commands: Commands[Parser]) -> None:
    """Add `lessons`."""
    lessons = commands.add_parser(
        "lessons",
        parents=[common(top=False)],
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


def add_show(commands: Commands[Parser]) -> None:
    """Add `show`."""
    show = commands.add_parser(
        "show",
        parents=[common(top=False)],
        help="a whole item and its history",
        description="Show one item in full: its text, where it came from, and every outcome\n"
        "that touched it.",
        epilog="example:\n  lessonbank show item_...",
    )
    add_item(show, "as recall or lessons printed it")


def add_forget(commands: Commands[Parser]) -> None:
    """Add `forget`."""
    forget = commands.add_parser(
        "forget",
        parents=[common(top=False)],
        help="retire an item (recoverable)",
        description="Retire an item: it is recalled no more. Its text and its record stay, and\n"
        "`lessonbank restore` brings it back.",
        epilog='example:\n  lessonbank forget item_... --reason "Excel 2024 writes no mark"',
    )
    add_item(forget, "as recall or lessons printed it")
    forget.add_argument("--reason", metavar="TEXT", required=True, help="why; kept with the item")
    add_global(forget)


def add_restore(commands: Commands[Parser]) -> None:
    """Add `restore`."""
    restore = commands.add_parser(
        "restore",
        parents=[common(top=False)],
        help="bring an item back",
        description="Make a retired item active again, with the record that it had.",
        epilog="examples:\n  lessonbank restore item_...\n  lessonbank restore --last",
    )
    add_item(restore, "see lessonbank lessons --state retired", "forgotten last")
    restore.add_argument(
        "--reason",
        metavar="TEXT",
        default="restored by command",
        help='why; kept with the item ("restored by command")',
    )
    add_global(restore)


def add_item(parser: argparse.ArgumentParser, what: str, last: str = "stored last") -> None:
    """Add the item that a command is about: its id, a part of it, or the last one."""
    parser.add_argument(
        "item_id", nargs="?", metavar="ID", help=f"{what}; its beginning or end is enough"
    )
    parser.add_argument(
        "--last", action="store_true", default=None, help=f"the item of this project {last}"
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
