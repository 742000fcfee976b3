"""Open recalls: what was served and has no outcome yet. A bounded fold over the log.

A recall opens when it served something or was withheld on purpose (its outcome is
compared too); one that had nothing to serve asks for no outcome. Any outcome that
names its recall_id closes it for good, `unknown` too; a correction changes nothing.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import Literal

from memory_core.model import OutcomeRecord, RecallRecord

RECALL_LIFETIME = 30 * 86_400.0
"""Seconds after which a recall can no longer be reported on."""
MOST = 2_048
"""So many recalls of a project are looked back at, open or closed (under 1 KiB each)."""
REMINDED = 86_400.0
"""Seconds for which a session is reminded of an open recall: later nobody knows how it went."""
TASK_SHOWN = 120
"""Characters of a task's line that are kept."""


@dataclass(frozen=True, slots=True)
class Unreported:
    """One open recall. `at` is seconds since the epoch, `items` how many were served."""

    recall_id: str
    project: str
    session: str
    door: Literal["recall", "check"]
    task: str
    at: float
    items: int


class OpenRecalls:
    """The open ones of each project's newest `most` recalls that ask for an outcome.

    By log order, and each project for itself: none pushes another's out, so what is
    still open tells nobody how much is recalled elsewhere. Older ones are let go of,
    open or not, and those older than `RECALL_LIFETIME` are not told. The window counts
    recalls alone, so live and rebuilt from the log are the same. The `count_*` methods
    are called under the service's lock; reading needs none: it copies in one step.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._recent: defaultdict[str, deque[str]] = defaultdict(deque)
        self._open: defaultdict[str, dict[str, Unreported]] = defaultdict(dict)

    def count_recall(self, recall: RecallRecord) -> None:
        """Open a recall; before its outcome."""
        items = sum(served.position >= 0 for served in recall.candidates)
        if not items and not recall.withheld:
            return
        recent, opened = self._recent[recall.project], self._open[recall.project]
        recent.append(recall.id)
        opened[recall.id] = Unreported(
            recall.id,
            recall.project,
            recall.session,
            recall.door,
            line_of(recall.task),
            recall.at,
            items,
        )
        if len(recent) > self._most:
            opened.pop(recent.popleft(), None)

    def count_outcome(self, outcome: OutcomeRecord) -> None:
        """Close the recall that an outcome names."""
        self._open.get(outcome.project, {}).pop(outcome.recall_id, None)

    def newest_first(self, project: str, session: str, now: float) -> list[Unreported]:
        """What can still be reported of a project and a session ("": of all its sessions)."""
        return [
            one
            for one in reversed(list(self._open.get(project, {}).values()))
            if (not session or one.session == session) and now - one.at <= RECALL_LIFETIME
        ]

    def reminder(self, project: str, session: str, now: float) -> str:
        """One line on the session's own open recalls of the last day, "" when there are none.

        A check needs no outcome, and a call without a session has no earlier ones.
        """
        if not session:
            return ""
        found = [
            one
            for one in self.newest_first(project, session, now)
            if one.door == "recall" and now - one.at <= REMINDED
        ]
        if not found:
            return ""
        newest = found[0].recall_id
        if len(found) == 1:
            said = f"1 earlier recall of this session has no outcome yet ({newest})"
        else:
            said = f"{len(found)} earlier recalls of this session have no outcome yet"
            said += f" (newest {newest})"
        return f"{said}: report_outcome with the recall_id, outcome unknown if you cannot tell."


def line_of(task: str) -> str:
    """A task in one line of at most `TASK_SHOWN` characters."""
    text = " ".join(task.split())
    return text if len(text) <= TASK_SHOWN else text[: TASK_SHOWN - 3] + "..."
