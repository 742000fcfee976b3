"""What a check found. This module checks nothing."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

from memory_core.errors import LessonbankError

Status = Literal["ok", "warn", "fail", "not checked"]


class Check(BaseModel):
    """One check: a sentence on what was found, and the next move where one is needed."""

    model_config = ConfigDict(frozen=True)

    name: str
    status: Status
    found: str
    move: str = ""


class Report(BaseModel):
    """All checks in the order of a start; `ok` when none failed."""

    model_config = ConfigDict(frozen=True)

    ok: bool
    checks: tuple[Check, ...]


def passed(name: str, found: str) -> Check:
    """Give a check that is well."""
    return Check(name=name, status="ok", found=found)


def warned(name: str, found: str, move: str) -> Check:
    """Give a check of something that works and will not for long, or not for all."""
    return Check(name=name, status="warn", found=found, move=move)


def failed(name: str, found: str, move: str) -> Check:
    """Give a check of something that stops the memory."""
    return Check(name=name, status="fail", found=found, move=move)


def not_checked(name: str, why: str) -> Check:
    """Give a check that could not be made here."""
    return Check(name=name, status="not checked", found=why)


def failed_with(name: str, error: LessonbankError) -> Check:
    """Give a failed check from an error whose last sentence is the next move."""
    found, _, move = str(error).rpartition(". ")
    return failed(name, f"{found}.", move)
