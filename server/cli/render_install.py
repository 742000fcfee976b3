"""Showing an installation: what was done to which file, and what to do next."""

from __future__ import annotations

from server.cli.terminal import Page
from server.install.answers import AllAnswer, FileChange, InstallAnswer, PrintAnswer

_SAID = {
    "added": "installed",
    "updated": "updated",
    "already there": "already installed",
    "removed": "removed",
    "not there": "not installed, nothing to remove",
    "left alone": "left alone: another server has this name",
}
_WOULD = {
    "added": "would be installed",
    "updated": "would be updated",
    "removed": "would be removed",
}


def installation(page: Page, answer: InstallAnswer) -> None:
    """Show what was done, or would be done."""
    for change in answer.changes:
        page.line(f"{change.part}: {_word(change, dry_run=answer.dry_run)}", "bold")
        page.pairs([("file", change.file), ("copy of what was there", change.backup)])
        for line in change.diff.splitlines():
            page.line(f"  {line}")
    _notes(page, answer.notes)


def everywhere(page: Page, answer: AllAnswer) -> None:
    """Show what was done for each client, and which of those known are not here."""
    said: list[str] = []
    for one in answer.done:
        page.line(one.client, "bold")
        for change in one.changes:
            page.pairs([(f"{change.part}: {_word(change, dry_run=one.dry_run)}", change.file)])
            for line in change.diff.splitlines():
                page.line(f"  {line}")
        said += [note for note in one.notes if note not in said]
    for failed in answer.failed:
        page.line(f"{failed.client}: failed", "bold")
        page.block(failed.error)
    if answer.absent:
        page.block(f"Not on this machine: {', '.join(answer.absent)}.", indent="")
    if not answer.done and not answer.failed:
        page.line("Or name one: lessonbank install CLIENT", "dim")
    _notes(page, tuple(said))


def snippets(page: Page, answer: PrintAnswer) -> None:
    """Show what belongs into which file; the text can be pasted."""
    for one in answer.snippets:
        page.line(one.file, "bold")
        for line in one.text.splitlines():
            page.line(line)
    _notes(page, answer.notes)


def _word(change: FileChange, *, dry_run: bool) -> str:
    return _WOULD.get(change.status, _SAID[change.status]) if dry_run else _SAID[change.status]


def _notes(page: Page, notes: tuple[str, ...]) -> None:
    for note in notes:
        page.line()
        page.block(note, indent="")
