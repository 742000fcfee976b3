"""A client's file: read it, keep a copy beside it, replace it in one step.

A symbolic link stays a link: what it points to is replaced. The mode is kept; a new
file belongs to its owner alone, since others may put secrets there. Line ends and
everything else of the text stay as they are.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from memory_core.errors import UnusableFile, shown

BACKUP = ".lessonbank-backup"
_NEW_FILE = 0o600
_RUN_AGAIN = "Nothing was changed; correct it and run this again."


class Unreadable(Exception):
    """A text is not of the form that it should have; `line` and `column` count from 1."""

    def __init__(self, form: str, problem: str, line: int, column: int) -> None:
        super().__init__(problem)
        self.form = form
        self.problem = problem
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Source:
    """A file as it was read: `data` None when there is none. `real` is behind all links."""

    path: Path
    real: Path
    data: bytes | None

    @property
    def text(self) -> str:
        """Its text; "" for no file.

        Raises:
            InvalidInput: It is not UTF-8.
        """
        try:
            return (self.data or b"").decode("utf-8")
        except UnicodeDecodeError as error:
            before = (self.data or b"")[: error.start]
            line = before.count(b"\n") + 1
            column = len(before) - (before.rfind(b"\n") + 1) + 1
            problem = f"{shown_path(self.path)} is not UTF-8 at line {line}, column {column}"
            raise refused(problem) from None


def shown_path(path: Path) -> str:
    """Give a path for a sentence, whatever bytes its name has."""
    return str(path).encode("utf-8", "backslashreplace").decode("utf-8")


def refused(problem: str, move: str = _RUN_AGAIN) -> UnusableFile:
    """Give the error of a file that cannot be changed."""
    return UnusableFile("config", f"cannot be changed: {problem}", move)


def read(path: Path) -> Source:
    """Read a file.

    Raises:
        InvalidInput: It is there and cannot be read.
    """
    try:
        real = path.resolve()
        return Source(path, real, real.read_bytes())
    except FileNotFoundError:
        return Source(path, path.resolve(), None)
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or "a loop of links"
        raise refused(f"{shown_path(path)} cannot be read ({why})") from None


def write(source: Source, text: str) -> Path | None:
    """Replace the file by `text` and give its backup, None when there was no file.

    Raises:
        InvalidInput: It cannot be written, or somebody changed it since it was read.
    """
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise refused(f"{shown(text[error.start : error.end])} is not valid Unicode") from None
    try:
        require_writable(source)
        mode = _mode(source)
        if read(source.path).data != source.data:
            raise refused(
                f"{shown_path(source.path)} was changed by another program just now",
                "Run this again.",
            )
        source.real.parent.mkdir(parents=True, exist_ok=True)
        backup = None
        if source.data is not None:
            backup = source.real.with_name(source.real.name + BACKUP)
            _replace(backup, source.data, mode)
        _replace(source.real, data, mode)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise refused(
            f"{shown_path(source.path)} cannot be written ({why})", "Correct it and run this again."
        ) from None
    return backup


def remove(source: Source, folders: Sequence[Path], is_ours: Callable[[str], bool]) -> None:
    """Remove the file, a copy of it that is ours too, and of `folders` those that are empty then.

    Raises:
        InvalidInput: It cannot be removed, or somebody changed it since it was read.
    """
    try:
        require_writable(source)
        if read(source.path).data != source.data:
            raise refused(
                f"{shown_path(source.path)} was changed by another program just now",
                "Run this again.",
            )
        source.real.unlink()
        backup = read(source.real.with_name(source.real.name + BACKUP))
        if backup.data is not None and is_ours(backup.text):
            backup.path.unlink()
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise refused(f"{shown_path(source.path)} cannot be removed ({why})") from None
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def require_writable(source: Source) -> None:
    """Refuse a file that is marked read-only; a folder may still turn out to be.

    Raises:
        InvalidInput: It is read-only.
    """
    if source.data is not None and not _mode(source) & stat.S_IWUSR:
        raise refused(
            f"{shown_path(source.path)} is read-only", "Allow writing, then run this again."
        )


def _mode(source: Source) -> int:
    if source.data is None:
        return _NEW_FILE
    return stat.S_IMODE(source.real.stat().st_mode)


def _replace(path: Path, data: bytes, mode: int) -> None:
    """Write `data` beside `path` and move it there in one step."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.lessonbank")
    try:
        handle = os.open(
            draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), mode
        )
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(mode)
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
