"""The commands that ask no memory of a host.

serve, host, token, doctor, verify, export, eval, install, hook, completion.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import logging
import sys
from collections.abc import Callable
from typing import Any

from memory_core.addresses import expanded, place_of_store
from memory_core.bootstrap import product_version
from memory_core.errors import InvalidInput, shown
from memory_core.settings import Settings
from server.cli.asking import settings_of
from server.cli.in_process import OpenMemory, open_here
from server.cli.progress import ProgressLine
from server.cli.showing import shown_answer as _show


def run(arguments: argparse.Namespace, opened: OpenMemory | None) -> int:
    """Run one of them and give its exit code."""
    settings = settings_of(arguments)
    level = settings.log_level or "WARNING"
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    if arguments.command == "serve":
        return _serve(arguments, settings, opened or _usual(arguments))
    return APART[arguments.command](arguments, settings)


def _usual(arguments: argparse.Namespace) -> OpenMemory:
    if arguments.in_process:
        return open_here
    from server.host.client import open_hosted

    return open_hosted


def _serve(arguments: argparse.Namespace, settings: Settings, opened: OpenMemory) -> int:
    from server.serve import run
    from server.web.options import DoorOptions

    settings, opened = _part(arguments, settings, opened)
    given: dict[str, Any] = {
        field.name: tuple(value) if isinstance(value, list) else value
        for field in dataclasses.fields(DoorOptions)
        if (value := getattr(arguments, field.name)) is not None
    }
    transport = arguments.transport or "stdio"
    run(transport, DoorOptions(**given), settings=settings, open_memory=opened)


def _part(
    arguments: argparse.Namespace, settings: Settings, opened: OpenMemory
) -> tuple[Settings, OpenMemory]:
    """The settings and the memory of a process that takes its own part in a shared store."""
    if arguments.follow:
        from server.peers.opening import open_replica

        store, remote = place_of_store(arguments.follow, settings.workdir)
        _require_shared("follow", arguments.follow, remote)
        settings = dataclasses.replace(settings, store=store, remote=remote, follow=True)
        return settings, functools.partial(open_replica, kept=bool(settings.workdir))
    if arguments.standby:
        _require_shared("standby", str(settings.store), settings.remote)
        return dataclasses.replace(settings, standby=True), open_here
    return settings, opened


def _require_shared(option: str, store: str, remote: str) -> None:
    if not remote:
        raise InvalidInput(
            option,
            f"needs a shared store, {shown(store)} is a folder",
            "Use s3://BUCKET/PREFIX, gs://BUCKET/PREFIX, az://CONTAINER/PREFIX or db://DATABASE.",
        )


def _host(arguments: argparse.Namespace, settings: Settings) -> int:
    from server.cli import hosting

    answer = hosting.ACTIONS[arguments.action](settings, product_version(), arguments)
    _show(arguments, answer, hosting.show)
    silent = isinstance(answer, hosting.HostStatus) and not answer.stage
    return 1 if arguments.action == "status" and silent else 0


def _token(arguments: argparse.Namespace, settings: Settings) -> int:
    from server.cli import tokens

    answer = tokens.ACTIONS[arguments.action](settings, arguments)
    _show(arguments, answer, tokens.show)
    return 0


def _loaded_by_host(settings: Settings) -> bool:
    """Whether a host of this version has loaded all that a start would."""
    from server.host.announced import HostRefused
    from server.host.direct import health
    from server.host.place import known_place

    try:
        place = known_place(settings.store)
        there = place.read() if place is not None else None
    except (OSError, HostRefused):
        return False
    told = health(there) if there is not None and there.version == product_version() else None
    return told is not None and told["stage"] == "ready"


def _doctor(arguments: argparse.Namespace, settings: Settings) -> int:
    from memory_core.doctor import examine
    from server.cli.render_apart import doctor
    from server.web.options import DEFAULT_PORT

    waiting = ProgressLine(sys.stderr, patience=0.0)  # it takes long without telling how far it is
    try:
        report = examine(
            settings,
            DEFAULT_PORT,
            loaded=_loaded_by_host(settings),
            tell=lambda what: waiting.show(f"checking {what}"),
        )
    finally:
        waiting.clear()
    _show(arguments, report, doctor)
    return 0 if report.ok else 1


def _verify(arguments: argparse.Namespace, settings: Settings) -> int:
    from memory_core.doctor import verify
    from server.cli.render_apart import doctor

    waiting = ProgressLine(sys.stderr)
    try:
        report = verify(
            settings.store, settings.index, lambda what: waiting.show(f"reading {what}")
        )
    finally:
        waiting.clear()
    _show(arguments, report, doctor)
    return 0 if report.ok else 1


def _export(arguments: argparse.Namespace, settings: Settings) -> int:
    from memory_core.bootstrap import export
    from server.cli.render_apart import exported

    _show(arguments, export(settings, expanded("--lance", arguments.lance)), exported)
    return 0


def _evaluate(arguments: argparse.Namespace, settings: Settings) -> int:
    from memory_core.bootstrap import evaluate
    from server.cli.render_apart import evaluation

    waiting = ProgressLine(sys.stderr, patience=0.0)
    try:
        waiting.show("loading torch and LanceDB, then replaying the log")
        answer = evaluate(settings)
    finally:
        waiting.clear()
    _show(arguments, answer, evaluation)
    return 0


def _install(arguments: argparse.Namespace, settings: Settings) -> int:
    from server.cli import installing

    answer, show = installing.run(arguments)
    _show(arguments, answer, show)
    return installing.exit_code(answer)


def _hook(arguments: argparse.Namespace, settings: Settings) -> int:
    """A hook whose options stand before it; `server.__main__` runs all others."""
    from server.hooks.command import main as hook

    given = {
        "--store": arguments.store,
        "--project": arguments.project,
        "--max-tokens": arguments.max_tokens,
    }
    return hook([arguments.client, *(f"{name}={value}" for name, value in given.items() if value)])


def _completion(arguments: argparse.Namespace, settings: Settings) -> int:
    import shtab

    from server.cli.arguments import parser

    sys.stdout.write(shtab.complete(parser(), arguments.shell) + "\n")
    return 0


APART: dict[str, Callable[[argparse.Namespace, Settings], int]] = {
    "host": _host,
    "token": _token,
    "doctor": _doctor,
    "verify": _verify,
    "export": _export,
    "eval": _evaluate,
    "install": _install,
    "hook": _hook,
    "completion": _completion,
}
"""The commands that ask no memory of their own."""
