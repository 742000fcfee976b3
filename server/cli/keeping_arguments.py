"""The command line of keeping a store: projects, its host, tokens, its figures."""

from __future__ import annotations

from collections.abc import Callable

from server.cli.parsing import AGAIN, Commands, Parser, common


def add_projects(commands: Commands[Parser]) -> None:
    """Add `projects`."""
    projects = commands.add_parser(
        "projects",
        parents=[common(top=False)],
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
    plain = common(top=False)
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
        "--item", dest="item_ids", action="append", metavar="ID", help=f"this item{AGAIN}"
    )


def add_host(commands: Commands[Parser]) -> None:
    """Add `host`."""
    host = commands.add_parser(
        "host",
        parents=[common(top=False, project=False, in_process=False)],
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


def add_token(commands: Commands[Parser]) -> None:
    """Add `token`."""
    token = commands.add_parser(
        "token",
        help="tokens of the HTTP doors: make, list, revoke",
        description="Make, list and revoke the tokens that HTTP and SSE clients must send.",
        epilog="examples:\n  lessonbank token create --name ci --scope write --project shop\n"
        "  lessonbank token list\n  lessonbank token revoke ci",
    )
    actions = token.add_subparsers(dest="action", metavar="ACTION", required=True)
    plain = common(top=False, project=False, in_process=False)
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
        help=f"only this project (all){AGAIN}",
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


def _keeping(name: str) -> Callable[[Commands[Parser]], None]:
    what, more, in_process = _KEEPING[name]

    def add(commands: Commands[Parser]) -> None:
        commands.add_parser(
            name,
            parents=[common(top=False, in_process=in_process)],
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
    "verify": (
        "read every record, and compare the index with the log",
        "\nChanges nothing, also beside a running host.\nEnds with 1 when the log lost something.",
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

add_stats = _keeping("stats")
add_proof = _keeping("proof")
add_eval = _keeping("eval")
add_doctor = _keeping("doctor")
add_verify = _keeping("verify")


def add_export(commands: Commands[Parser]) -> None:
    """Add `export`."""
    export = commands.add_parser(
        "export",
        parents=[common(top=False, in_process=False)],
        help="write the store as plain LanceDB tables",
        description="Write items, recalls, outcomes and events as plain LanceDB tables that any\n"
        "program can open. Changes nothing, also beside a running host.",
        epilog='example:\n  lessonbank export --lance ./tables\n  python -c "import lancedb;'
        " print(lancedb.connect('./tables').open_table('items').to_pandas())\"",
    )
    export.add_argument(
        "--lance", required=True, metavar="DIR", help="the folder, which must be empty or new"
    )


add_reembed = _keeping("reembed")
add_compact = _keeping("compact")
