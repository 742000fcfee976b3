"""Every file's new text, all of them before any is written.

So a file that cannot be read stops the whole installation while nothing is changed.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from memory_core.errors import InvalidInput
from server.install.answers import FileChange, Part, Status
from server.install.files import Source, read, refused, require_writable, shown_path, write
from server.install.jsonc import NotJson, parse

_EMPTY = "{}\n"
Edit = Callable[[str], tuple[str, Status]]


@dataclass(frozen=True, slots=True)
class Planned:
    """One file, its text now and then; they are equal when nothing is to be done."""

    source: Source
    part: Part
    after: str
    status: Status

    @property
    def changed(self) -> bool:
        return self.after != self.source.text

    def diff(self) -> str:
        """Give the change as a unified difference, "" without one."""
        before, after = (one.splitlines(keepends=True) for one in (self.source.text, self.after))
        name = shown_path(self.source.path)
        return "".join(difflib.unified_diff(before, after, name, name))

    def require_writable(self) -> None:
        """Refuse a change of a read-only file before any other file is changed."""
        if self.changed:
            require_writable(self.source)

    def carried_out(self) -> FileChange:
        """Write the file, if there is something to write, and say what was done."""
        backup = write(self.source, self.after) if self.changed else None
        return FileChange(
            file=shown_path(self.source.path),
            part=self.part,
            status=self.status,
            backup=shown_path(backup) if backup else "",
        )

    def shown(self) -> FileChange:
        """Say what would be done."""
        return FileChange(
            file=shown_path(self.source.path), part=self.part, status=self.status, diff=self.diff()
        )


def planned(path: Path, part: Part, edit: Edit, *, comments: bool) -> Planned:
    """Read a file and plan its change.

    Args:
        path: The file.
        part: What of it is changed.
        edit: From the text to the new text and what that means.
        comments: Whether the client reads comments.

    Raises:
        InvalidInput: It cannot be read as this client reads it, or has another form.
    """
    source = read(path)
    text = source.text
    blank = not text.strip("\ufeff \t\r\n")
    try:
        if not blank:
            parse(text, comments=comments)
        after, status = edit(_EMPTY if blank else text)
    except NotJson as error:
        raise refused(
            f"{shown_path(path)} is no valid JSON at line {error.line}, column {error.column} "
            f"({error.problem})"
        ) from None
    except LookupError:
        raise refused(f"{shown_path(path)} has not the form of this client's file") from None
    except InvalidInput as error:
        raise InvalidInput(error.field, f"{shown_path(path)} {error.problem}", error.move) from None
    return Planned(source, part, text if blank and after == _EMPTY else after, status)
