"""Open recalls: what was served and has no outcome yet. A bounded fold over the log.

A recall opens when it served something or was withheld on purpose (its outcome is
compared too); one that had nothing to serve asks for no outcome. Any outcome that
names its recall_id closes it for good, `unknown` too; a correction changes nothing.

Recalls of one task are one to be reported: a client's hook recalls on a prompt, then the
agent for itself, in its own words, perhaps twice. The outcome of one closes all of them
that were served before it.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass, field

from memory_core.model import Door, OutcomeRecord, RecallRecord
from memory_core.ports import Record, StoredOutcome, StoredRecall
from memory_core.service.fold import LogPlace

RECALL_LIFETIME = 30 * 86_400.0
"""Seconds after which a recall can no longer be reported on."""
MOST = 2_048
"""So many recalls of a project are looked back at, open or closed (under 1 KiB each)."""
REMINDED = 86_400.0
"""Seconds for which a session is reminded of an open recall: later nobody knows how it went."""
TASK_SHOWN = 120
"""Characters of a task's line that are kept."""
SAME_TASK_WITHIN = 1_800.0
"""Seconds within which a session's recalls in like words are of one task."""
ACROSS_SESSIONS_WITHIN = 600.0
"""The same for a hook's and an agent's whose sessions could not be joined."""
LIKE_WORDS = 0.6
"""Share of the words of two tasks, of all that either has, from which they are alike."""
_LOOKED_BACK = 16
"""Tasks of a project that a new recall may belong to."""
_WORDINGS = 4
_MOST_WORDS = 64
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Unreported:
    """One open recall. `at` is seconds since the epoch, `items` how many were served."""

    recall_id: str
    project: str
    session: str
    door: Door
    task: str
    at: float
    items: int


@dataclass(slots=True)
class _Task:
    """Recalls of one task, as its newest: `words` of the newest few, `own` once the agent asked.

    `recall_ids` are those that its next outcome may close.
    """

    last: RecallRecord
    recall_ids: deque[str] = field(default_factory=lambda: deque(maxlen=MOST))
    words: deque[frozenset[str]] = field(default_factory=lambda: deque(maxlen=_WORDINGS))
    own: bool = False

    def is_in(self, session: str) -> bool:
        return session == self.last.session != ""

    def is_alike(self, words: frozenset[str], at: float, within: float) -> bool:
        """Whether a recall asks the same in like words, at most `within` seconds later."""
        return at - self.last.at <= within and any(_alike(words, one) for one in list(self.words))


class OpenRecalls:
    """The open ones of each project's newest `most` recalls that ask for an outcome.

    By log order, and each project for itself: none pushes another's out, so what is
    still open tells nobody how much is recalled elsewhere. Older ones are let go of,
    open or not, and those older than `RECALL_LIFETIME` are not told. The window counts
    recalls alone, so live and rebuilt from the log are the same. `take` is called under
    the service's lock; reading needs none: it copies in one step.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._recent: defaultdict[str, deque[str]] = defaultdict(deque)
        self._open: defaultdict[str, dict[str, Unreported]] = defaultdict(dict)
        self._task_of: dict[str, _Task] = {}
        self._closed_with: dict[str, str] = {}
        self._newest_tasks: defaultdict[str, deque[_Task]] = defaultdict(
            lambda: deque(maxlen=_LOOKED_BACK)
        )

    def take(self, _place: LogPlace, record: Record) -> None:
        """Open a recall, or close what an outcome answers; a recall comes before its outcome."""
        if isinstance(record, StoredRecall):
            self._open_one(record.record)
        elif isinstance(record, StoredOutcome):
            self._close(record.record)

    def _open_one(self, recall: RecallRecord) -> None:
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
        if recall.door != "check":
            self._join(recall)
        if len(recent) > self._most:
            oldest = recent.popleft()
            opened.pop(oldest, None)
            self._task_of.pop(oldest, None)
            self._closed_with.pop(oldest, None)

    def _close(self, outcome: OutcomeRecord) -> None:
        """Close the recall that an outcome names, and those of its task that were before it."""
        opened = self._open.get(outcome.project, {})
        opened.pop(outcome.recall_id, None)
        task = self._task_of.get(outcome.recall_id)
        if task is not None and not outcome.supersedes:
            for one in task.recall_ids:
                if one in opened and opened[one].at <= outcome.at:
                    del opened[one]
                    self._closed_with[one] = outcome.recall_id

    def closed_with(self, recall_id: str) -> str:
        """The recall of the same task whose outcome closed this one as well, "" for none."""
        return self._closed_with.get(recall_id, "")

    def newest_first(self, project: str, session: str, now: float) -> list[Unreported]:
        """What is to be reported of a project and a session ("": of all its sessions).

        Of one task the newest recall stands for all, the agent's own before a hook's.
        """
        told: dict[int, Unreported] = {}
        for one in reversed(list(self._open.get(project, {}).values())):
            if (session and one.session != session) or now - one.at > RECALL_LIFETIME:
                continue
            task = id(self._task_of.get(one.recall_id, one))
            if task not in told or (told[task].door == "prompt" and one.door == "recall"):
                told[task] = one
        return sorted(told.values(), key=lambda one: -one.at)

    def reminder(self, recall: RecallRecord) -> str:
        """One line on the open recalls of a new recall's session, "" when there are none.

        Of the last day and of other tasks: the task in hand is not overdue. A check needs
        no outcome, and a call without a session has no earlier ones. Nor is a client's hook
        reminded: it asks by itself, once for each.
        """
        if not recall.session or recall.door == "prompt":
            return ""
        in_hand = self._in_hand(recall)
        found = [
            one
            for one in self.newest_first(recall.project, recall.session, recall.at)
            if one.door != "check"
            and recall.at - one.at <= REMINDED
            and self._task_of.get(one.recall_id) is not in_hand
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

    def _join(self, recall: RecallRecord) -> None:
        task = self._in_hand(recall)
        if task is None:
            task = _Task(recall)
            self._newest_tasks[recall.project].append(task)
        task.last = recall
        task.words.append(words_of(recall.task))
        task.own = task.own or recall.door == "recall"
        self._task_of[recall.id] = task
        task.recall_ids.append(recall.id)

    def _in_hand(self, recall: RecallRecord) -> _Task | None:
        """The task that a recall, or a check, is part of; None when it begins another.

        What the agent recalls first after a prompt is the prompt's task, whatever its words.
        """
        tasks = list(reversed(self._newest_tasks.get(recall.project, ())))
        newest = next((one for one in tasks if one.is_in(recall.session)), None)
        if newest is not None and (
            recall.door == "check"
            or (
                recall.door == "recall"
                and not newest.own
                and recall.at - newest.last.at <= REMINDED
            )
        ):
            return newest
        words = words_of(recall.task)
        for task in tasks:
            within = SAME_TASK_WITHIN if task.is_in(recall.session) else 0.0
            if {recall.door, task.last.door} == {"recall", "prompt"} and not within:
                within = ACROSS_SESSIONS_WITHIN
            if within and task.is_alike(words, recall.at, within):
                return task
        return None


def words_of(task: str) -> frozenset[str]:
    """The first words of a task, whatever their case."""
    return frozenset(_WORD.findall(task[:2_000].casefold())[:_MOST_WORDS])


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) >= LIKE_WORDS * len(one | other)


def line_of(task: str) -> str:
    """A task in one line of at most `TASK_SHOWN` characters."""
    text = " ".join(task.split())
    return text if len(text) <= TASK_SHOWN else text[: TASK_SHOWN - 3] + "..."
