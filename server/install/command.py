"""One run of `lessonbank install CLIENT`: what to write where, then written or shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from memory_core.addresses import expanded, remote_of, unquoted
from memory_core.errors import InvalidInput, shown
from server.install.answers import InstallAnswer, Part, PrintAnswer, Snippet, Status
from server.install.claude_hooks import (
    EVENTS,
    RULE,
    any_hooks,
    group,
    handler,
    has_rule,
    with_hooks,
    with_rule,
    without_hooks,
    without_rule,
)
from server.install.clients import CLIENTS, PROJECT, USER, Client, Machine, hooks_file, servers_file
from server.install.files import shown_path
from server.install.forms import FORMS, Text
from server.install.invocation import Invocation, this_installation
from server.install.plan import Edit, Planned, planned
from server.install.record import Made, Record
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
    """What the person asked for; empty values are not given. `config` and `settings` name files.

    `allow`: the model may call the tools without asking the person each time.
    """

    client: str
    scope: str = USER
    config: str = ""
    settings: str = ""
    store: str = ""
    project: str = ""
    hooks: bool = True
    allow: bool = False
    uninstall: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Target:
    file: Path
    part: Part
    edit: Edit
    text: str
    made: Made
    known: Made | None


@dataclass(slots=True)
class _Installation:
    """One wish on one machine."""

    wish: Wish
    machine: Machine
    invocation: Invocation
    client: Client = field(init=False)
    record: Record = field(init=False)
    allowed: bool = False
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.wish.client not in CLIENTS:
            raise InvalidInput(
                "client",
                f"= {shown(self.wish.client)} is not known",
                f"Use one of {', '.join(CLIENTS)}.",
            )
        self.client = CLIENTS[self.wish.client]
        self.record = Record(self.machine.applications() / "lessonbank" / "installed.json")
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

    @property
    def form(self) -> Text:
        return FORMS[self.client.form]

    def targets(self) -> list[_Target]:
        """Give the files to change: the server's, and for Claude Code its settings."""
        wish = self.wish
        file = _named(wish.config) or servers_file(self.client, self.machine, wish.scope)
        words, environment = self.invocation.words, self.environment()
        made = entry(self.client, words, environment, allow=wish.allow)
        text = self.form.put(self.form.empty, (self.client.root, NAME), made)
        known = self.record.of(file)
        edit = self._removal(known) if wish.uninstall else self._server_edit(made)
        found = [_Target(file, "server", edit, text, known or Made(root=True), known)]
        if self.client.name == "claude-code" and (wish.hooks or wish.allow):
            found += self._settings_target()
        return found

    def _settings_target(self) -> list[_Target]:
        wish = self.wish
        if wish.config and not wish.settings:
            self.notes.append(
                "Hooks and permissions are left out with --config: name their file with --settings."
            )
            return []
        file = _named(wish.settings) or hooks_file(self.machine, wish.scope)
        options = [
            word
            for name, value in self.environment().items()
            for word in (f"--{name.removeprefix('LESSONBANK_').lower()}", value)
        ]
        made = handler(self.invocation.words, options, self.machine.system)
        whole: dict[str, object] = {}
        if wish.allow:
            whole["permissions"] = {"allow": [RULE]}
        if wish.hooks:
            whole["hooks"] = {event: [group(event, made)] for event in EVENTS}
        known = self.record.of(file)
        edit = self._settings_removal(known) if wish.uninstall else self._settings_edit(made)
        part: Part = "hooks" if wish.hooks else "permissions"
        return [_Target(file, part, edit, _pretty(whole), known or Made(root=True), known)]

    def _server_edit(self, made: Mapping[str, object]) -> Edit:
        def installed(text: str) -> tuple[str, Status]:
            after = with_server(text, self.client, made)
            found = self.form.value(after)[self.client.root][NAME]
            if self.client.allowed:
                self.allowed = all(found.get(n) == v for n, v in self.client.allowed.items())
            return after, _status(text, after, has_ours(text, self.client))

        return installed

    def _removal(self, known: Made | None) -> Edit:
        def uninstalled(text: str) -> tuple[str, Status]:
            if has_foreign(text, self.client):
                return text, "left alone"
            keep = known is not None and not known.root
            after = without_server(text, self.client, keep_root=keep)
            return after, "not there" if after == text else "removed"

        return uninstalled

    def _settings_edit(self, made: Mapping[str, object]) -> Edit:
        def installed(text: str) -> tuple[str, Status]:
            after = with_rule(text) if self.wish.allow and not has_rule(text) else text
            if self.wish.hooks:
                after = with_hooks(after, made)
            self.allowed = has_rule(after)
            return after, _status(text, after, any_hooks(text))

        return installed

    def _settings_removal(self, known: Made | None) -> Edit:
        def uninstalled(text: str) -> tuple[str, Status]:
            keep = known is not None and not known.root
            after = without_hooks(text, keep_root=keep)
            if known is not None and known.rule:
                after = without_rule(after)
            return after, "not there" if after == text else "removed"

        return uninstalled

    def made(self, target: _Target, plan: Planned) -> Made:
        """What of a changed file is ours, together with what was so before."""
        if self.wish.uninstall or not plan.changed:
            return target.made
        before = self.form.value(plan.source.text) if plan.source.text.strip() else {}
        root = "hooks" if target.part != "server" else self.client.root
        known = target.known
        rule = (
            target.part != "server"
            and has_rule(plan.after)
            and not has_rule(plan.source.text or "{}")
        )
        return replace(
            target.made,
            rule=rule or (known is not None and known.rule),
            root=known.root if known is not None else before.get(root, True) != {},
        )

    def note_permissions(self) -> None:
        """Say how things stand with asking before each call."""
        able = self.client.name == "claude-code" or self.client.allowed
        title = self.client.title
        if self.wish.uninstall or (not able and not self.wish.allow):
            return
        if not able:
            self.notes.append(f"{title} has no setting that allows one server's tools: it decides.")
        elif self.allowed:
            self.notes.append(f"{title} may call lessonbank's tools without asking.")
        else:
            denied = ", and `claude -p` denies it" if self.client.name == "claude-code" else ""
            self.notes.append(
                f"{title} asks before each call of a tool{denied}. To allow lessonbank's six "
                f"tools: lessonbank install {self.client.name} --allow"
            )


_UNTIL_RESTART = "Open sessions keep it until they restart."


def install(
    wish: Wish, *, machine: Machine | None = None, invocation: Invocation | None = None
) -> InstallAnswer:
    """Install into a client, or uninstall; with `dry_run` only say what would be done.

    Raises:
        InvalidInput: The wish cannot be met; then nothing was changed.
    """
    work = _Installation(wish, machine or Machine.this(), invocation or this_installation())
    targets = work.targets()
    plans = [
        planned(
            one.file,
            one.part,
            one.edit,
            form=work.form if one.part == "server" else FORMS["json"],
            comments=work.client.comments or work.client.form != "json",
            known=one.known,
        )
        for one in targets
    ]
    work.note_permissions()
    if wish.dry_run:
        changes = [plan.shown() for plan in plans]
    else:
        for plan in plans:
            plan.require_writable()
        changes = [
            plan.carried_out(work.record, work.made(one, plan))
            for one, plan in zip(targets, plans, strict=True)
        ]
    changed = any(plan.changed for plan in plans)
    if changed and wish.scope == PROJECT and not wish.uninstall:
        work.notes.append(
            "The project's files now hold paths of this machine: mind that before you share them."
        )
    if changed and not wish.dry_run:
        work.notes.append(_UNTIL_RESTART if wish.uninstall else work.client.after)
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
