"""What a start would stumble over, found one by one, each with the next move."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from memory_core.doctor.examination import examine
from memory_core.doctor.results import Check, Report

__all__ = ["Check", "Report", "examine", "verify"]


def verify(folder: Path, index: str = "", tell: Callable[[str], None] = lambda _: None) -> Report:
    """See `verification.verify`, whose LanceDB may end a process that only examines."""
    from memory_core.doctor import verification

    return verification.verify(folder, index, tell)
