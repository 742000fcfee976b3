"""Every file's new text, all of them before any is written.

So a file that cannot be read stops the whole installation while nothing is changed.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from memory_core.errors import InvalidInput, UnusableFile
from server.install.answers import FileChange, Part, Status
from server.install.files import (
    Source,
    Unreadable,
    read,
    refused,
    remove,
    require_writable,
    shown_path,
    write,
)
from server.install.forms import Text
from server.install.jsonc import parse
from server.install.record import Made, Record, missing_folders

Edit = Callable[[str], tuple[str, Status]]


@dataclass(frozen=True, slots=True)
class Planned:
    """One file, its text now and then; they are equal when nothing is to be done."""

    source: Source
    part: Part
    after: str
    status: Status
    form: Text
    known: Made | None
    edit: Edit

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

    def carried_out(self, record: Record, made: Made) -> FileChange:
        """Write the file, if there is something to write, and say what was done.

        Args:
            record: Remembers what is ours.
            made: What is, of the file's text. That the file and its folders are, is seen here.
        """
        backup = None
        if self.removes_file:
            remove(
                self.source, [Path(one) for one in (self.known or Made()).folders], self._is_ours
            )
        elif self.changed:
            folders = missing_folders(self.source.real) if self.source.data is None else ()
            backup = write(self.source, self.after)
            if self.source.data is None:
                made = replace(made, file=True, folders=folders)
        if self.changed:
            record.note(self.source.path, None if self.status == "removed" else _worth(made))
        return FileChange(
            file=shown_path(self.source.path),
            part=self.part,
            status=self.status,
            backup=shown_path(backup) if backup else "",
        )

    def _is_ours(self, text: str) -> bool:
        """Whether an older copy of the file holds nothing but what was installed."""
        try:
            return self.form.says_nothing(self.edit(text)[0])
        except (Unreadable, LookupError, InvalidInput):
            return False

    @property
    def removes_file(self) -> bool:
        """Whether the file was ours alone and nothing is left in it."""
        ours = self.known is not None and self.known.file
        return self.status == "removed" and ours and self.form.says_nothing(self.after)

    def shown(self) -> FileChange:
        """Say what would be done."""
        return FileChange(
            file=shown_path(self.source.path), part=self.part, status=self.status, diff=self.diff()
        )


def _worth(made: Made) -> Made | None:
    return None if made == Made() else made


def planned(
    path: Path, part: Part, edit: Edit, *, form: Text, comments: bool, known: Made | None
) -> Planned:
    """Read a file and plan its change.

    Args:
        path: The file.
        part: What of it is changed.
        edit: From the text to the new text and what that means.
        form: Of the file.
        comments: Whether the client reads comments in JSON.
        known: What of the file is ours, as far as that was written down.

    Raises:
        InvalidInput: It cannot be read as this client reads it, or has another form.
    """
    source = read(path)
    text = source.text
    blank = not text.strip("\ufeff \t\r\n")
    try:
        if not blank and not comments:
            parse(text, comments=False)
        form.value(form.empty if blank and form.empty else text)
        after, status = edit(form.empty if blank else text)
    except Unreadable as error:
        raise refused(
            f"{shown_path(path)} is no valid {error.form} at line {error.line}, "
            f"column {error.column} ({error.problem})"
        ) from None
    except LookupError:
        raise refused(f"{shown_path(path)} has not the form of this client's file") from None
    except UnusableFile as error:
        raise UnusableFile(error.field, f"{shown_path(path)} {error.problem}", error.move) from None
    after = text if blank and after == form.empty else after
    return Planned(source, part, after, status, form, known, edit)
