"""An item as a text that a person edits: headers, an empty line, and the lesson."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from memory_core.errors import InvalidInput, shown

EDITORS = ("VISUAL", "EDITOR")
USUAL = ("nano", "vi")
_HEADERS = ("title", "kind", "tags", "description")
_END = "# ---- what stands below this line is left out ----"
_HELP = f"""{_END}
# Save and leave: the item is corrected. Leave it as it is: nothing changes.
# A record stays with an item that says the same; --keep-record and --new-record decide.
"""


def has_terminal() -> bool:
    """Whether somebody is there to edit a text."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def text_of(item: dict[str, Any]) -> str:
    """Give the text that is edited."""
    description = item["description"].strip().replace("\n", "\n  ")
    headers = (item["title"], item["kind"], ", ".join(item["tags"]), description)
    lines = [f"{name}: {value}".rstrip() for name, value in zip(_HEADERS, headers, strict=True)]
    return "\n".join([*lines, "", item["content"].strip("\n"), "", _HELP])


def changes_in(text: str, item: dict[str, Any]) -> dict[str, Any]:
    """Give what an edited text changes of the item.

    Raises:
        InvalidInput: A line before the first empty one is no header.
    """
    said = text.replace("\r\n", "\n").split(_END, 1)[0]
    head, _, content = said.partition("\n\n")
    before = _read(text_of(item).split(_END, 1)[0].partition("\n\n")[0])
    after = _read(head)
    changes: dict[str, Any] = {
        name: value for name, value in after.items() if value != before.get(name)
    }
    if "tags" in changes:
        changes["tags"] = [tag.strip() for tag in changes["tags"].split(",") if tag.strip()]
    if content.strip() != item["content"].strip():
        changes["content"] = content.strip("\n")
    return changes


def _read(head: str) -> dict[str, str]:
    found: dict[str, str] = {}
    last = ""
    for line in head.split("\n"):
        name, colon, value = line.partition(":")
        if line[:1].isspace() and last:
            found[last] += f"\n{line.strip()}"
        elif colon and name.strip().lower() in _HEADERS:
            last = name.strip().lower()
            found[last] = value.strip()
        elif line.strip():
            raise InvalidInput(
                "draft",
                f"has the line {shown(line)} before the first empty one",
                f"Begin it with one of {', '.join(f'{header}:' for header in _HEADERS)}",
            )
    return found


@dataclass(slots=True)
class Draft:
    """A text that was edited, in a file that is gone afterwards unless it is to be kept."""

    path: Path
    text: str
    kept: bool = False

    def keep(self) -> None:
        """Leave the file where it is: what it says could not be stored."""
        self.kept = True


@contextlib.contextmanager
def opened(text: str) -> Iterator[Draft]:
    """Let a person edit a text, and give it as they left it.

    Raises:
        InvalidInput: There is no editor, or it failed.
    """
    command = _editor()
    handle, name = tempfile.mkstemp(prefix="lessonbank-", suffix=".md")
    draft = Draft(Path(name), text)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        code = _run([*command, name])
        draft.text = draft.path.read_text(encoding="utf-8", errors="replace")
        if code:
            draft.keep()
            raise InvalidInput(
                "EDITOR",
                f"{shown(shlex.join(command))} ended with exit code {code}; nothing was changed",
                f"Your text is kept in {name}.",
            )
        yield draft
    finally:
        if not draft.kept:
            draft.path.unlink(missing_ok=True)


def _editor() -> list[str]:
    named = next((os.environ[name] for name in EDITORS if os.environ.get(name, "").strip()), "")
    words = shlex.split(named) if named else [one for one in USUAL if shutil.which(one)][:1]
    if words and shutil.which(words[0]):
        return words
    raise InvalidInput(
        "EDITOR",
        f"= {shown(named)} is no program that can be run" if named else "is not set",
        "Set EDITOR to an editor, or give what is to change: --title, --content, --tag ...",
    )


def _run(command: list[str]) -> int:
    return subprocess.run(command, check=False).returncode  # noqa: S603 - the person's own editor
