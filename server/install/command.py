"""One run of `lessonbank install CLIENT`: what to write where, then written or shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from memory_core.addresses import expanded, remote_of, unquoted
from memory_core.errors import InvalidInput, shown
from server.install.answers import InstallAnswer, Part, PrintAnswer, Snippet, Status
from server.install.claude_hooks import (
    EVENTS,
    any_hooks,
    group,
    handler,
    with_hooks,
    without_hooks,
)
from server.install.clients import CLIENTS, PROJECT, USER, Client, Machine, hooks_file, servers_file
from server.install.files import shown_path
from server.install.invocation import Invocation, this_installation
from server.install.plan import Edit, planned
from server.install.servers import (
    NAME,
    entry,
    has_foreign,
    has_ours,
    with_server,
    without_server,
)

_PASSED_ON = ("LESSONBANK_STORE", "LESSONBANK_PROJECT")
_KEYS_NOTE = (
    "The shared store's keys are written into no file: the client needs AWS_*, GOOGLE_*, AZURE_* or"
    " LANCEDB_* in its own environment."
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What the person asked for; empty values are not given. `config` and `settings` name files."""

    client: str
    scope: str = USER
    config: str = ""
    settings: str = ""
    store: str = ""
    project: str = ""
    hooks: bool = True
    uninstall: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Target:
    file: Path
    part: Part
    edit: Edit
    text: str


@dataclass(slots=True)
class _Installation:
    """One wish on one machine."""

    wish: Wish
    machine: Machine
    invocation: Invocation
    client: Client = field(init=False)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.wish.client not in CLIENTS:
            raise InvalidInput(
                "client",
                f"= {shown(self.wish.client)} is not known",
                f"Use one of {', '.join(CLIENTS)}.",
            )
        self.client = CLIENTS[self.wish.client]
        if not self.wish.uninstall:
            self.notes += self.invocation.notes
            if remote_of(self.environment().get("LESSONBANK_STORE", "")):
                self.notes.append(_KEYS_NOTE)

    def environment(self) -> dict[str, str]:
        """Give what the person has set and a client must pass on; paths are absolute."""
        given = {"LESSONBANK_STORE": self.wish.store, "LESSONBANK_PROJECT": self.wish.project}
        known = {
            name: given[name] or self.machine.environ.get(name, "").strip() for name in _PASSED_ON
        }
        if known["LESSONBANK_STORE"]:
            url = remote_of(unquoted(known["LESSONBANK_STORE"]))
            base = self.machine.folder if self.wish.store else self.machine.home
            folder = expanded("LESSONBANK_STORE", known["LESSONBANK_STORE"])
            known["LESSONBANK_STORE"] = url or str(base / folder)
        return {name: value for name, value in known.items() if value}

    def targets(self) -> list[_Target]:
        """Give the files to change: the server's, and for Claude Code the hooks'."""
        wish = self.wish
        file = _named(wish.config) or servers_file(self.client, self.machine, wish.scope)
        made = entry(self.client, self.invocation.words, self.environment())
        whole = {self.client.root: {NAME: made}}
        found = [_Target(file, "server", self._server_edit(made), _pretty(whole))]
        if self.client.name == "claude-code" and wish.hooks:
            found += self._hooks_target()
        return found

    def _hooks_target(self) -> list[_Target]:
        if self.wish.config and not self.wish.settings:
            self.notes.append("Hooks are left out with --config: name their file with --settings.")
            return []
        file = _named(self.wish.settings) or hooks_file(self.machine, self.wish.scope)
        options = [
            word
            for name, value in self.environment().items()
            for word in (f"--{name.removeprefix('LESSONBANK_').lower()}", value)
        ]
        made = handler(self.invocation.words, options, self.machine.system)
        whole = {"hooks": {event: [group(event, made)] for event in EVENTS}}
        return [_Target(file, "hooks", self._hooks_edit(made), _pretty(whole))]

    def _server_edit(self, made: Mapping[str, object]) -> Edit:
        def installed(text: str) -> tuple[str, Status]:
            after = with_server(text, self.client, made)
            return after, _status(text, after, has_ours(text, self.client))

        def uninstalled(text: str) -> tuple[str, Status]:
            if has_foreign(text, self.client):
                return text, "left alone"
            after = without_server(text, self.client)
            return after, "not there" if after == text else "removed"

        return uninstalled if self.wish.uninstall else installed

    def _hooks_edit(self, made: Mapping[str, object]) -> Edit:
        def installed(text: str) -> tuple[str, Status]:
            after = with_hooks(text, made)
            return after, _status(text, after, any_hooks(text))

        def uninstalled(text: str) -> tuple[str, Status]:
            after = without_hooks(text)
            return after, "not there" if after == text else "removed"

        return uninstalled if self.wish.uninstall else installed


def install(
    wish: Wish, *, machine: Machine | None = None, invocation: Invocation | None = None
) -> InstallAnswer:
    """Install into a client, or uninstall; with `dry_run` only say what would be done.

    Raises:
        InvalidInput: The wish cannot be met; then nothing was changed.
    """
    work = _Installation(wish, machine or Machine.this(), invocation or this_installation())
    plans = [
        planned(one.file, one.part, one.edit, comments=work.client.comments)
        for one in work.targets()
    ]
    if wish.dry_run:
        changes = [plan.shown() for plan in plans]
    else:
        for plan in plans:
            plan.require_writable()
        changes = [plan.carried_out() for plan in plans]
    changed = any(plan.changed for plan in plans)
    if changed and wish.scope == PROJECT and not wish.uninstall:
        work.notes.append(
            "The project's files now hold paths of this machine: mind that before you share them."
        )
    if changed and not wish.dry_run:
        work.notes.append(work.client.after)
    return InstallAnswer(
        client=wish.client,
        uninstall=wish.uninstall,
        dry_run=wish.dry_run,
        changes=tuple(changes),
        notes=tuple(work.notes),
    )


def printed(
    wish: Wish, *, machine: Machine | None = None, invocation: Invocation | None = None
) -> PrintAnswer:
    """Give what an installation would add, without reading or writing any file."""
    work = _Installation(wish, machine or Machine.this(), invocation or this_installation())
    snippets = tuple(
        Snippet(file=shown_path(one.file), part=one.part, text=one.text) for one in work.targets()
    )
    return PrintAnswer(client=wish.client, snippets=snippets, notes=tuple(work.notes))


def _named(file: str) -> Path | None:
    return expanded("file", file).absolute() if file else None


def _pretty(whole: object) -> str:
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def _status(before: str, after: str, had: bool) -> Status:
    if before == after:
        return "already there"
    return "updated" if had else "added"
