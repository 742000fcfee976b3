"""What `lessonbank install` answers; how it is shown is the command line's business."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

Status = Literal["added", "updated", "already there", "removed", "not there", "left alone"]
Part = Literal["server", "hooks", "permissions"]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)


class FileChange(_Answer):
    """One file: what became of it, where its copy is, and with a dry run the difference."""

    file: str
    part: Part
    status: Status
    backup: str = ""
    diff: str = ""


class InstallAnswer(_Answer):
    """What was done, or with `dry_run` would be done; `notes` are for the person."""

    client: str
    uninstall: bool
    dry_run: bool
    changes: tuple[FileChange, ...]
    notes: tuple[str, ...] = ()


class Snippet(_Answer):
    """What belongs into one file, as text to paste."""

    file: str
    part: Part
    text: str


class PrintAnswer(_Answer):
    """What an installation would add; nothing was read or written."""

    client: str
    snippets: tuple[Snippet, ...]
    notes: tuple[str, ...] = ()


class Failed(_Answer):
    """A client that could not be set up, and why."""

    client: str
    error: str


class AllAnswer(_Answer):
    """What became of every client; `absent` are those that are not on this machine."""

    done: tuple[InstallAnswer, ...]
    failed: tuple[Failed, ...]
    absent: tuple[str, ...]
