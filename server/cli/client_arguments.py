"""The command line of clients: serving them, setting them up, their hooks, the shell."""

from __future__ import annotations

from server.cli.parsing import AGAIN, Commands, Parser, common

SHELLS = ("bash", "zsh", "fish")


def add_serve(commands: Commands[Parser]) -> None:
    """Add `serve`."""
    serve = commands.add_parser(
        "serve",
        parents=[common(top=False)],
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
            help=what + AGAIN,
        )
    serve.add_argument("--tls-cert", metavar="FILE", help="certificate chain (PEM), for https")
    serve.add_argument("--tls-key", metavar="FILE", help="its key, if it is not in the same file")
    serve.add_argument(
        "--rate", type=int, metavar="N", help="requests per minute and token (default 12000)"
    )


def add_install(commands: Commands[Parser]) -> None:
    """Add `install`."""
    install = commands.add_parser(
        "install",
        parents=[common(top=False, in_process=False)],
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


def add_hook(commands: Commands[Parser]) -> None:
    """Add `hook`."""
    hook = commands.add_parser(
        "hook",
        parents=[common(top=False, in_process=False)],
        help="what a client runs by itself (see install)",
        description="Read a hook's JSON from standard input and answer it; never fails the client.",
    )
    hook.add_argument("client", metavar="CLIENT", help="claude-code")
    hook.add_argument(
        "--max-tokens", dest="max_tokens", metavar="N", help="size of what is added (600)"
    )


def add_completion(commands: Commands[Parser]) -> None:
    """Add `completion`."""
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
