"""What subscribers are told of a record: the same wherever it is folded.

Each change names the project that it happened in: who does not see that hears nothing.
"""

from __future__ import annotations

from memory_core.model import OutcomeRecord
from memory_core.port import Change


def recall_changes(project: str) -> tuple[Change, ...]:
    """An answer was served in a project."""
    return (Change("stats", project=project),)


def item_changes(item_id: str, project: str) -> tuple[Change, ...]:
    """An item of a project is new, or in another state."""
    return (
        Change("item", item_id, project),
        Change("project", project, project),
        Change("stats", project=project),
    )


def outcome_changes(outcome: OutcomeRecord) -> tuple[Change, ...]:
    """A report was taken: the items that it credits have other counters."""
    project = outcome.project
    credited = [Change("item", credit.item_id, project) for credit in outcome.credits]
    mistakes = [Change("mistakes", project=project)] if outcome.signature_id else []
    return (
        *credited,
        Change("project", project, project),
        *mistakes,
        Change("stats", project=project),
    )
